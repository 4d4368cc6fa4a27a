"""Jupyter notebooks: Markdown cells as they are, code cells as fenced code; outputs are left out."""

from __future__ import annotations

import re
import warnings
from typing import Any

from allotment.documents._blocks import Block, Extracted
from allotment.documents._front_matter import narrowed, readers_in, split_front_matter
from allotment.documents.formats._clean import clean
from allotment.documents.formats._encoding import decode
from allotment.documents.formats._markdown import markdown_blocks
from allotment.errors import DocumentError

_FORMAT = 4
_TICKS = re.compile(r"`{3,}")


def extract_notebook(raw: bytes) -> Extracted:
    """The notebook as one Markdown text; each cell is parsed alone, so a broken one cannot swallow the next.

    Raises:
        DocumentError: not a notebook.
    """
    notebook = _read(decode(raw))
    readers = readers_in(notebook["metadata"])
    parts: list[str] = []
    blocks: list[Block] = []
    offset = 0
    for number, cell in enumerate(notebook["cells"]):
        source = clean(cell["source"]).strip("\n")
        if number == 0 and cell["cell_type"] in ("markdown", "raw"):
            source, named = split_front_matter(source)
            readers = narrowed(readers, named)
        part = _as_markdown(cell["cell_type"], source, notebook["metadata"])
        if part:
            blocks.extend(markdown_blocks(part, offset))
            parts.append(part)
            offset += len(part) + 2
    return Extracted("\n\n".join(parts), tuple(blocks), readers)


def _read(text: str) -> dict[str, Any]:
    """A notebook of format 4; older ones are brought up to it."""
    from nbformat import ValidationError, convert, reader, validate

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook: dict[str, Any] = convert(reader.reads(text), _FORMAT)
            validate(notebook, relax_add_props=True, version=_FORMAT)
    except ValidationError as error:
        place = "/".join(str(part) for part in getattr(error, "absolute_path", ()))
        raise DocumentError(f"is not a notebook of format {_FORMAT}: {place or 'its content'} is wrong") from error
    except RecursionError as error:
        raise DocumentError("is nested too deeply to be a notebook") from error
    except Exception as error:
        raise DocumentError("is not a notebook: its JSON is broken, or of an unknown format") from error
    return notebook


def _as_markdown(kind: str, source: str, metadata: dict[str, Any]) -> str:
    if not source.strip() or kind not in ("markdown", "code"):
        return ""
    if kind == "markdown":
        return source
    fence = "`" * max([3, *(len(run) + 1 for run in _TICKS.findall(source))])
    info = metadata.get("language_info")
    name = info.get("name", "") if isinstance(info, dict) else ""
    language = name if isinstance(name, str) and name.isalnum() else ""
    return f"{fence}{language}\n{source}\n{fence}"
