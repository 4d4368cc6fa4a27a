"""``normalise``: one transcript with its faults repaired or reported, and no speech lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from allotment.documents.transcripts._clocks import Restart, ended, forward, overlapping, run_on, silences, stretched
from allotment.documents.transcripts._notes import bounded, count, quote
from allotment.documents.transcripts._texts import repair_texts
from allotment.documents.transcripts._timing import format_time
from allotment.documents.transcripts._types import Cue, Finding, FindingKind
from allotment.documents.transcripts._words import spoken


def normalise(cues: Sequence[Cue]) -> tuple[tuple[Cue, ...], tuple[Finding, ...]]:
    """Repair what is surely wrong in a transcript, report what is only odd.

    The order of the cues is the truth: they are never sorted, dropped or renumbered, so that there are as many
    afterwards. Starts never go back then and no cue ends before it starts. A cue that only repeats its neighbour is
    left empty. Normalising what comes out changes nothing more.

    Returns:
        The cues, and a finding for every cue that was changed and everything else that was noticed.
    """
    moved, restarts = run_on(cues)
    sorted_out, back = forward(moved)
    closed, before, at_once = ended(sorted_out)
    worded, about_texts = repair_texts(closed)
    final, long, cut = stretched(worded)
    findings = [
        *_numbering(cues),
        *_restarted(cues, restarts),
        *_told(cues, back, "time-goes-back", "out of order in time; moved between the neighbours"),
        *_told(cues, before, "end-before-start", "ending before the start; ended where the text is about said"),
        *_told(cues, at_once, "end-before-start", "ending at the start; ended where the text is about said"),
        *_overlaps(final),
        *_shown_twice(final),
        *_stretched(final, long, cut),
        *_told(cues, silences(final), "silence", "after more than an hour without a word"),
        *_told(cues, [i for i, cue in enumerate(cues) if not cue.text.strip()], "empty-cue", "without text"),
        *about_texts,
    ]
    return tuple(final), tuple(findings)


def _told(cues: Sequence[Cue], indexes: Sequence[int], kind: FindingKind, what: str) -> Iterator[Finding]:
    """One finding for all cues with the same fault."""
    if indexes:
        yield Finding(kind, tuple(cues[index].number for index in indexes), f"{count(len(indexes), 'cue')} {what}")


def _numbering(cues: Sequence[Cue]) -> Iterator[Finding]:
    """Numbers that leave some out, fall, or stand twice; they stay as they are."""
    pairs = [(a.number, b.number) for a, b in pairwise(cues)]
    gaps = [(a, b) for a, b in pairs if b > a + 1]
    if gaps:
        missing = sum(b - a - 1 for a, b in gaps)
        yield Finding("numbering", tuple(b for _, b in gaps), f"{count(missing, 'number')} left out before these cues")
    falls = tuple(b for a, b in pairs if b < a)
    if falls:
        yield Finding("numbering", falls, "numbered lower than the cue before; the order of the file is kept")
    twice = tuple(number for number, times in Counter(cue.number for cue in cues).items() if times > 1)
    if twice:
        yield Finding("numbering", twice, f"{count(len(twice), 'number')} used more than once")


def _restarted(cues: Sequence[Cue], restarts: Sequence[Restart]) -> list[Finding]:
    """A finding for each recording that follows another, naming all its cues, for all their times change."""
    ends = [*(restart.index for restart in restarts), len(cues)][1:]
    return bounded(
        Finding(
            "time-goes-back",
            tuple(cue.number for cue in cues[restart.index : end]),
            f"the clock begins again; from here times are moved on by {format_time(restart.shift_ms)}",
        )
        for restart, end in zip(restarts, ends, strict=True)
    )


def _overlaps(cues: Sequence[Cue]) -> Iterator[Finding]:
    indexes = overlapping(cues)
    if indexes:
        longest = max(cues[index - 1].end_ms - cues[index].start_ms for index in indexes)
        what = f"beginning before the one before has ended, by up to {longest / 1000:.1f} s; left so"
        yield from _told(cues, indexes, "overlap", what)


def _shown_twice(cues: Sequence[Cue]) -> Iterator[Finding]:
    """The same words in two cues at one time: text on a screen rather than speech."""
    twice = [
        index
        for index in overlapping(cues)
        if spoken(cues[index].text) and spoken(cues[index].text) == spoken(cues[index - 1].text)
    ]
    if twice:
        what = f"repeating the one before at the same time, such as {quote(cues[twice[0]].text)}; left so"
        yield from _told(cues, twice, "repeated-cues", what)


def _stretched(cues: Sequence[Cue], long: Sequence[int], cut: Sequence[int]) -> Iterator[Finding]:
    yield from _told(cues, cut, "stretched", "shown until after the following cue has ended; ended where that starts")
    left = sorted(set(long) - set(cut))
    if left:
        longest = max(left, key=lambda index: cues[index].end_ms - cues[index].start_ms)
        example = f"{cues[longest].number} for {(cues[longest].end_ms - cues[longest].start_ms) / 1000:.0f} s"
        what = f"shown far longer than the words take, number {example}; the speech lies somewhere within"
        yield from _told(cues, left, "stretched", what)
