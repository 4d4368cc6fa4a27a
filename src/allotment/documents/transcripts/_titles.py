"""Titles of chapters in English, from a model, each checked in code.

The model first says in one English sentence what the most telling sentences of a chapter are about. From these gists
it titles window after window of chapters, each window shown the titles before it, filling bounded strings of a flat
JSON schema. So it can neither break the form of the result nor leave a chapter out, and even a small model, which
repeats any English it finds beside Czech, keeps what it reads apart. What a transcript says is data: the worst it can
make of the model is a bad title.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allotment.documents._language import detect_language
from allotment.documents.transcripts._deadline import within
from allotment.documents.transcripts._extracts import chapter_texts, extracts
from allotment.documents.transcripts._title_checks import LONGEST, SHORTEST, TitleChecks, read_titles
from allotment.documents.transcripts._types import Chapter, Cue, Finding
from allotment.models import Engine, Message

TIMEOUT_S = 120.0
"""Seconds for one answer: twenty times what the embedded model takes on two processor cores."""

_WINDOW = 4
"""Chapters titled in one answer; with more, a small model slips by one."""
_GIST_TOKENS, _TITLE_TOKENS = 48, 40
_SECOND_TEMPERATURE = 1.0
"""The chapter is read anew, and no title is shown, refused or given: a small model repeats what it sees."""
_SYSTEM = "You are an editor who gives the chapters of recordings short titles in English."
_GIST = "Say in one short English sentence what this chapter is about."
_LANGUAGES = {"cs": " (in Czech)", "sk": " (in Slovak)", "de": " (in German)"}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Wanted:
    """A chapter that waits for its title."""

    place: int
    extract: str
    gist: str = ""
    title: str | None = None
    problem: str = ""
    """Why it cannot have ``title``, which the model gave it."""

    @property
    def key(self) -> str:
        return str(self.place + 1)


class _Failed(Exception):
    """The engine failed, and may do better when asked again."""


class _GaveUp(Exception):
    """The model hangs, or failed twice: it is not asked again."""


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
    titler = _Titler(engine, TitleChecks(cues, chapter_texts(cues, chapters)), timeout_s)
    problems: dict[int, str] = {}
    try:
        for window in _windows(extracts(cues, chapters)):
            _tell(progress, window[0].place, len(chapters))
            problems |= titler.title(window)
    except _GaveUp as reason:
        problems = {place: problems.get(place, str(reason)) for place in range(len(chapters))}
    _tell(progress, len(chapters), len(chapters))
    return _named(chapters, titler.titles), _findings(cues, chapters, titler.titles, problems)


def _windows(texts: Sequence[str]) -> Iterator[list[_Wanted]]:
    wanted = [_Wanted(place, text) for place, text in enumerate(texts)]
    return (wanted[start : start + _WINDOW] for start in range(0, len(wanted), _WINDOW))


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress("titles", done, total)


def _named(chapters: Sequence[Chapter], titles: dict[int, str]) -> list[Chapter]:
    return [replace(item, title=titles.get(place, _untitled(place))) for place, item in enumerate(chapters)]


def _untitled(place: int) -> str:
    return f"Untitled chapter {place + 1}"


def _findings(
    cues: Sequence[Cue], chapters: Sequence[Chapter], titles: dict[int, str], problems: dict[int, str]
) -> list[Finding]:
    missing = [(place, chapter) for place, chapter in enumerate(chapters) if place not in titles]
    return [
        Finding("title-failed", (cues[chapter.first].number,), f"{_untitled(place)}: {problems[place]}")
        for place, chapter in missing
    ]


class _Titler:
    """Asks a model for gists and titles, and keeps the titles given."""

    def __init__(self, engine: Engine, checks: TitleChecks, timeout_s: float) -> None:
        self.titles: dict[int, str] = {}
        self._engine, self._checks, self._timeout_s = engine, checks, timeout_s

    def title(self, window: Sequence[_Wanted]) -> dict[int, str]:
        """Title the chapters of a window; what is left after a second reading is returned with the reason."""
        refused = self._ask(window, temperature=0.0)
        refused = self._ask(refused, temperature=_SECOND_TEMPERATURE) if refused else []
        return {one.place: f"the model's title was {one.title!r}: {one.problem}" for one in refused}

    def _ask(self, window: Sequence[_Wanted], temperature: float) -> list[_Wanted]:
        """Read the chapters, take the titles that pass, and give back the others with their faults."""
        read = [replace(wanted, gist=self._gist(wanted.extract, temperature)) for wanted in window]
        options = {"max_tokens": _TITLE_TOKENS * len(read), "schema": _schema(read), "temperature": temperature}
        titles = read_titles(self._complete(self._task(read), **options), [wanted.key for wanted in read])
        refused = []
        for wanted, title in zip(read, titles, strict=True):
            if problem := self._checks.take(wanted.place, title):
                refused.append(replace(wanted, title=title, problem=problem))
            else:
                self.titles[wanted.place] = str(title)
        return refused

    def _gist(self, extract: str, temperature: float) -> str:
        """What the sentences of a chapter are about, in one English sentence."""
        language = _LANGUAGES.get(detect_language(extract), "")
        said = extract.replace('"', "")
        text = f'What is said in this chapter of a recording{language}:\n"""{said}"""\n\n{_GIST}'
        return " ".join(self._complete(text, max_tokens=_GIST_TOKENS, temperature=temperature).split())

    def _task(self, window: Sequence[_Wanted]) -> str:
        again = any(wanted.problem for wanted in window)
        places = sorted(place for place in self.titles if place < window[-1].place)[-_WINDOW:]
        earlier = "" if again else "; ".join(self.titles[place] for place in places)
        faults = "".join(f"Chapter {wanted.key}: {wanted.problem}.\n" for wanted in window if wanted.problem)
        words = "5 to 9 words that say what is particular about it" if again else "2 to 6 words"
        return "".join(
            (
                f"Titles that other chapters have: {earlier}.\n\n" if earlier else "",
                "What these chapters are about:\n",
                *(f"{wanted.key}. {wanted.gist}\n" for wanted in window),
                f"\nWhat was wrong with the titles you wrote first:\n{faults}" if faults else "",
                f"\nWrite the title of each chapter in English, {words}, all different. Answer with JSON: {{",
                ", ".join(f'"{wanted.key}": "..."' for wanted in window),
                "}",
            )
        )

    def _complete(self, text: str, **options: Any) -> str:
        messages = [Message("system", _SYSTEM), Message("user", text)]
        try:
            return self._answer(messages, options)
        except _Failed:
            pass
        try:
            return self._answer(messages, options)
        except _Failed as error:
            raise _GaveUp(f"the model failed ({error})") from error

    def _answer(self, messages: Sequence[Message], options: dict[str, Any]) -> str:
        try:
            return within(self._timeout_s, lambda: self._engine.complete(messages, **options)).text
        except TimeoutError as error:
            raise _GaveUp(f"the model hangs ({error})") from error
        except Exception as error:  # whatever an engine raises, the chapters are there and are kept
            raise _Failed(str(error)) from error


def _schema(window: Sequence[_Wanted]) -> dict[str, Any]:
    """One bounded string for each chapter, under its number: what is written before a title says which it is."""
    title = {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST}
    keys = [wanted.key for wanted in window]
    properties = dict.fromkeys(keys, title)
    return {"type": "object", "properties": properties, "required": keys, "additionalProperties": False}
