"""How adapters look on the terminal: one, all of them, how well they were predicted. No document's text is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from allotment.errors import AllotmentError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.project import Project
    from allotment.training import Comparison, Manifest, PredictionErrors
    from allotment.workspace import Workspace

LIST_COLUMNS = (
    "adapter", "created", "state", "method", "loss", "held-out loss", "minutes", "$", "may answer", "reason",
)  # fmt: skip
ERROR_COLUMNS = ("adapter", "method", "device", "of", "estimate", "probe", "actual", "error", "probe's error")
_STALE = "a document it learnt has changed"


@dataclass(frozen=True)
class AdapterRow:
    """One adapter in the list. None is unknown."""

    id: str
    created: str
    state: Literal["ready", "stale", "held back", "refused"]
    """Stale: a document it learnt has changed. Held back: it did not pass the test for leaks, or could not be tested.
    Refused: its manifest or file is not what was written."""
    current: bool
    """Whether it is the one that is served."""
    clearance: tuple[str, ...]
    reason: str
    method: str = ""
    loss: float | None = None
    held_out_loss: float | None = None
    minutes: float | None = None
    usd: float | None = None


def adapter_rows(project: Project, workspace: Workspace) -> list[AdapterRow]:
    """Every adapter of every agent, those that are refused too."""
    return [_row(project, workspace, agent, version) for agent, version in _adapters(project, workspace)]


def sound_manifests(project: Project, workspace: Workspace) -> list[Manifest]:
    """Manifests that are what was written, stale ones too; what another one says counts for nothing."""
    from allotment.training import load_manifest

    found = []
    for agent, version in _adapters(project, workspace):
        try:
            found.append(load_manifest(project, workspace, agent, version))
        except AllotmentError:
            continue
    return found


def list_cells(rows: Sequence[AdapterRow]) -> list[tuple[str, ...]]:
    """The rows as the table's cells; the version that is served has a star."""
    return [
        (
            f"{row.id} *" if row.current else row.id,
            row.created[:16].replace("T", " "),
            row.state,
            row.method,
            *(["", "", "", ""] if row.state == "refused" else map(_figure, _figures(row))),
            ", ".join(row.clearance),
            row.reason,
        )
        for row in rows
    ]


def error_cells(runs: Sequence[PredictionErrors]) -> list[tuple[str, ...]]:
    """Three lines a run: memory, time, price."""
    return [
        (*((run.id, run.method, run.device) if name == "peak GiB" else ("", "", "")), name, *_compared(found))
        for run in runs
        for name, found in _quantities(run)
    ]


def print_errors(console: Console, runs: Sequence[PredictionErrors], empty: str) -> None:
    """Predicted and actual of each run, and how far the estimates were off on average."""
    from allotment.cli._run import print_table

    print_table(console, ERROR_COLUMNS, error_cells(runs), empty)
    missed: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for name, found in _quantities(run):
            if found.error_percent is not None:
                missed[name].append(abs(found.error_percent))
    for name, errors in missed.items():
        mean, worst = sum(errors) / len(errors), max(errors)
        console.print(f"{name}: off by {mean:.1f} % on average, {worst:.1f} % at worst, in {len(errors)} runs")


def manifest_value(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON, without the decoded example: that one stands in the report alone."""
    value = manifest.model_dump(mode="json")
    value["measured"].pop("masked_example", None)
    return value


def print_adapter(console: Console, workspace: Workspace, manifest: Manifest) -> None:
    """A short summary, predicted and actual, and where the whole report lies."""
    from rich.text import Text

    from allotment.cli._run import print_table
    from allotment.training import prediction_errors

    for name, content in _summary(workspace, manifest):
        console.print(Text(f"{name:<11} {content}"), soft_wrap=True)
    console.print()
    cells = [row[3:] for row in error_cells(prediction_errors([manifest]))]
    print_table(console, ("predicted and actual", *ERROR_COLUMNS[4:]), cells, "")
    report = Path(manifest.folder) / "report.html"
    console.print()
    console.print(Text(f"report      {report if report.is_file() else 'none was kept'}"), soft_wrap=True)


def is_current(workspace: Workspace, agent: str, version: str) -> bool:
    """Whether the version is the one that is served."""
    from allotment.training import current_version

    return current_version(workspace, agent) == version


def _adapters(project: Project, workspace: Workspace) -> Iterator[tuple[str, str]]:
    from allotment.training import adapter_versions

    for agent in project.agents:
        for version in adapter_versions(workspace, agent):
            yield agent, version


def _row(project: Project, workspace: Workspace, agent: str, version: str) -> AdapterRow:
    from allotment.training import held_back, load_manifest, prediction_errors

    identity, current = f"{agent}/{version}", is_current(workspace, agent, version)
    try:
        manifest = load_manifest(project, workspace, agent, version)
    except AllotmentError as error:
        return AdapterRow(identity, "", "refused", current, (), error.message)
    (run,) = prediction_errors([manifest])
    held = held_back(workspace, manifest)
    return AdapterRow(
        identity,
        manifest.created,
        "stale" if manifest.stale else "held back" if held else "ready",
        current,
        manifest.clearance,
        _STALE if manifest.stale else held or "",
        manifest.method,
        manifest.measured.get("final_loss"),
        manifest.measured.get("held_out_loss"),
        run.minutes.actual,
        run.usd.actual,
    )


def _summary(workspace: Workspace, manifest: Manifest) -> Iterator[tuple[str, str]]:
    current = is_current(workspace, manifest.agent, manifest.version)
    measured = manifest.measured
    state = f"stale: {_STALE}" if manifest.stale else "ready"
    yield "adapter", f"{manifest.key}, {state}{', served now' if current else ''}"
    yield from _tested(workspace, manifest)
    yield "may answer", ", ".join(manifest.clearance)
    yield "trained", f"{manifest.created[:16].replace('T', ' ')} UTC, {manifest.method} on {manifest.base_model}"
    if manifest.experiment is not None:
        yield "experiment", f"{manifest.experiment['id']}: {manifest.experiment['reason']}"
    yield "learnt", f"{len(manifest.documents)} documents, {_count(measured, 'examples')} examples"
    yield "left out", f"{_count(measured, 'dropped')} examples, too long"
    yield "loss", f"{_figure(measured.get('final_loss'))}, held out {_figure(measured.get('held_out_loss'))}"
    yield "epochs", f"{_figure(measured.get('epochs'))} of {_figure(manifest.training.get('epochs'))}"
    mfu = measured.get("mfu")
    share = "unknown" if mfu is None else f"{mfu:.1%}"
    yield "rate", f"{_figure(measured.get('tokens_per_second'))} tokens/s, MFU {share}"


def _tested(workspace: Workspace, manifest: Manifest) -> Iterator[tuple[str, str]]:
    from allotment.training import read_verdict

    verdict = read_verdict(workspace, manifest.agent, manifest.version, manifest.adapter_sha256)
    if verdict is None:
        yield "leaks", "not tested"
    elif verdict.outcome == "passed":
        yield "leaks", f"none found: {verdict.reason}"
    else:
        yield "held back", verdict.reason


def _figures(row: AdapterRow) -> tuple[float | None, ...]:
    return row.loss, row.held_out_loss, row.minutes, row.usd


def _quantities(run: PredictionErrors) -> tuple[tuple[str, Comparison], ...]:
    return ("peak GiB", run.peak_gib), ("minutes", run.minutes), ("$", run.usd)


def _compared(found: Comparison) -> tuple[str, ...]:
    figures = (found.predicted, found.probed, found.actual)
    errors = (found.error_percent, found.probe_error_percent)
    return *map(_figure, figures), *("unknown" if error is None else f"{error:+.1f} %" for error in errors)


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def _count(measured: dict[str, Any], key: str) -> str:
    value = measured.get(key)
    return "an unknown number of" if value is None else f"{value:,}"
