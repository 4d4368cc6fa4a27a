"""A recording's chapters: read, repaired, cut and titled, in the form that is handed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from allotment.documents.transcripts._normalise import normalise
from allotment.documents.transcripts._segment import segment
from allotment.documents.transcripts._timing import format_time
from allotment.documents.transcripts._titles import TIMEOUT_S, Progress, title_chapters
from allotment.documents.transcripts._types import Chapter, Cue, Finding, Transcript
from allotment.models import Engine


@dataclass(frozen=True)
class ChapterEntry:
    """A chapter as it is handed out."""

    start: str
    """``hh:mm:ss.mmm``; the end of the chapter before."""
    end: str
    first_cue: int
    """Number of its first cue, as printed in the file."""
    title: str


@dataclass(frozen=True)
class ChapterList:
    """All chapters of a recording, in order and without gaps, and what was found on the way."""

    chapters: tuple[ChapterEntry, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> list[Finding]:
        """One finding for each chapter without a title."""
        return [finding for finding in self.findings if finding.kind == "title-failed"]


def make_chapters(
    transcript: Transcript, engine: Engine, *, timeout_s: float = TIMEOUT_S, progress: Progress | None = None
) -> ChapterList:
    """The titled chapters of a transcript as it was read, see ``segment`` and ``title_chapters``."""
    cues, repairs = normalise(transcript.cues)
    titled, failures = title_chapters(engine, cues, segment(cues), timeout_s=timeout_s, progress=progress)
    return ChapterList(_entries(cues, titled), (*transcript.findings, *repairs, *failures))


def _entries(cues: Sequence[Cue], chapters: Sequence[Chapter]) -> tuple[ChapterEntry, ...]:
    starts = [cues[chapter.first].start_ms for chapter in chapters]
    end = max((cue.end_ms for cue in cues), default=0)
    times = [format_time(moment) for moment in [*starts, end]]
    return tuple(
        ChapterEntry(start, stop, cues[chapter.first].number, chapter.title)
        for (start, stop), chapter in zip(pairwise(times), chapters, strict=True)
    )
