"""What a transcript is made of: cues, findings about them, and chapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "repetition",
    "repeated-cues",
    "rolling-caption",
    "time-goes-back",
    "end-before-start",
    "overlap",
    "stretched",
    "silence",
    "numbering",
    "empty-cue",
    "format",
    "encoding",
    "outside-text",
    "title-failed",
]


@dataclass(frozen=True)
class Cue:
    """One subtitle: what was said from ``start_ms`` to ``end_ms``, in milliseconds from the beginning."""

    number: int
    """As printed in the file; its ordinal, from 1, where the file prints none."""
    start_ms: int
    end_ms: int
    text: str
    """One line, without tags."""
    speaker: str = ""
    """The voice, where the file names it."""


@dataclass(frozen=True)
class Finding:
    """Something about a transcript that its reader should know, or that was repaired."""

    kind: FindingKind
    cues: tuple[int, ...]
    """Numbers of the cues concerned; empty for the file as a whole."""
    detail: str


@dataclass(frozen=True)
class Transcript:
    """A file of cues, in file order, and what was found while reading it."""

    cues: tuple[Cue, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A run of cues about one topic: indexes into the cues, ``last`` included."""

    first: int
    last: int
    title: str = ""
