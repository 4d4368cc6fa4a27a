"""Lines → cues as they are printed, and the text that stands outside them.

A cue's text is what follows its timing line up to a blank line. A paragraph behind the blank line is still its text if
another cue follows without a rule or heading between, and if it can be said in the cue's time; else it is outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from allotment.documents.transcripts._lines import Lines
from allotment.documents.transcripts._timing import Timing

_LETTERS_PER_SECOND = 40
"""Twice as fast as anyone speaks."""
_SHORTEST_S = 2.0


@dataclass(frozen=True)
class PrintedCue:
    """A cue as it stands in the file."""

    number: int | None
    """None where the file prints none."""
    timing: Timing
    line: int
    """Of the timing, in the file."""
    text: list[str]
    continued: list[int]
    """Lines behind a blank line that were taken as its text."""
    crowded: bool
    """Whether it follows the text before without a blank line."""


@dataclass
class Scan:
    """A file taken apart."""

    cues: list[PrintedCue] = field(default_factory=list)
    outside: list[list[int]] = field(default_factory=list)
    """Indexes of lines, one list for each place."""


@dataclass(frozen=True)
class _Head:
    """Where a cue begins: at its number or identifier, else at its timing."""

    first: int
    timing: int
    number: int | None


@dataclass
class _Body:
    text: list[int] = field(default_factory=list)
    continued: list[int] = field(default_factory=list)
    outside: list[int] = field(default_factory=list)


def scan(lines: Lines, webvtt: bool) -> Scan:
    """Take a file apart; every line with text ends in a cue, outside, or as markup of the format."""
    heads = _heads(lines, webvtt)
    found = Scan()
    first = heads[0].first if heads else len(lines.texts)
    _put_outside(found, lines, _without_blocks(lines, range(first), webvtt))
    for place, head in enumerate(heads):
        after = heads[place + 1] if place + 1 < len(heads) else None
        body = _body(lines, head, after, webvtt)
        found.cues.append(_printed(lines, head, body, place))
        _put_outside(found, lines, _without_blocks(lines, body.outside, webvtt))
    return found


def _heads(lines: Lines, webvtt: bool) -> list[_Head]:
    printed = sum(lines.number(index - 1) is not None for index in lines.timings)
    numbered = 2 * printed > len(lines.timings)
    heads: list[_Head] = []
    floor, expected = 0, 1
    for index in lines.timings:
        head = _head(lines, index, floor, numbered, expected, webvtt)
        expected = expected + 1 if head.number is None else head.number + 1
        heads.append(head)
        floor = index + 1
    return heads


def _head(lines: Lines, timing: int, floor: int, numbered: bool, expected: int, webvtt: bool) -> _Head:
    above = timing - 1
    while above >= floor and lines.blank(above):
        above -= 1
    if above < floor:
        return _Head(timing, timing, None)
    adjacent = above == timing - 1
    alone = lines.blank(above - 1) or lines.drawn(above - 1)
    number = lines.number(above)
    if number is not None and ((adjacent and (alone or numbered)) or (alone and number == expected)):
        return _Head(above, timing, number)
    named = webvtt and adjacent and alone and number is None and not lines.separates(above, webvtt)
    return _Head(above if named else timing, timing, None)


def _body(lines: Lines, head: _Head, after: _Head | None, webvtt: bool) -> _Body:
    start, stop = head.timing + 1, after.first if after else len(lines.texts)
    body = _Body()
    index = start
    while index < stop and not lines.blank(index) and (index == start or not lines.separates(index, webvtt)):
        body.text.append(index)
        index += 1
    end = next((place for place in range(index, stop) if lines.separates(place, webvtt)), stop)
    rest = [place for place in range(index, end) if not lines.blank(place)]
    if after is not None and end == stop and _can_be_said(lines, head, after, body.text + rest):
        body.continued = rest
    else:
        body.outside = rest
    body.outside += [place for place in range(end, stop) if not lines.blank(place)]
    return body


def _can_be_said(lines: Lines, head: _Head, after: _Head, spoken: list[int]) -> bool:
    timing = lines.timings[head.timing]
    until = max(timing.end_ms, lines.timings[after.timing].start_ms)
    letters = len(timing.text) + sum(len(lines.texts[index].strip()) for index in spoken)
    return letters <= _LETTERS_PER_SECOND * max(_SHORTEST_S, (until - timing.start_ms) / 1000)


def _printed(lines: Lines, head: _Head, body: _Body, place: int) -> PrintedCue:
    timing = lines.timings[head.timing]
    before = head.first - 1
    inline = [timing.text] if timing.text else []
    return PrintedCue(
        number=head.number,
        timing=timing,
        line=lines.numbers[head.timing],
        text=inline + [lines.texts[index] for index in body.text + body.continued],
        continued=body.continued,
        crowded=place > 0 and not inline and not lines.blank(before) and not lines.drawn(before),
    )


def _without_blocks(lines: Lines, indexes: range | list[int], webvtt: bool) -> list[int]:
    """Without what WebVTT keeps outside of cues for itself: its header, styles and regions."""
    if not webvtt:
        return list(indexes)
    kept: list[int] = []
    hidden, last = False, -2
    for index in indexes:
        # the lines given have no blank ones between where they are a list: a gap ends the block as well
        hidden = (hidden and index == last + 1 and not lines.blank(index)) or lines.block(index) in _OWN
        if not hidden:
            kept.append(index)
        last = index
    return kept


_OWN = ("WEBVTT", "STYLE", "REGION")


def _put_outside(found: Scan, lines: Lines, indexes: list[int]) -> None:
    words = [index for index in indexes if any(char.isalnum() for char in lines.texts[index])]
    if words:
        found.outside.append(words)
