"""``allotment transcripts``: what is wrong in a recording's subtitles, and its chapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import command, error_value, group
from allotment.cli._run import Run, output, print_table, to_json

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.documents.transcripts import Cue, Finding

transcripts = group("transcripts", "Subtitles of recordings: what is wrong in them, and their chapters.")

_NAMED = 3
"""So many chapters without a title are explained on stderr; the findings explain all."""

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


@command(transcripts, "chapters")
def make_chapters(
    run: Run,
    file: File,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Model that writes the titles; none takes the teacher's.")
    ] = "",
    timeout_s: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="Longest wait for one title.")
    ] = 120.0,
) -> int:
    """Cut a transcript into chapters with English titles.

    Stdout is one JSON value and nothing else, with --json or without. Exit code 1 where a chapter got no title; all
    chapters are there even so. Works outside a project.
    """
    with ExitStack() as stack:
        out = run.out if run.json else stack.enter_context(output(True))
        try:
            return _write_chapters(run, out, file, model, timeout_s)
        except Exception as error:
            if not run.json:  # with --json the root writes it
                out.write(to_json(error_value(error)) + "\n")
            raise


def _write_chapters(run: Run, out: IO[str], file: Path, model: str, timeout_s: float) -> int:
    from allotment.documents import transcripts
    from allotment.models import Engines

    transcript = transcripts.load_transcript(file)
    with Engines() as engines, run.progress() as progress:
        engine = engines.get(model or _teacher(run))
        result = transcripts.make_chapters(transcript, engine, timeout_s=timeout_s, progress=progress)
    out.write(to_json(result) + "\n")
    out.flush()
    if result.failed:
        reasons = "; ".join(finding.detail for finding in result.failed[:_NAMED])
        run.note(f"Error: {file}: {len(result.failed)} of {len(result.chapters)} chapters got no title ({reasons}).")
    return 1 if result.failed else 0


def _teacher(run: Run) -> str:
    """The project's teacher, or outside a project the one a project has by default."""
    from allotment.project import PROJECT_FILE, ModelsConfig

    return run.project().models.teacher if (run.folder / PROJECT_FILE).exists() else ModelsConfig().teacher
