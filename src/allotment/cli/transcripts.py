"""``allotment transcripts``: what is wrong in a recording's subtitles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._run import Run, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.documents.transcripts import Cue, Finding

transcripts = group("transcripts", "Subtitles of recordings: what is wrong in them.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="Subtitles, SRT or WebVTT, also within a larger text.")]


@dataclass(frozen=True)
class Check:
    """What ``transcripts check`` found; counts are those after repair."""

    cues: int
    duration: str
    """Until the last word, as ``hh:mm:ss.mmm``."""
    words: int
    findings: tuple[Finding, ...]


@command(transcripts, "check")
def check_transcript(run: Run, file: File) -> int:
    """Show what is wrong in a transcript, cue by cue.

    Counts are those after repair. Exit code 1 where something was found.
    """
    from allotment.documents.transcripts import format_time, load_transcript, normalise

    transcript = load_transcript(file)
    cues, repairs = normalise(transcript.cues)
    check = Check(
        cues=len(cues),
        duration=format_time(max(cue.end_ms for cue in cues)),
        words=sum(len(cue.text.split()) for cue in cues),
        findings=(*transcript.findings, *repairs),
    )
    run.show(check, lambda console: _show(console, check, cues))
    return 1 if check.findings else 0


def _show(console: Console, check: Check, cues: Sequence[Cue]) -> None:
    if check.findings:
        print_table(console, ("cue", "time", "kind", "detail"), _rows(cues, check.findings), "")
        console.print()
    console.print(_summary(check, cues), markup=False)


def _rows(cues: Sequence[Cue], findings: Sequence[Finding]) -> list[tuple[str, str, str, str]]:
    """The findings in the order of their first cues, those about the whole file before them."""
    places = {cue.number: index for index, cue in enumerate(cues)}
    first = [min((places[number] for number in finding.cues), default=-1) for finding in findings]
    ordered = sorted(zip(first, findings, strict=True), key=lambda pair: pair[0])
    return [_row(cues[place] if place >= 0 else None, finding) for place, finding in ordered]


def _row(first: Cue | None, finding: Finding) -> tuple[str, str, str, str]:
    from allotment.documents.transcripts import format_numbers, format_time

    time = format_time(first.start_ms) if first else ""
    return format_numbers(finding.cues), time, finding.kind, finding.detail


def _summary(check: Check, cues: Sequence[Cue]) -> str:
    speakers = {cue.speaker for cue in cues if cue.speaker}
    kinds = Counter(finding.kind for finding in check.findings)
    found = ", ".join(f"{kind} {times}" for kind, times in sorted(kinds.items())) or "none"
    voices = f", {len(speakers)} speakers" if speakers else ""
    return f"{check.cues} cues, {check.duration}, {check.words} words{voices}; findings: {found}"
