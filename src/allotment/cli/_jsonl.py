"""Files of one JSON object a line, in and out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from allotment.cli._run import Run
from allotment.errors import ProjectError


def read_texts(path: Path) -> list[dict[str, Any]]:
    """Objects with a ``text`` each, all checked before the first is worked on.

    Raises:
        ProjectError: the file cannot be read, or a line is not such an object; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"cannot be read ({error}).", element=str(path), remedy="Name a UTF-8 file.") from error
    return [_row(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _row(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise ProjectError('is not an object with a "text".', element=place, remedy="Mend the line.")
    return row


def write_lines(run: Run, rows: Iterable[dict[str, Any]]) -> None:
    """Write one line for each row, in order; under ``--json`` one array of them all."""
    if run.json:
        run.show(list(rows), lambda console: None)
        return
    for row in rows:
        run.out.write(json.dumps(row, ensure_ascii=False) + "\n")
        run.out.flush()
