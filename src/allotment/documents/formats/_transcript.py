"""Subtitles of a recording → one text with a heading for each chapter; every section knows its cues.

The chapters are those of the file beside it that ``allotment transcripts chapters`` wrote, where there is one: its
titles are a model's. Otherwise they are cut here, without a model, and titled by their time.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from allotment.documents._blocks import Block, Extracted, Mark
from allotment.documents._sentences import sentence_spans
from allotment.documents.transcripts import Chapter, Cue, Finding, format_time, normalise, read_transcript, segment
from allotment.errors import DocumentError

_PARAGRAPH_WORDS = 80
_LONGEST_WORDS = 240
"""A paragraph ends here even inside a sentence: recognisers may leave out all full stops."""
_PAUSE_MS = 2000
_ENDS_SENTENCE = re.compile(r"[.!?…][\"'”“)]?\Z")


def extract_transcript(raw: bytes, chapters: bytes = b"") -> Extracted:
    """Text and structure of SRT or WebVTT.

    Args:
        chapters: the file of its chapters; empty where there is none.

    Raises:
        DocumentError: no cue in it, or the file of chapters is not one of this transcript.
    """
    transcript = read_transcript(raw)
    cues, repairs = normalise(transcript.cues)
    found = _given(chapters, cues) if chapters.strip() else _cut(cues)
    return replace(_Text().of(cues, found), notes=_notes([*transcript.findings, *repairs]))


def _notes(findings: Sequence[Finding]) -> tuple[str, ...]:
    kinds = Counter(finding.kind for finding in findings)
    told = ", ".join(f"{times} {kind}" for kind, times in sorted(kinds.items()))
    return (f"{told}: see `allotment transcripts check`",) if told else ()


def _cut(cues: Sequence[Cue]) -> list[Chapter]:
    def title(chapter: Chapter) -> str:
        return f"{_clock(cues[chapter.first].start_ms)} to {_clock(cues[chapter.last].end_ms)}"

    return [Chapter(chapter.first, chapter.last, title(chapter)) for chapter in segment(cues)]


def _clock(milliseconds: int) -> str:
    return format_time(milliseconds).partition(".")[0]


def _given(raw: bytes, cues: Sequence[Cue]) -> list[Chapter]:
    places = {cue.number: index for index, cue in enumerate(cues)}
    try:
        rows = json.loads(raw)["chapters"]
        firsts = [places[row["first_cue"]] for row in rows]
        titles = [" ".join(str(row["title"]).split()) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _not_chapters() from error
    if not firsts or firsts[0] != 0 or firsts != sorted(set(firsts)) or not all(titles):
        raise _not_chapters()
    lasts = [*(first - 1 for first in firsts[1:]), len(cues) - 1]
    return [Chapter(*chapter) for chapter in zip(firsts, lasts, titles, strict=True)]


def _not_chapters() -> DocumentError:
    return DocumentError(
        "the file .chapters.json beside it has not the chapters of this transcript; write it anew with"
        " `allotment transcripts chapters`, or remove it"
    )


class _Text:
    """The text as it grows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._marks: list[Mark] = []
        self._end = 0

    def of(self, cues: Sequence[Cue], chapters: Sequence[Chapter]) -> Extracted:
        for chapter in chapters:
            start = self._put(f"## {chapter.title}", "\n\n")
            self._blocks.append(Block("heading", start, self._end, level=2, title=chapter.title))
            for paragraph in _paragraphs(cues[chapter.first : chapter.last + 1]):
                self._paragraph(paragraph)
        return Extracted("".join(self._parts), tuple(self._blocks), marks=tuple(self._marks))

    def _paragraph(self, cues: Sequence[Cue]) -> None:
        start, begin = -1, len(self._parts)
        for place, cue in enumerate(cues):
            spoken = f"{cue.speaker}: {cue.text}" if cue.speaker and place == 0 else cue.text
            at = self._put(spoken, "\n\n" if place == 0 else " ")
            self._marks.append(Mark(at, "cue", cue.number))
            start = at if start < 0 else start
        text = "".join(self._parts[begin:]).lstrip("\n")
        pieces = tuple((start + left, start + right) for left, right in sentence_spans(text))
        self._blocks.append(Block("prose", start, self._end, pieces))

    def _put(self, text: str, before: str) -> int:
        """Where the text begins, after ``before`` unless it is the first."""
        gap = before if self._end else ""
        start = self._end + len(gap)
        self._parts.append(gap + text)
        self._end = start + len(text)
        return start


def _paragraphs(cues: Sequence[Cue]) -> Iterator[list[Cue]]:
    """Cues with words, in paragraphs that end with a turn, a pause, or a sentence once they are long enough."""
    current: list[Cue] = []
    for cue in cues:
        if not cue.text.strip():
            continue
        if current and _begins_another(current, cue):
            yield current
            current = []
        current.append(cue)
    if current:
        yield current


def _begins_another(current: Sequence[Cue], cue: Cue) -> bool:
    before = current[-1]
    if cue.speaker != before.speaker or cue.start_ms - before.end_ms >= _PAUSE_MS:
        return True
    words = sum(len(one.text.split()) for one in current)
    ended = bool(_ENDS_SENTENCE.search(before.text))
    return words >= (_PARAGRAPH_WORDS if ended else _LONGEST_WORDS)
