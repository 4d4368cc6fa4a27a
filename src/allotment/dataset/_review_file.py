"""Reviews as a file for a spreadsheet or an editor, out and in again.

A cell that a spreadsheet would compute gets an apostrophe before it; reading takes it off again. What is read is
checked as a whole first: one faulty line, and no decision is taken.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

from allotment.dataset._decisions import OUTCOMES, Decision, decision_key
from allotment.dataset._review import CheckEdit, edit_fault
from allotment.dataset._types import Item
from allotment.errors import ProjectError
from allotment.workspace import atomic_writer

COLUMNS = (
    "id",
    "document",
    "section",
    "kind",
    "question",
    "answer",
    "value",
    "quote",
    "decision",
    "new_question",
    "new_answer",
    "reason",
)
_NEEDED = ("id", "decision", "new_question", "new_answer", "reason")
_COMPUTED = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""Begins a cell that a spreadsheet computes; or one that begins so after the apostrophes that were put before it."""
_SEPARATORS = (",", ";", "\t")
_NAMED = 20
"""So many faults are told at once."""


def review_row(item: Item, decision: Decision | None) -> dict[str, str]:
    """A pair as it was made, with what was decided about it; columns as in ``COLUMNS``."""
    edit = decision if decision and decision.outcome == "edit" else None
    return {
        "id": item.id,
        "document": item.document,
        "section": item.section_id,
        "kind": item.kind,
        "question": item.question,
        "answer": item.answer,
        "value": item.value,
        "quote": item.quote,
        "decision": decision.outcome if decision else "",
        "new_question": edit.question if edit else "",
        "new_answer": edit.answer if edit else "",
        "reason": decision.reason if decision else "",
    }


def write_review(path: Path, items: Iterable[Item], decisions: Mapping[str, Decision]) -> int:
    """Write a review file, CSV or JSON lines by its name; how many pairs it has.

    Raises:
        ProjectError: the name ends in neither ``.csv`` nor ``.jsonl``.
    """
    form, written = _form(path), 0
    with atomic_writer(path) as raw:
        file = TextIOWrapper(raw, encoding="utf-8-sig" if form is _read_csv else "utf-8", newline="")
        write = _csv_writer(file) if form is _read_csv else _jsonl_writer(file)
        for item in items:
            write(review_row(item, decisions.get(decision_key(item))))
            written += 1
        file.flush()
        file.detach()
    return written


def read_review(
    path: Path, items: Iterable[Item], *, reviewer: str = "", check_edit: CheckEdit = edit_fault
) -> list[tuple[Item, Decision]]:
    """Decisions of a review file; lines without one are left out.

    Args:
        path: as ``write_review`` made it and a person or a spreadsheet filled it in; commas, semicolons or tabs.
        items: the pairs as they were made.
        check_edit: what an edit must pass.

    Raises:
        ProjectError: it cannot be read, or lines are faulty; the message names each line and column.
    """
    known = {item.id: item for item in items}
    found: dict[str, tuple[Item, Decision] | None] = {}
    faults: list[str] = []
    for line in _form(path)(path):
        fault = _fault(line, known, found, check_edit)
        identity = line.cells.get("id", "")
        if fault:
            faults.append(f"line {line.number}, {fault}")
        else:
            found[identity] = _decided(line, known[identity], reviewer)
    if faults:
        more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise ProjectError(
            f"{'; '.join(faults[:_NAMED])}{more}.",
            element=str(path),
            remedy="No decision was taken. Mend these lines and import the file again.",
        )
    return [pair for pair in found.values() if pair is not None]


@dataclass(frozen=True)
class _Line:
    """One row of a file, and the line it begins on."""

    number: int
    cells: Mapping[str, str]
    fault: str = ""
    """Column and what is wrong, if the row could not be read at all."""

    @property
    def decision(self) -> str:
        return self.cells["decision"].strip().lower()

    def edited(self, item: Item) -> tuple[str, str]:
        """Question and answer as they are to be; what has no new words stays."""
        return self.cells["new_question"] or item.question, self.cells["new_answer"] or item.answer


def _decided(line: _Line, item: Item, reviewer: str) -> tuple[Item, Decision] | None:
    reason = line.cells["reason"]
    match line.decision:
        case "":
            return None
        case "edit":
            return item, Decision("edit", *line.edited(item), reason=reason, reviewer=reviewer)
        case "accept":
            return item, Decision("accept", reason=reason, reviewer=reviewer)
        case _:
            return item, Decision("reject", reason=reason, reviewer=reviewer)


def _fault(line: _Line, known: Mapping[str, Item], found: Mapping[str, Any], check_edit: CheckEdit) -> str:
    """Column and fault of a row; empty if it can be taken."""
    if line.fault:
        return line.fault
    identity = line.cells["id"]
    if identity not in known:
        return f"id: {identity!r} is no pair of this dataset"
    if identity in found:
        return f"id: {identity!r} is there twice"
    item = known[identity]
    return _changed_in_place(line, item) or _decision_fault(line, item, check_edit)


def _changed_in_place(line: _Line, item: Item) -> str:
    """New words in the old column, or a file of another generation: either way not what the decision was meant for."""
    for column, made in (("question", item.question), ("answer", item.answer)):
        if " ".join(line.cells.get(column, made).split()) != " ".join(made.split()):
            return f"{column}: is not the pair's {column}; new words belong into new_{column}"
    return ""


def _decision_fault(line: _Line, item: Item, check_edit: CheckEdit) -> str:
    if line.decision not in ("", *OUTCOMES):
        return f"decision: {line.cells['decision']!r} is none of {', '.join(OUTCOMES)}"
    has_words = bool(line.cells["new_question"].strip() or line.cells["new_answer"].strip())
    if line.decision in ("", "accept") and has_words:
        return "decision: there are new words, but it does not say edit"
    if line.decision != "edit":
        return ""
    if not has_words:
        return "new_question: an edit needs a new question or a new answer"
    fault = check_edit(item, *line.edited(item))
    return f"new_answer: {fault}" if "answer" in fault else f"new_question: {fault}" if fault else ""


def _form(path: Path) -> Callable[[Path], Iterator[_Line]]:
    """What reads a file of this name."""
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl}
    if path.suffix.lower() not in readers:
        raise ProjectError("is neither .csv nor .jsonl.", element=str(path), remedy="Name a file that ends so.")
    return readers[path.suffix.lower()]


def _csv_writer(file: TextIOWrapper) -> Callable[[Mapping[str, str]], object]:
    writer = csv.DictWriter(file, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    return lambda row: writer.writerow({column: escape_cell(text) for column, text in row.items()})


def _jsonl_writer(file: TextIOWrapper) -> Callable[[Mapping[str, str]], object]:
    return lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")


def escape_cell(text: str) -> str:
    """The text as a cell that no spreadsheet computes."""
    return f"'{text}" if _COMPUTED.match(text) else text


def unescape_cell(cell: str) -> str:
    """The text of a cell; the inverse of ``escape_cell``."""
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell) else cell


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Name a UTF-8 file; a spreadsheet calls it `CSV UTF-8`."
        raise ProjectError(f"cannot be read ({error}).", element=str(path), remedy=remedy) from error


def _read_csv(path: Path) -> Iterator[_Line]:
    text = _text_of(path)
    skipped = re.match(r"sep=.\r?\n", text, re.IGNORECASE)
    rows = _rows(text[skipped.end() :] if skipped else text, path, 1 if skipped else 0)
    _, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    _check_columns(names, f"{path}:{2 if skipped else 1}")
    for number, cells in rows:
        if not any(cells):
            continue
        if len(cells) != len(names):
            yield _Line(number, {}, f"{names[min(len(cells), len(names) - 1)]}: {len(cells)} cells, not {len(names)}")
        else:
            yield _Line(number, dict(zip(names, map(unescape_cell, cells), strict=True)))


def _rows(text: str, path: Path, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each record and the line it begins on."""
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1 + skipped
    try:
        for cells in reader:
            yield number, cells
            number = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise ProjectError(
            f"is not CSV ({error}).", element=f"{path}:{number}", remedy="Save it from the spreadsheet again."
        ) from error


def _check_columns(names: Sequence[str], element: str) -> None:
    missing = [name for name in _NEEDED if name not in names]
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if missing or twice:
        told = f"has no column {', '.join(missing)}" if missing else f"has the column {', '.join(twice)} twice"
        remedy = f"The first line names the columns: {', '.join(COLUMNS)}."
        raise ProjectError(f"{told}.", element=element, remedy=remedy)


def _read_jsonl(path: Path) -> Iterator[_Line]:
    for number, line in enumerate(_text_of(path).split("\n"), start=1):
        if line.strip():
            yield _json_line(number, line)


def _json_line(number: int, line: str) -> _Line:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        return _Line(number, {}, "column 1: is not a JSON object")
    for name in _NEEDED:
        if not isinstance(row.get(name), str):
            return _Line(number, {}, f"{name}: is missing or no text")
    cells = {name: text for name, text in row.items() if isinstance(text, str)}
    broken = next((name for name, text in cells.items() if not _is_unicode(text)), None)
    return _Line(number, cells, f"{broken}: holds half of a character" if broken else "")


def _is_unicode(text: str) -> bool:
    """Whether it can be written; JSON can spell halves of surrogate pairs."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
