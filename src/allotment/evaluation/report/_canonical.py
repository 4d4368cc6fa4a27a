"""A report as canonical JSON, and back: what is read is a whole report of a known version, or an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from math import isfinite
from typing import Any

from pydantic import TypeAdapter, ValidationError

from allotment.errors import InputError
from allotment.evaluation.report._strict import LARGEST, canonical, read_canonical, unreadable
from allotment.evaluation.report._types import FORMAT, Matrix, Report, Series, Table

WORST = 10
"""Attempts that are shown in full, at most."""


def to_json(report: Report) -> bytes:
    """The canonical JSON of a report, without a signature.

    Raises:
        InputError: a number in it is not finite, a name stands twice, a matrix or table is not rectangular, or it is
            too large.
    """
    data = canonical(report_value(report))
    if len(data) > LARGEST:
        raise InputError(
            f"the report is larger than {LARGEST // 1024**2} MiB and could not be read again.",
            element=report.kind,
            remedy="Keep fewer rows in its tables.",
        )
    return data


def from_json(data: bytes) -> Report:
    """The report of a canonical JSON text.

    Raises:
        InputError: it is not what ``to_json`` writes, or of a version that is not known here.
    """
    return report_of(read_canonical(data, "report"))


def report_value(report: Report) -> dict[str, Any]:
    """The report as a JSON value. Errors as ``to_json``."""
    value: dict[str, Any] = _adapter().dump_python(_checked(_writable(asdict(report))), mode="json")
    return value


def _writable(value: Any) -> Any:
    """The same with halves of characters, which no text may hold and models write, made whole or replaced."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list | tuple) else value


def report_of(value: Any) -> Report:
    """The report of a JSON value. Errors as ``from_json``."""
    version = value.get("format") if isinstance(value, dict) else None
    if type(version) is not int:
        raise unreadable("is no report: it names no version of its form", "report")
    reader = _READERS.get(version)
    if reader is None:
        raise _unknown_version(version)
    return reader(value)


def _unknown_version(version: int) -> InputError:
    if version > FORMAT:
        return InputError(
            f"the report's form is version {version}, newer than the {FORMAT} that this Allotment knows.",
            element="report",
            remedy="Read it with the version of Allotment that made it, or a newer one.",
        )
    return unreadable(f"names version {version} of its form, which never was", "report")


def _read_1(value: dict[str, Any]) -> Report:
    report = _checked(value)
    if canonical(report_value(report)) != canonical(value):
        raise unreadable("lacks fields, has some that are not known, or values of another kind", "report")
    return report


_READERS: dict[int, Callable[[dict[str, Any]], Report]] = {1: _read_1}
"""Version of the form → what reads it. A new version adds one, and keeps those of the older ones."""


@lru_cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def _checked(value: dict[str, Any]) -> Report:
    """A report of the right types and shape."""
    try:
        report = _adapter().validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        element = ".".join(["report", *map(str, first["loc"])])
        raise unreadable(f"has a wrong value ({first['msg']})", element) from None
    for element, fault in _faults(report):
        raise unreadable(fault, f"report.{element}")
    return report


def _faults(report: Report) -> Iterator[tuple[str, str]]:
    if len(report.worst) > WORST:
        yield "worst", f"holds {len(report.worst)} attempts; at most {WORST} are shown"
    for part in ("checks", "figures", "matrices", "curves", "tables"):
        counted = Counter(item.name for item in getattr(report, part))
        yield from ((part, f"name {name!r} stands twice") for name, count in counted.items() if count > 1)
    yield from ((f"matrices.{item.name}", "is not rectangular") for item in report.matrices if not _is_whole(item))
    yield from ((f"tables.{item.name}", "is not rectangular") for item in report.tables if not _is_even(item))
    lines = [(f"curves.{curve.name}.{line.name}", line) for curve in report.curves for line in curve.series]
    yield from ((name, "has not one interval for each point") for name, line in lines if not _has_intervals(line))
    yield from ((name, "holds a number that is not finite") for name, value in _numbers(report) if not isfinite(value))


def _is_whole(matrix: Matrix) -> bool:
    sizes = [len(matrix.columns)] * len(matrix.rows)
    counts = (count for row in matrix.cells for cell in row for count in (cell.hits, cell.attempts, cell.failed))
    return [len(row) for row in matrix.cells] == sizes and all(count >= 0 for count in counts)


def _is_even(table: Table) -> bool:
    return all(len(row) == len(table.columns) for row in table.rows)


def _has_intervals(line: Series) -> bool:
    return len(line.low) == len(line.high) and len(line.low) in (0, len(line.points))


def _numbers(report: Report) -> Iterator[tuple[str, float]]:
    yield "seconds", report.seconds
    for figure in report.figures:
        found: Iterable[float | None] = (figure.value, figure.goal, *(figure.interval or ()))
        yield from ((f"figures.{figure.name}", value) for value in found if value is not None)
    for curve in report.curves:
        for line in curve.series:
            values = [*(value for point in line.points for value in point), *line.low, *line.high]
            yield from ((f"curves.{curve.name}", value) for value in values)
    for table in report.tables:
        values = [cell for row in table.rows for cell in row if isinstance(cell, float)]
        yield from ((f"tables.{table.name}", value) for value in values)
