"""``allotment training``: what an adapter will take, the run, and the adapters there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._run import Run

training = group("training", "Adapters, trained from the datasets.")

_NONE = "No adapter has been trained yet: run `allotment training run AGENT`."

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")]
Identity = Annotated[str, typer.Argument(metavar="ID", help="AGENT/VERSION, from `training list`.")]
Output = Annotated[Path, typer.Option("--output", metavar="DIR", help="Where to; a folder that is new or empty.")]


@command(training, "estimate")
def estimate_training(
    run: Run,
    agent: Agent,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Another model than models.base: a name, a config.json or its folder, a .gguf file.",
            show_default=False,
        ),
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Reckon with so many instead of the dataset's.", show_default=False),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A price list: a provider's CSV of gpuhunt, SkyPilot's vms.csv.", show_default=False
        ),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="CARD=USD", help="Your price of a card, an hour; may be repeated.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every card with every method.")] = False,
) -> None:
    """Estimate memory, time and money of a training, for each card and method, before the run.

    Says what would make it fit where it does not, and which card is cheapest for this training.
    """
    from allotment.cli._training_estimate import price_list, print_estimate
    from allotment.training import estimate

    project = run.project()
    cards = price_list(prices, price or ())
    value = estimate(project, run.workspace(), agent_of(project, agent), model=model, cards=cards, tokens=tokens)
    run.show(value, lambda console: print_estimate(console, value, every=every))


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
    from_experiment: Annotated[
        str | None,
        typer.Option(
            "--from-experiment",
            metavar="ID",
            help="Make it from this run of an experiment: EXPERIMENT/RUN, or EXPERIMENT/best.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train an agent's adapter, after a probe of a few steps that says how long it takes and what it costs.

    Nothing is trained again where nothing changed. It is served once it passed the test for leaks: a version that tells
    a role what it may not know, or that cannot be tested, is kept and not served. With `--from-experiment` the run's
    settings are taken, and what it trained if it is here and its dataset is still the same; the manifest says which run
    it was.
    """
    from allotment.cli import _training_show as shown
    from allotment.cli._gate import gate_of
    from allotment.training import run as train

    project = run.project()
    agent_of(project, agent)
    origin = None
    if from_experiment is not None:
        from allotment.experiments import origin_of

        winner = origin_of(project, run.workspace(), from_experiment, agent)
        project, origin = winner.project, winner.origin
    with run.progress() as progress:
        gate = gate_of(project, run.workspace(), progress)
        result = train(project, run.workspace(), agent, progress, gate=gate, max_cost_usd=max_cost, origin=origin)
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
def show_training(run: Run, identity: Identity) -> None:
    """Show an adapter: what it learnt, from which base, with what; all of it under --json and in its report."""
    from allotment.cli import _training_show as shown
    from allotment.cli._training_result import version_of
    from allotment.training import load_manifest

    project, workspace = run.project(), run.workspace()
    manifest = load_manifest(project, workspace, *version_of(project, identity))
    run.show(shown.manifest_value(manifest), lambda console: shown.print_adapter(console, workspace, manifest))


@command(training, "rollback")
def rollback_training(
    run: Run,
    agent: Agent,
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="This version instead of the one before.")
    ] = None,
) -> None:
    """Serve an older version of an agent from the next question on.

    Only a version that is whole, not stale, and passes the test for leaks. Nothing is deleted: `--to` goes forward as
    well.
    """
    from allotment.cli._training_result import roll_back

    roll_back(run, agent, to)


@command(training, "merge")
def merge_training(run: Run, identity: Identity, output: Output) -> None:
    """Write a version as a whole model: merged into the base model it was trained on, which for QLoRA is the 4-bit one.

    The folder is one that transformers and vLLM load. It is sealed, and keeps the version's clearance.
    """
    from allotment.cli._training_result import merge_to

    merge_to(run, identity, output)


@command(training, "export")
def export_training(
    run: Run,
    identity: Identity,
    output: Output,
    engine: Annotated[
        Literal["vllm"] | None, typer.Option("--for", help="Only what this engine loads, and only if it can serve it.")
    ] = None,
    max_rank: Annotated[
        int | None, typer.Option("--max-rank", metavar="N", help="What vLLM's --max-lora-rank is; 16 unless given.")
    ] = None,
) -> None:
    """Copy a version out of the project, with its manifest and whom it may answer."""
    from allotment.cli._training_result import export_to

    export_to(run, identity, output, engine, max_rank)
