"""Recordings as text: subtitles read, repaired without losing speech, and cut into titled chapters."""

from allotment.documents.transcripts._chapters import ChapterEntry, ChapterList, make_chapters
from allotment.documents.transcripts._load import load_transcript
from allotment.documents.transcripts._normalise import normalise
from allotment.documents.transcripts._notes import format_numbers
from allotment.documents.transcripts._read import read_transcript
from allotment.documents.transcripts._segment import segment
from allotment.documents.transcripts._timing import format_time
from allotment.documents.transcripts._titles import title_chapters
from allotment.documents.transcripts._types import Chapter, Cue, Finding, FindingKind, Transcript

__all__ = [
    "Chapter",
    "ChapterEntry",
    "ChapterList",
    "Cue",
    "Finding",
    "FindingKind",
    "Transcript",
    "format_numbers",
    "format_time",
    "load_transcript",
    "make_chapters",
    "normalise",
    "read_transcript",
    "segment",
    "title_chapters",
]
