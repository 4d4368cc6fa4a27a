"""Titles of chapters in English, from a model, each checked in code.

The model sees the most telling sentences of one chapter and the titles before it, and fills one bounded string of
a JSON schema; so it can neither break the form of the result nor leave a chapter out. What the transcript says is
data: the worst it can make of the model is a bad title.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allotment.documents._language import detect_language
from allotment.documents.transcripts._deadline import within
from allotment.documents.transcripts._english import Source, foreign_word
from allotment.documents.transcripts._extracts import chapter_texts, extracts
from allotment.documents.transcripts._stems import fold
from allotment.documents.transcripts._types import Chapter, Cue, Finding
from allotment.models import Engine, Message

SHORTEST, LONGEST = 3, 80
"""Characters of a title."""
TIMEOUT_S = 120.0
"""Seconds for one title: twenty times what the embedded model takes on two processor cores."""

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "gist": {"type": "string", "minLength": 10, "maxLength": 160},
        "title": {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST},
    },
    "required": ["gist", "title"],
    "additionalProperties": False,
}
"""The gist comes first and is thrown away: a small model that has said in English what it read titles it better."""
_MAX_TOKENS = 120
_SYSTEM = (
    "You are an editor who gives the chapters of recordings their titles, always in English."
    ' Answer with JSON: {"gist": "...", "title": "..."}.'
)
_LANGUAGES = {"cs": " (in Czech)", "sk": " (in Slovak)", "de": " (in German)"}
_TASK = "Say in one English sentence what this chapter is about. Then write its title in English, 3 to 7 words."
_CARRIED = 4
"""Titles of earlier chapters shown, and in the first message: more, or nearer, and a small model repeats them."""
_COPIED_WORDS = 5
"""So many words in a row as they were said are no title; fewer may be the name of a thing."""
_NO_TITLE = re.compile(r"(?:chapter|title|part|transcript|untitled|recording|summary|n/?a|none|unknown)\b[\W\d]*")
_SPACE = re.compile(r"\s+")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Attempt:
    """An answer of the model: a title, or why it is none."""

    title: str = ""
    answer: str = ""
    problem: str = ""
    broken: bool = False
    """The engine failed; there is no answer."""


class _GaveUp(Exception):
    """The model hangs or fails: it is not asked again."""


def title_chapters(
    engine: Engine,
    cues: Sequence[Cue],
    chapters: Sequence[Chapter],
    *,
    timeout_s: float = TIMEOUT_S,
    progress: Progress | None = None,
) -> tuple[list[Chapter], list[Finding]]:
    """The chapters with titles, and a finding for each that got none.

    Titles are English, 3 to 80 characters, unique, and no copies of what was said. A chapter whose title fails twice
    is called ``Untitled chapter N``; a model that hangs, or fails twice, is not asked again.

    Args:
        engine: any model; no language but English is asked of it.
        cues: what the chapters index.
        chapters: from ``segment``.
        timeout_s: seconds to wait for one answer.
        progress: told of every chapter.
    """
    texts = chapter_texts(cues, chapters)
    titler = _Titler(engine, Source(texts), [fold(cue.text).strip(" .") for cue in cues], timeout_s)
    titled: list[Chapter] = []
    findings: list[Finding] = []
    for place, (chapter, text, extract) in enumerate(zip(chapters, texts, extracts(texts), strict=True)):
        if progress:
            progress("titles", place, len(chapters))
        title, problem = titler.title(text, extract)
        if problem:
            title = f"Untitled chapter {place + 1}"
            findings.append(Finding("title-failed", (cues[chapter.first].number,), f"{title}: {problem}"))
        titled.append(replace(chapter, title=title))
    if progress:
        progress("titles", len(chapters), len(chapters))
    return titled, findings


class _Titler:
    """Asks for one title after the other, and remembers those given."""

    def __init__(self, engine: Engine, source: Source, cues: Sequence[str], timeout_s: float) -> None:
        self._engine, self._source, self._timeout_s = engine, source, timeout_s
        self._cues = frozenset(cues)
        self._given: list[str] = []
        self._gave_up = ""

    def title(self, text: str, extract: str) -> tuple[str, str]:
        """A title, or why there is none."""
        if self._gave_up:
            return "", self._gave_up
        try:
            attempt = self._try_twice(text, extract)
        except _GaveUp as reason:
            self._gave_up = str(reason)
            return "", self._gave_up
        if attempt.problem:
            return "", f"the model's answer was {attempt.answer[:LONGEST]!r}, and {attempt.problem}"
        self._given.append(attempt.title)
        return attempt.title, ""

    def _try_twice(self, text: str, extract: str) -> _Attempt:
        messages = [Message("system", self._instructions()), Message("user", _prompt(extract))]
        first = self._attempt(messages, text)
        if not first.problem:
            return first
        if not first.broken:
            reason = f"This cannot be the title: {first.problem}. {_TASK}"
            messages += [Message("assistant", first.answer[:200]), Message("user", reason)]
        second = self._attempt(messages, text, temperature=0.7)
        if second.broken:
            raise _GaveUp(second.problem)
        return second

    def _instructions(self) -> str:
        earlier = "; ".join(self._given[-_CARRIED:])
        return f"{_SYSTEM} These titles are taken by earlier chapters: {earlier}." if earlier else _SYSTEM

    def _attempt(self, messages: Sequence[Message], text: str, temperature: float = 0.0) -> _Attempt:
        options: dict[str, Any] = {"max_tokens": _MAX_TOKENS, "temperature": temperature, "schema": _SCHEMA}
        try:
            answer = within(self._timeout_s, lambda: self._engine.complete(messages, **options)).text
        except TimeoutError as error:
            raise _GaveUp(f"the model hangs ({error})") from error
        except Exception as error:  # whatever an engine raises, the chapters are there and are kept
            return _Attempt(problem=f"the model failed ({error})", broken=True)
        title = _read(answer)
        if title is None:
            return _Attempt(answer=answer, problem="it is not the JSON asked for")
        return _Attempt(title, answer, self._problem(title, text))

    def _problem(self, title: str, text: str) -> str:
        """Why this is no title; empty where it is one."""
        folded = fold(title)
        if not SHORTEST <= len(title) <= LONGEST or not any(letter.isalpha() for letter in title):
            return f"a title has {SHORTEST} to {LONGEST} characters"
        if _NO_TITLE.fullmatch(folded):
            return "it says nothing"
        if any(folded == fold(given) for given in self._given):
            return "an earlier chapter has this title"
        if self._copied(folded, text):
            return "it is a copy of what is said"
        if word := foreign_word(title, self._source):
            return f"{word!r} is not English"
        return ""

    def _copied(self, folded: str, text: str) -> bool:
        words = len(folded.split())
        return (words >= _COPIED_WORDS and folded in fold(text)) or (words > 1 and folded in self._cues)


def _prompt(extract: str) -> str:
    language = _LANGUAGES.get(detect_language(extract), "")
    return f'What is said in this chapter{language}:\n"""{extract.replace(chr(34), "")}"""\n\n{_TASK}'


def _read(answer: str) -> str | None:
    """The title in the model's answer, in one clean line; none where it is not the JSON asked for."""
    try:
        value = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
        title = value["title"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return _clean(title) if isinstance(title, str) else None


def _clean(title: str) -> str:
    visible = (" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in title)
    return _SPACE.sub(" ", unicodedata.normalize("NFC", "".join(visible))).strip(" \"'“”„`*#.,;:-")
