"""One file's bytes → its text and structure, by the file's ending. The one door to every format.

The text of every format but plain text is Markdown; its blocks lie at exact spans of it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from allotment.documents._blocks import Extracted
from allotment.documents.formats._kinds import check_kind
from allotment.errors import AllotmentError, DocumentError

EXTRACTOR_VERSION = "2"
"""Raised with every change of what is extracted or how it is cut: files are then read again."""

_FORMATS = "allotment.documents.formats."
_TEXT = ("_text", "extract_text")
_MARKDOWN = ("_text", "extract_markdown")
_HTML = ("_html", "extract_html")
_DOCX = ("_docx", "extract_docx")
_PPTX = ("_pptx", "extract_pptx")
_XLSX = ("_xlsx", "extract_xlsx")
_TRANSCRIPT = ("_transcript", "extract_transcript")
_BY_SUFFIX = {
    ".csv": ("_csv", "extract_csv"),
    ".docm": _DOCX,
    ".docx": _DOCX,
    ".eml": ("_eml", "extract_eml"),
    ".htm": _HTML,
    ".html": _HTML,
    ".ipynb": ("_notebook", "extract_notebook"),
    ".markdown": _MARKDOWN,
    ".md": _MARKDOWN,
    ".pdf": ("_pdf", "extract_pdf"),
    ".pptm": _PPTX,
    ".pptx": _PPTX,
    ".srt": _TRANSCRIPT,
    ".text": _TEXT,
    ".tsv": ("_csv", "extract_csv"),
    ".txt": _TEXT,
    ".vtt": _TRANSCRIPT,
    ".xhtml": _HTML,
    ".xlsm": _XLSX,
    ".xlsx": _XLSX,
}
SUFFIXES = frozenset(_BY_SUFFIX)
"""Endings, in lower case, of files that are read as what they are; any other file is read as plain text."""


def extract(suffix: str, raw: bytes, *, docling: bool = False) -> Extracted:
    """Text and structure of a file with the ending ``suffix`` (in lower case, with its dot).

    Args:
        docling: leave Word documents and PDFs to the optional extra of this name.

    Raises:
        DocumentError: it is broken, protected, too large, of uncertain encoding, or of another kind than its ending.
        MissingPartError: what reads this kind is not installed.
    """
    check_kind(suffix, raw)
    module, name = _BY_SUFFIX.get(suffix, _TEXT)
    # the libraries behind a format are loaded with its first file
    reader = cast("Callable[[bytes], Extracted]", getattr(import_module(_FORMATS + module), name))
    try:
        return _by_docling(suffix, raw, reader) if docling else reader(raw)
    except AllotmentError:
        raise
    except RecursionError as error:
        raise DocumentError("is nested too deeply to be read") from error
    except MemoryError as error:
        raise DocumentError("needs more memory to be read than there is; split it") from error
    except Exception as error:
        # whatever a parser trips over in a damaged file concerns this file alone
        raise DocumentError(
            f"is damaged or cut off: it cannot be read as {suffix or 'text'} ({type(error).__name__})"
        ) from error


def _by_docling(suffix: str, raw: bytes, otherwise: Callable[[bytes], Extracted]) -> Extracted:
    from allotment.documents.formats._docling import SUFFIXES as WITH_DOCLING
    from allotment.documents.formats._docling import extract_with_docling

    return extract_with_docling(suffix, raw) if suffix in WITH_DOCLING else otherwise(raw)
