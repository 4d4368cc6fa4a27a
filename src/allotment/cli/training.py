"""``allotment training``: what an adapter will take, the run, and the adapters there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._run import Run, print_fields
from allotment.errors import AllotmentError, ProjectError

if TYPE_CHECKING:
    from allotment.project import Project
    from allotment.workspace import Workspace

training = group("training", "Adapters, trained from the datasets.")

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")]


@dataclass(frozen=True)
class AdapterRow:
    """One adapter in the list."""

    id: str
    created: str
    state: Literal["ready", "stale", "refused"]
    """Stale: a document it learnt has changed. Refused: its manifest or file is not what was written."""
    clearance: tuple[str, ...]
    reason: str


@command(training, "estimate")
def estimate_training(run: Run, agent: Agent) -> None:
    """Estimate tokens, memory and minutes before the run."""
    from allotment.training import estimate

    project = run.project()
    value = estimate(project, run.workspace(), agent_of(project, agent))
    run.show(value, lambda console: print_fields(console, value))


@command(training, "run")
def run_training(run: Run, agent: Agent) -> None:
    """Train an agent's adapter.

    Nothing is trained again where nothing changed.
    """
    from allotment.training import run as train

    project = run.project()
    agent_of(project, agent)
    with run.progress() as progress:
        result = train(project, run.workspace(), agent, progress)
    manifest = result.manifest
    news = "unchanged" if result.reused else "trained"
    text = f"{manifest.key} is {news}; see `allotment training show {manifest.key}`."
    run.show(result, lambda console: console.print(text, markup=False))


@command(training, "list")
def list_training(run: Run) -> None:
    """List the adapters: whom they may answer, and their state."""
    from allotment.training import adapter_versions

    project, workspace = run.project(), run.workspace()
    value = [
        _row(project, workspace, agent, version)
        for agent in project.agents
        for version in adapter_versions(workspace, agent)
    ]
    rows = [(item.id, item.created, item.state, ", ".join(item.clearance), item.reason) for item in value]
    columns = ("adapter", "created", "state", "may answer", "reason")
    run.show_table(columns, rows, value, "No adapter has been trained yet: run `allotment training run AGENT`.")


@command(training, "show")
def show_training(
    run: Run, identity: Annotated[str, typer.Argument(metavar="ID", help="AGENT/VERSION, from `training list`.")]
) -> None:
    """Show an adapter's manifest: what it learnt, from which base, with what."""
    from allotment.training import load_manifest

    project = run.project()
    agent, _, version = identity.partition("/")
    if not version:
        raise ProjectError(f"{identity!r} is not AGENT/VERSION.", remedy="See `allotment training list`.")
    manifest = load_manifest(project, run.workspace(), agent_of(project, agent), version)
    value = manifest.model_dump(mode="json")
    run.show(value, lambda console: print_fields(console, value))


def _row(project: Project, workspace: Workspace, agent: str, version: str) -> AdapterRow:
    from allotment.training import load_manifest

    identity = f"{agent}/{version}"
    try:
        manifest = load_manifest(project, workspace, agent, version)
    except AllotmentError as error:
        return AdapterRow(identity, "", "refused", (), error.message)
    state: Literal["ready", "stale"] = "stale" if manifest.stale else "ready"
    reason = "a document it learnt has changed" if manifest.stale else ""
    return AdapterRow(identity, manifest.created, state, manifest.clearance, reason)
