"""Words that say what the number after them is: before it on its line, or at the head of its table column."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

_REACH = 64
_GAP = r"(?:[^\d\n!?;]{0,30}|[^\w\n]{0,6}\n[^\w\n]{0,6})\Z"
_SENTENCE_ENDS = re.compile(r"\w{4}\.\s")
_CELL = re.compile(r"[^|\n]*")


class Words:
    """Words, as a pattern, after which a number is of the kind they name."""

    def __init__(self, words: str, *, unless: str | None = None) -> None:
        """``unless``: words between them and the number that make it something else."""
        whole = rf"(?<!\w)(?:{words})(?![^\W\d_])"
        self._before = re.compile(rf"{whole}(?P<gap>{_GAP})", re.I)
        self._column = re.compile(whole, re.I)
        self._unless = re.compile(unless, re.I) if unless else None

    def within(self, text: str) -> Named:
        """The places of ``text`` that these words name."""
        return Named(self, text)

    def name(self, window: str) -> bool:
        """Whether one of the words stands before a number that follows ``window``."""
        match = self._before.search(window)
        return match is not None and not self._is_broken(match["gap"])

    def head(self, cell: str) -> bool:
        """Whether a table's column with this header holds such numbers."""
        return self._column.search(cell) is not None and not (self._unless and self._unless.search(cell))

    def _is_broken(self, gap: str) -> bool:
        return bool(_SENTENCE_ENDS.search(gap) or (self._unless and self._unless.search(gap)))


class Named:
    """The places of one text that some words name."""

    def __init__(self, words: Words, text: str) -> None:
        self._words, self._text = words, text
        self._cells = list(_cells_under(words, text))
        self._starts = [start for start, _ in self._cells]

    def __contains__(self, offset: int) -> bool:
        if self._words.name(self._text[max(0, offset - _REACH) : offset]):
            return True
        index = bisect_right(self._starts, offset) - 1
        return index >= 0 and offset < self._cells[index][1]


def _cells_under(words: Words, text: str) -> Iterator[tuple[int, int]]:
    """Spans of the cells of pipe tables whose column header is one of ``words``."""
    columns: frozenset[int] | None = None
    start = 0
    for line in text.splitlines(keepends=True):
        if not line.lstrip().startswith("|"):
            columns = None
        elif columns is None:
            columns = frozenset(i for i, cell in enumerate(line.split("|")) if words.head(cell))
        elif columns:
            yield from _chosen(line, start, columns)
        start += len(line)


def _chosen(line: str, start: int, columns: frozenset[int]) -> Iterator[tuple[int, int]]:
    for index, cell in enumerate(line.split("|")):
        if index in columns:
            yield start, start + len(cell)
        start += len(cell) + 1
