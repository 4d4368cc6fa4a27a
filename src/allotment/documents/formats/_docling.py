"""Word documents and PDFs by docling, the optional extra for layouts that the built-in readers get wrong.

For PDF it needs its layout models, which it fetches from their hub once; they are not part of any package.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from allotment.documents._blocks import Block, Extracted, Mark
from allotment.documents.formats._clean import clean
from allotment.documents.formats._markdown import markdown_blocks
from allotment.documents.formats._package import check_package
from allotment.documents.formats._pdf import readers_of_pdf
from allotment.errors import DocumentError, MissingPartError

SUFFIXES = frozenset({".docx", ".pdf"})
"""What docling is asked for. Workbooks, slides and web pages are not: it shows the parts that their authors hid."""
_REMEDY = "Run `docling-tools models download` where the hub can be reached, and set DOCLING_ARTIFACTS_PATH."


def extract_with_docling(suffix: str, raw: bytes) -> Extracted:
    """The file as docling's Markdown, page by page where it has pages; its kind must have been checked.

    Raises:
        MissingPartError: docling or its models are not there.
        DocumentError: docling cannot read the file, or it is a bomb.
    """
    readers = readers_of_pdf(raw) if suffix == ".pdf" else check_package(raw)
    document = _converted(suffix, raw)
    parts: list[str] = []
    blocks: list[Block] = []
    marks: list[Mark] = []
    offset = 0
    for number, part in _parts(document):
        if number:
            marks.append(Mark(offset, "page", number))
        blocks.extend(markdown_blocks(part, offset))
        parts.append(part)
        offset += len(part) + 2
    return Extracted("\n\n".join(parts), tuple(blocks), readers, tuple(marks))


def _parts(document: Any) -> list[tuple[int, str]]:
    pages = sorted(document.pages) or [0]
    texts = [
        (page, document.export_to_markdown(page_no=page) if page else document.export_to_markdown()) for page in pages
    ]
    return [(page, clean(text).strip("\n")) for page, text in texts if text.strip()]


def _converted(suffix: str, raw: bytes) -> Any:
    converter = _converter()
    from docling.datamodel.base_models import DocumentStream
    from docling.exceptions import ConversionError

    try:
        return converter.convert(DocumentStream(name=f"document{suffix}", stream=BytesIO(raw))).document
    except ConversionError as error:
        raise DocumentError(f"cannot be read by docling ({str(error)[:200]})") from error
    except OSError as error:
        # the hub's client raises these when a model is neither stored nor to be fetched
        raise MissingPartError("docling's layout models are not there.", element="docling", remedy=_REMEDY) from error


@lru_cache(maxsize=1)
def _converter() -> Any:
    if find_spec("docling") is None:
        remedy = "Install it with `pip install allotment[docling]`."
        raise MissingPartError("docling is not installed.", element="docling", remedy=remedy)
    from docling.document_converter import DocumentConverter

    return DocumentConverter()
