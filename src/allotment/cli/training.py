"""``allotment training``: what an adapter will take, the run, and the adapters there are."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._run import Run, print_fields
from allotment.errors import ProjectError

training = group("training", "Adapters, trained from the datasets.")

_NONE = "No adapter has been trained yet: run `allotment training run AGENT`."

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")]


@command(training, "estimate")
def estimate_training(run: Run, agent: Agent) -> None:
    """Estimate tokens, memory and minutes before the run."""
    from allotment.training import estimate

    project = run.project()
    value = estimate(project, run.workspace(), agent_of(project, agent))
    run.show(value, lambda console: print_fields(console, value))


@command(training, "run")
def run_training(
    run: Run,
    agent: Agent,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            metavar="USD",
            min=0,
            help="Do not begin what would cost more, by the probe and training.price_usd_per_hour.",
        ),
    ] = None,
) -> None:
    """Train an agent's adapter, after a probe of a few steps that says how long it takes and what it costs.

    Nothing is trained again where nothing changed.
    """
    from allotment.cli import _training_show as shown
    from allotment.training import run as train

    project = run.project()
    agent_of(project, agent)
    with run.progress() as progress:
        result = train(project, run.workspace(), agent, progress, max_cost_usd=max_cost)
    manifest = result.manifest
    news = "unchanged" if result.reused else "trained"
    text = f"{manifest.key} is {news}; see `allotment training show {manifest.key}`."
    value = {"manifest": shown.manifest_value(manifest), "reused": result.reused}
    run.show(value, lambda console: console.print(text, markup=False))


@command(training, "list")
def list_training(
    run: Run,
    errors: Annotated[
        bool, typer.Option("--errors", help="Show predicted and actual memory, time and price instead.")
    ] = False,
) -> None:
    """List the adapters: whom they may answer, their state, and what they took.

    A star is the version that is served.
    """
    from allotment.cli import _training_show as shown

    project, workspace = run.project(), run.workspace()
    if errors:
        from allotment.training import prediction_errors

        runs = prediction_errors(shown.sound_manifests(project, workspace))
        run.show(runs, lambda console: shown.print_errors(console, runs, _NONE))
        return
    rows = shown.adapter_rows(project, workspace)
    run.show_table(shown.LIST_COLUMNS, shown.list_cells(rows), rows, _NONE)


@command(training, "show")
def show_training(
    run: Run, identity: Annotated[str, typer.Argument(metavar="ID", help="AGENT/VERSION, from `training list`.")]
) -> None:
    """Show an adapter: what it learnt, from which base, with what; all of it under --json and in its report."""
    from allotment.cli import _training_show as shown
    from allotment.training import load_manifest

    project, workspace = run.project(), run.workspace()
    agent, _, version = identity.partition("/")
    if not version:
        raise ProjectError(f"{identity!r} is not AGENT/VERSION.", remedy="See `allotment training list`.")
    manifest = load_manifest(project, workspace, agent_of(project, agent), version)
    run.show(shown.manifest_value(manifest), lambda console: shown.print_adapter(console, workspace, manifest))
