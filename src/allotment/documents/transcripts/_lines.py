"""What single lines of a transcript are: blank, a cue number, a rule, a heading, a WebVTT block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from allotment.documents.transcripts._timing import Timing, parse_timing

_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_HEADING = re.compile(r"#{1,6} +\S")
_RULE_SIGNS = frozenset("=-_*~#–—")
_BLOCKS = ("NOTE", "STYLE", "REGION", "WEBVTT")


@dataclass(frozen=True)
class Lines:
    """Lines with their numbers in the file, and the timing lines among them by index."""

    texts: Sequence[str]
    numbers: Sequence[int]
    timings: dict[int, Timing]

    def blank(self, index: int) -> bool:
        """Whether there is no text there; before the first line and behind the last there is none."""
        return not 0 <= index < len(self.texts) or not self.texts[index].strip()

    def number(self, index: int) -> int | None:
        """The number a line consists of."""
        found = _NUMBER.match(self.texts[index].strip()) if index >= 0 else None
        return int(found[0]) if found else None

    def rule(self, index: int) -> bool:
        """Whether the line is drawn: ``====``; three signs are enough where a blank line stands before."""
        signs = self.texts[index].strip() if 0 <= index < len(self.texts) else ""
        enough = 3 if self.blank(index - 1) else 4
        return len(signs) >= enough and signs[0] in _RULE_SIGNS and not signs.strip(signs[0])

    def drawn(self, index: int) -> bool:
        """Whether the line is a rule or a fence."""
        return self.rule(index) or (0 <= index < len(self.texts) and self.texts[index].strip().startswith("```"))

    def block(self, index: int) -> str:
        """The name of the WebVTT block that begins here."""
        if not self.blank(index - 1) or self.blank(index):
            return ""
        first = self.texts[index].split(None, 1)[0]
        return first if first in _BLOCKS else ""

    def separates(self, index: int, webvtt: bool) -> bool:
        """Whether the text of a cue cannot go on from this line: a rule, a fence, a heading, a WebVTT block."""
        text = self.texts[index].strip()
        if self.drawn(index):
            return True
        if not text or not self.blank(index - 1):
            return False
        return bool(_HEADING.match(text)) or self.rule(index + 1) or (webvtt and bool(self.block(index)))


def find_lines(texts: Sequence[str]) -> Lines:
    """The lines of a file; a text that came with a blank line after every line is read without them."""
    timings = {index: timing for index, text in enumerate(texts) if ":" in text and (timing := parse_timing(text))}
    numbers = range(1, len(texts) + 1)
    if not _double_spaced(texts, timings):
        return Lines(texts, numbers, timings)
    kept = [i for i, text in enumerate(texts) if text.strip() or (i > 0 and not texts[i - 1].strip())]
    return Lines(
        [texts[index] for index in kept],
        [numbers[index] for index in kept],
        {place: timings[index] for place, index in enumerate(kept) if index in timings},
    )


def _double_spaced(texts: Sequence[str], timings: dict[int, Timing]) -> bool:
    """Whether no two lines of text stand together anywhere among the cues."""
    if len(timings) < 2:
        return False
    first, last = min(timings), max(timings)
    return all(not a.strip() or not b.strip() for a, b in pairwise(texts[first : last + 1]))
