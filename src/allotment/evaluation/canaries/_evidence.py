"""Where the values of candidates occur, and so who may know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from allotment.documents import words_of
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._rare import is_name
from allotment.evaluation.canaries._types import Canary
from allotment.evaluation.scoring._values import windows

_LONGEST_NAME = 4
_START = 3
"""Letters at which forms of a word begin alike; shorter words are passed over."""
_ENDING = 3


class Evidence:
    """Collects, for each candidate, the readers of every text its value occurs in.

    A value is known to whoever may read *any* of them. Names count in any of their inflected forms.
    """

    def __init__(self, candidates: Sequence[Canary]) -> None:
        self._detector = Detector(candidates)
        self._names: dict[tuple[str, ...], list[tuple[list[str], str]]] = defaultdict(list)
        for canary in candidates:
            words = _long_words(canary.value)
            if 2 <= len(words) <= _LONGEST_NAME and is_name(canary.value):
                self._names[_starts(words)].append((words, canary.id))
        self.readers: dict[str, set[str]] = defaultdict(set)
        """Candidate's id → roles that may read its value somewhere."""
        self.times: dict[str, int] = defaultdict(int)
        """Candidate's id → in how many texts it occurs."""

    def read(self, text: str, readers: Iterable[str], *, encoded: bool = True) -> None:
        """Take note of what ``text``, which ``readers`` may read, says; with ``encoded`` also what it hides."""
        roles = frozenset(readers)
        for found in self._in(text, encoded):
            self.readers[found] |= roles
            self.times[found] += 1

    def _in(self, text: str, encoded: bool) -> set[str]:
        found = {
            canary.id for canary in (self._detector.found(text) if encoded else self._detector.found_plainly(text))
        }
        words = _long_words(text) if self._names else []
        for size in range(2, _LONGEST_NAME + 1):
            for run in windows(words, size):
                names = self._names.get(_starts(run), ())
                found.update(name for known, name in names if all(map(_is_inflected, known, run)))
        return found


def _long_words(text: str) -> list[str]:
    return [word for word in words_of(text) if len(word) >= _START]


def _starts(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word[:_START] for word in words)


def _is_inflected(one: str, other: str) -> bool:
    """Whether two words that begin alike could be forms of one: Bořek and Bořka, not Marta and Martinique."""
    shorter, longer = sorted((one, other), key=len)
    return len(longer) - len(shorter) <= _ENDING and one[: len(shorter) - 2] == other[: len(shorter) - 2]
