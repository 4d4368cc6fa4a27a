"""Where the values of candidates occur, and so who may know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from allotment.documents import stems_of
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._types import Canary

_LONGEST_NAME = 4


class Evidence:
    """Collects, for each candidate, the readers of every text its value occurs in.

    A value is known to whoever may read *any* of them. Names count in any of their inflected forms.
    """

    def __init__(self, candidates: Sequence[Canary]) -> None:
        self._detector = Detector(candidates)
        self._names: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for canary in candidates:
            stems = tuple(stems_of(canary.value))
            if 2 <= len(stems) <= _LONGEST_NAME and not any(char.isdigit() for char in canary.value):
                self._names[stems].append(canary.id)
        self.readers: dict[str, set[str]] = defaultdict(set)
        """Candidate's id → roles that may read its value somewhere."""
        self.times: dict[str, int] = defaultdict(int)
        """Candidate's id → in how many texts it occurs."""

    def read(self, text: str, readers: Iterable[str]) -> None:
        """Take note of what ``text``, which ``readers`` may read, says."""
        roles = frozenset(readers)
        for found in self._in(text):
            self.readers[found] |= roles
            self.times[found] += 1

    def _in(self, text: str) -> set[str]:
        found = {canary.id for canary in self._detector.found(text)}
        stems = stems_of(text) if self._names else []
        for size in range(2, _LONGEST_NAME + 1):
            for start in range(len(stems) - size + 1):
                found.update(self._names.get(tuple(stems[start : start + size]), ()))
        return found
