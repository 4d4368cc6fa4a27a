"""Which pages, slides, sheets or cues a span of the extracted text came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from allotment.documents._blocks import Mark
from allotment.documents._types import Place


def place_of(marks: Sequence[Mark], start: int, end: int) -> Place | None:
    """The place of the characters from ``start`` to ``end`` (exclusive); none where the format has no places."""
    if not marks:
        return None
    first, last = _at(marks, start), _at(marks, max(start, end - 1))
    return Place(first.unit, first.number, last.number)


def _at(marks: Sequence[Mark], position: int) -> Mark:
    return marks[max(0, bisect_right(marks, position, key=lambda mark: mark.start) - 1)]
