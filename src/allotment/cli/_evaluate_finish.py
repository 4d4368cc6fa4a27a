"""The end of every evaluation: the report's files, what changed since another one, and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import error_value
from allotment.errors import AllotmentError

if TYPE_CHECKING:
    from allotment.cli._run import Run
    from allotment.evaluation.report import Change, Changes, Report, SignedReport
    from allotment.workspace import Workspace

Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report here as well, as one page.")
]
Json = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write it here as well, as signed JSON.")]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write its checks here as JUnit XML.")]
Baseline = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="An earlier report: exit 1 if something got worse.")
]


@dataclass(frozen=True)
class Files:
    """Where a report goes besides its place in the workspace."""

    html: Path | None = None
    json: Path | None = None
    junit: Path | None = None
    baseline: Path | None = None


def finish(run: Run, report: Report, files: Files, agent: str = "") -> int:
    """Sign, write and show the report.

    It is shown whatever cannot be written, and every file that can be written is; the first error is raised then.

    Args:
        agent: whose evaluation it is, where it is of one agent.

    Returns:
        0 if it passed and nothing got worse, else 1.

    Raises:
        InputError: the baseline cannot be read or compared, or the report holds what cannot be written.
        StorageError: a file could not be written.
    """
    from allotment.evaluation.report import sign_report

    workspace = run.workspace()
    changes, errors = _changes(workspace, report, files.baseline)
    signed = _attempt(lambda: sign_report(workspace, report, changes), errors)
    written = _write(workspace, signed, report, changes, files, agent, errors)
    value = {"report": report, "files": written, "changes": changes, **(error_value(errors[0]) if errors else {})}
    run.show(
        value, lambda console: console.print("\n".join(_lines(report, changes, written)), markup=False, soft_wrap=True)
    )
    if errors:
        return _ended(run, errors[0])
    return 0 if report.outcome == "passed" and not (changes and changes.got_worse) else 1


def _ended(run: Run, error: AllotmentError) -> int:
    """The error at the end; under ``--json`` it stands in the one value already."""
    if not run.json:
        raise error
    run.note(f"Error: {error}")
    return error.exit_code


def _write_file(path: Path, made: Callable[[], bytes]) -> None:
    from allotment.workspace import write_atomic

    write_atomic(path, made())


def _attempt(step: Callable[[], Any], errors: list[AllotmentError]) -> Any:
    """What a step returns; none where it fails, and the error is kept for the end."""
    from allotment.workspace import storage_error

    try:
        return step()
    except AllotmentError as error:
        errors.append(error)
    except OSError as error:
        errors.append(storage_error(Path(error.filename or ""), error))
    return None


def _changes(
    workspace: Workspace, report: Report, baseline: Path | None
) -> tuple[Changes | None, list[AllotmentError]]:
    errors: list[AllotmentError] = []
    if baseline is None:
        return None, errors
    from allotment.evaluation.report import compare, public_key, read_baseline

    def compared() -> Changes:
        before, digest = read_baseline(baseline, public_key(workspace))
        return compare(report, before.report, digest)

    return _attempt(compared, errors), errors


def _write(
    workspace: Workspace,
    signed: SignedReport | None,
    report: Report,
    changes: Changes | None,
    files: Files,
    agent: str,
    errors: list[AllotmentError],
) -> dict[str, str]:
    """Write every file that can be written; name → where it lies."""
    from allotment.evaluation.report import keep_report, page, to_junit

    written: dict[str, str] = {}
    if signed is not None:
        kept = _attempt(lambda: keep_report(workspace, signed, agent), errors)
        written |= {"json": str(kept[0]), "html": str(kept[1])} if kept else {}
    junit = partial(to_junit, report, changes)
    wanted: list[tuple[str, Path | None, Callable[[], bytes]]] = [("junit", files.junit, junit)]
    if signed is not None:
        wanted += [("json", files.json, lambda: signed.data), ("html", files.html, lambda: page(signed))]
    for name, path, made in wanted:
        if path is not None:
            before = len(errors)
            _attempt(partial(_write_file, path, made), errors)
            written |= {f"{name} asked for": str(path)} if len(errors) == before else {}
    return written


def _lines(report: Report, changes: Changes | None, written: dict[str, str]) -> Iterator[str]:
    """What a person reads at the terminal."""
    from allotment.evaluation.report import counted, visible

    words = {"passed": "Passed", "failed": "Failed", "unknown": "Not known"}
    yield visible(f"{words[report.outcome]}: {report.verdict}")
    yield counted(report)
    for outcome in ("failed", "unknown"):
        for check in (check for check in report.checks if check.outcome == outcome):
            detail = f" ({check.detail})" if check.detail else ""
            yield visible(f"  {words[outcome].lower()}: {check.title}{detail}").replace("\n", " ")
    if changes is not None:
        yield from _changed(changes)
    for name, path in written.items():
        yield f"{name}: {path}"


def _changed(changes: Changes) -> Iterator[str]:
    told = "Something got worse" if changes.got_worse else "Nothing got worse"
    yield f"{told} since the report of {changes.baseline}."
    for word, found in (("worse", changes.worse), ("gone", changes.gone), ("better", changes.better)):
        yield from (_change_line(word, change) for change in found)
    if changes.new:
        yield f"  new: {len(changes.new)}"


def _change_line(word: str, change: Change) -> str:
    from allotment.evaluation.report import change_text, visible

    reason = f" ({change.reason})" if change.reason else ""
    line = f"  {word}: {change.title}: {change_text(change)}{reason}"
    return visible(line).replace("\n", " ")
