"""Jupyter notebooks: Markdown cells as they are, code cells as fenced code; outputs are left out.

The notebook format is JSON of which only the cells' type and source are needed, so the standard library reads it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from allotment.documents._blocks import Block, Extracted
from allotment.documents._front_matter import readers_in, split_front_matter
from allotment.documents._markdown import markdown_blocks
from allotment.errors import DocumentError

_TICKS = re.compile(r"`{3,}")


def extract_notebook(text: str) -> Extracted:
    """The notebook as one Markdown text; each cell is parsed alone, so a broken one cannot swallow the next.

    Raises:
        DocumentError: not a notebook.
    """
    cells, metadata = _read(text)
    readers = readers_in(metadata)
    parts: list[str] = []
    blocks: list[Block] = []
    offset = 0
    for number, cell in enumerate(cells):
        source = _source(cell, number)
        if number == 0 and cell.get("cell_type") in ("markdown", "raw"):
            source, named = split_front_matter(source)
            readers = named if readers is None else (readers if named is None else readers & named)
        part = _as_markdown(cell, source, metadata)
        if part:
            blocks.extend(markdown_blocks(part, offset))
            parts.append(part)
            offset += len(part) + 2
    return Extracted("\n\n".join(parts), tuple(blocks), readers)


def _read(text: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError("is not a notebook: its JSON is broken") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    metadata = notebook.get("metadata", {}) if isinstance(notebook, dict) else {}
    if not isinstance(cells, list) or not isinstance(metadata, dict):
        raise DocumentError("is not a notebook of format 4: it has no list of cells")
    return cells, metadata


def _source(cell: Any, number: int) -> str:
    source = cell.get("source") if isinstance(cell, dict) else None
    lines = [source] if isinstance(source, str) else source
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise DocumentError(f"is not a notebook of format 4: cell {number + 1} has no source")
    return "".join(lines).replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _as_markdown(cell: dict[str, Any], source: str, metadata: dict[str, Any]) -> str:
    if not source.strip() or cell.get("cell_type") not in ("markdown", "code"):
        return ""
    if cell["cell_type"] == "markdown":
        return source
    fence = "`" * max([3, *(len(run) + 1 for run in _TICKS.findall(source))])
    info = metadata.get("language_info")
    name = info.get("name", "") if isinstance(info, dict) else ""
    language = name if isinstance(name, str) and name.isalnum() else ""
    return f"{fence}{language}\n{source}\n{fence}"
