"""Times of cues in file order: made to run forward where they do not, and looked through for what is odd."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from allotment.documents.transcripts._types import Cue

_RESTART_MS = 10_000
_RAN_MS = 60_000
_RESTARTED_CUES = 5
_PER_LETTER_MS = 65
"""Fifteen letters a second, the pace that subtitles are made for."""
_OVERLAP_MS = 100
"""Less is rounding."""
_SILENCE_MS = 60 * 60_000
"""A break for lunch is no fault."""
_STRETCHED_MS = 10_000
_STRETCHED_TIMES = 4


@dataclass(frozen=True)
class Restart:
    """A place where the clock begins again: the index of the first cue, and what its times were moved on by."""

    index: int
    shift_ms: int


def speech_ms(text: str) -> int:
    """About how long a text takes to say, slowly."""
    return len(text) * _PER_LETTER_MS + 500 if text.strip() else 0


def run_on(cues: Sequence[Cue]) -> tuple[list[Cue], list[Restart]]:
    """Cues of recordings put one after another, with the later ones moved behind the earlier.

    A clock that begins again is a step back to the first ten seconds, after at least a minute, from where it runs on.
    """
    moved: list[Cue] = []
    restarts: list[Restart] = []
    shift = high = 0
    for index, cue in enumerate(cues):
        if index and _restarts(cues, index):
            shift = max(0, high - cue.start_ms)
            restarts.append(Restart(index, shift))
        moved.append(replace(cue, start_ms=cue.start_ms + shift, end_ms=cue.end_ms + shift) if shift else cue)
        high = max(high, moved[-1].start_ms, moved[-1].end_ms)
    return moved, restarts


def _restarts(cues: Sequence[Cue], index: int) -> bool:
    before, start = cues[index - 1].start_ms, cues[index].start_ms
    if not 0 <= start < _RESTART_MS or before - start < _RAN_MS:
        return False
    starts = [cue.start_ms for cue in cues[index : index + _RESTARTED_CUES]]
    return len(starts) == _RESTARTED_CUES and starts == sorted(starts) and starts[-1] < before


def forward(cues: Sequence[Cue]) -> tuple[list[Cue], list[int]]:
    """Cues whose starts never go back, and the indexes of those moved: as few as possible.

    The longest run of starts in order is believed; a cue outside it is moved between its neighbours.
    """
    believed = _longest_in_order([cue.start_ms for cue in cues])
    repaired, moved = list(cues), [index for index in range(len(cues)) if index not in believed]
    following: int | None = None
    limits: dict[int, int | None] = {}
    for index in reversed(range(len(cues))):
        limits[index] = following
        following = cues[index].start_ms if index in believed else following
    for index in moved:
        repaired[index] = _between(repaired[index - 1] if index else None, cues[index], limits[index])
    return repaired, moved


def _between(before: Cue | None, cue: Cue, limit: int | None) -> Cue:
    floor = before.start_ms if before else 0
    start = max(floor, min(before.end_ms, floor + _longest_ms(before)) if before else 0)
    start = start if limit is None else max(floor, min(start, limit))
    end = cue.end_ms if cue.end_ms >= start else start + max(0, cue.end_ms - cue.start_ms)
    return replace(cue, start_ms=start, end_ms=end if limit is None or limit <= start else min(end, limit))


def _longest_in_order(starts: Sequence[int]) -> set[int]:
    """Indexes of the longest subsequence of starts, from 0 on, that never goes back."""
    tails: list[int] = []
    places: list[int] = []
    previous: list[int] = []
    for index, start in enumerate(starts):
        if start < 0:
            previous.append(-1)
            continue
        place = bisect_right(tails, start)
        previous.append(places[place - 1] if place else -1)
        tails[place : place + 1] = [start]
        places[place : place + 1] = [index]
    found: set[int] = set()
    index = places[-1] if places else -1
    while index >= 0:
        found.add(index)
        index = previous[index]
    return found


def ended(cues: Sequence[Cue]) -> tuple[list[Cue], list[int], list[int]]:
    """Cues that end after they start, the indexes of those that ended before, and of those that ended at once.

    A new end is where the text is about said, and not after the next cue's start.
    """
    repaired = list(cues)
    before = [index for index, cue in enumerate(cues) if cue.end_ms < cue.start_ms]
    at_once = [index for index, cue in enumerate(cues) if cue.end_ms == cue.start_ms and cue.text.strip()]
    for index in sorted(before + at_once):
        cue = cues[index]
        end = cue.start_ms + speech_ms(cue.text)
        if index + 1 < len(cues):
            end = min(end, cues[index + 1].start_ms)
        repaired[index] = replace(cue, end_ms=max(cue.start_ms, end))
    return repaired, before, at_once


def overlapping(cues: Sequence[Cue]) -> list[int]:
    """Indexes of cues that start before the one before has ended."""
    return [index for index in range(1, len(cues)) if cues[index - 1].end_ms - cues[index].start_ms > _OVERLAP_MS]


def silences(cues: Sequence[Cue]) -> list[int]:
    """Indexes of cues that start more than an hour after all before them have ended."""
    heard = accumulate((cue.end_ms for cue in cues), max)
    following = zip(heard, cues[1:], strict=False)
    return [index for index, (end, cue) in enumerate(following, start=1) if cue.start_ms - end > _SILENCE_MS]


def stretched(cues: Sequence[Cue]) -> tuple[list[Cue], list[int], list[int]]:
    """Cues shown far longer than their text takes to say; the indexes of all of them, and of those cut.

    One is cut only where its end is surely wrong: behind the end of the cue that follows. In a pause, nobody can tell
    from the times when within it the words were said.
    """
    long = [index for index, cue in enumerate(cues) if cue.text.strip() and _too_long(cue)]
    repaired, cut = list(cues), []
    for index in reversed(long):
        cue, after = cues[index], repaired[index + 1] if index + 1 < len(cues) else None
        if after is not None and cue.end_ms > after.end_ms:
            said = cue.start_ms + speech_ms(cue.text)
            repaired[index] = replace(cue, end_ms=min(cue.end_ms, max(said, after.start_ms)))
            cut.append(index)
    return repaired, long, cut[::-1]


def _too_long(cue: Cue) -> bool:
    return cue.end_ms - cue.start_ms > _longest_ms(cue)


def _longest_ms(cue: Cue) -> int:
    return max(_STRETCHED_MS, _STRETCHED_TIMES * speech_ms(cue.text))
