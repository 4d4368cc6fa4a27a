"""What a title must be, whatever the model says: checked in code, outside the schema it wrote under."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from allotment.documents.transcripts._english import Source, foreign_word
from allotment.documents.transcripts._stems import fold
from allotment.documents.transcripts._types import Cue

SHORTEST, LONGEST = 3, 80
"""Characters of a title."""
_COPIED_WORDS = 5
"""So many words in a row as they were said are no title; fewer may be the name of a thing."""
_NO_TITLE = re.compile(r"(?:chapter|title|part|transcript|untitled|recording|summary|n/?a|none|unknown)\b[\W\d]*")
_SPACE = re.compile(r"\s+")


class TitleChecks:
    """Checks titles against one transcript and against each other."""

    def __init__(self, cues: Sequence[Cue], texts: Sequence[str]) -> None:
        """``texts`` is what is said in each chapter."""
        self._source = Source(texts)
        self._texts = [fold(text) for text in texts]
        self._cues = {fold(cue.text).strip(" .") for cue in cues}
        self._given: set[str] = set()

    def take(self, place: int, title: str | None) -> str:
        """Why ``title`` cannot be that of the chapter at ``place``; empty where it can, and nobody else's any more."""
        problem = "it is missing" if title is None else self._problem(place, title)
        if title is not None and not problem:
            self._given.add(fold(title))
        return problem

    def _problem(self, place: int, title: str) -> str:
        folded = fold(title)
        if not SHORTEST <= len(title) <= LONGEST or not any(letter.isalpha() for letter in title):
            return f"a title has {SHORTEST} to {LONGEST} characters"
        if _NO_TITLE.fullmatch(folded):
            return "it says nothing"
        if folded in self._given:
            return "another chapter has this title"
        if self._copied(place, folded):
            return "it is a copy of what is said"
        word = foreign_word(title, self._source)
        return f"{word!r} is not English" if word else ""

    def _copied(self, place: int, folded: str) -> bool:
        words = len(folded.split())
        return (words >= _COPIED_WORDS and folded in self._texts[place]) or (words > 1 and folded in self._cues)


def read_titles(answer: str, keys: Sequence[str]) -> list[str | None]:
    """The titles under ``keys`` in the model's answer, each one clean line; none for each that is not there."""
    try:
        value: Any = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
    except (ValueError, RecursionError):
        value = None
    found = [value.get(key) if isinstance(value, dict) else None for key in keys]
    return [clean_title(title) if isinstance(title, str) else None for title in found]


def clean_title(title: str) -> str:
    """``title`` in one line, without control characters, quotation marks and marks at its ends."""
    visible = (" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in title)
    return _SPACE.sub(" ", unicodedata.normalize("NFC", "".join(visible))).strip(" \"'“”„`*#.,;:-")
