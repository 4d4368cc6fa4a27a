"""What personal data is found, what replaced it, and where the rest of the text moved to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal, Protocol, get_args

Kind = Literal["emails", "phones", "ibans", "cards", "national-ids", "names"]
"""``ibans`` are bank accounts, Czech national ones included; ``cards`` are payment cards."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Found:
    """A piece of personal data from ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    value: str
    """In one form for all its spellings, so that all of them get one pseudonym."""


class Detector(Protocol):
    """Finds one kind of personal data in a text, in time linear in its length."""

    def __call__(self, text: str, /) -> Iterable[Found]: ...


class NameRecogniser(Protocol):
    """Finds names of people; ``value`` of what it finds is the person they stand for."""

    def names(self, text: str) -> Iterable[Found]: ...


@dataclass(frozen=True)
class Edit:
    """The original's characters from ``start`` to ``end`` (exclusive) became ``replacement``."""

    start: int
    end: int
    replacement: str
    kind: Kind


@dataclass(frozen=True)
class Scrubbed:
    """A text without its personal data; ``edits`` ascend and do not overlap."""

    text: str
    edits: tuple[Edit, ...]

    def moved(self, offset: int, *, ends: bool = False) -> int:
        """Where ``offset`` of the original stands in ``text``, in logarithmic time.

        An offset inside a replaced piece goes to the start of its pseudonym; one that is the exclusive end of a span
        (``ends``) goes to the pseudonym's end, so that a span never cuts a pseudonym.
        """
        index = bisect_right(self._starts, offset - ends) - 1
        if index < 0:
            return offset
        edit = self.edits[index]
        if offset >= edit.end:
            return offset + self._shifts[index]
        start = edit.end + self._shifts[index] - len(edit.replacement)
        return start + len(edit.replacement) if ends else start

    def moved_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of ``text`` that holds what the original held from ``start`` to ``end`` (exclusive)."""
        left = self.moved(start)
        return left, left if start == end else self.moved(end, ends=True)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(edit.start for edit in self.edits)

    @cached_property
    def _shifts(self) -> tuple[int, ...]:
        """By how much the text after each edit moved."""
        return tuple(accumulate(len(edit.replacement) - (edit.end - edit.start) for edit in self.edits))
