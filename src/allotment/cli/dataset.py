"""``allotment dataset``: questions and answers from the sections, one dataset per agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._run import Run

dataset = group("dataset", "Questions and answers made from the sections.")
_FORMATS = "messages|alpaca|sharegpt|prompt-completion|parquet"
_SPLITS = "train|validation|held_out|all"
Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")]


@command(dataset, "plan")
def plan_dataset(
    run: Run,
    agent: Agent,
    sample: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Ask N requests now and measure them; 2 where the model costs nothing and is here, else none.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Reckon with the price of a batch endpoint.")] = False,
) -> None:
    """Show what a dataset will take, before anything is spent.

    Calls, tokens, time and price, with the error of a measured sample. What the sample wrote is kept.
    """
    from allotment.cli._dataset_make import make_plan, print_plan

    project = run.project()
    value = make_plan(run, project, agent_of(project, agent), sample, batch=batch)
    run.show(value, lambda console: print_plan(console, value))


@command(dataset, "generate")
def generate_dataset(
    run: Run,
    agent: Agent,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", help="Stop before more than this is spent.", show_default=False),
    ] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="Send requests to the provider's batch endpoint; leave and come back.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(metavar="local|ray", help="Where requests are sent from.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The Ray cluster; without it one on this machine.", show_default=False),
    ] = None,
) -> int:
    """Write the dataset of an agent.

    What was written before is kept and not paid for again.
    """
    from allotment.cli._dataset_make import make_dataset, print_stats

    project = run.project()
    name = agent_of(project, agent)
    value = make_dataset(run, project, name, max_cost_usd=max_cost, batch=batch, ray=engine == "ray", address=address)
    run.show(value, lambda console: print_stats(console, value))
    return 1 if value.failed else 0


@command(dataset, "stats")
def dataset_stats(run: Run, agent: Agent) -> None:
    """Show the counts of a dataset.

    Asked, accepted, rejected and why, failed and why.
    """
    from allotment.cli._dataset_make import print_stats
    from allotment.dataset import stats

    project = run.project()
    value = stats(run.workspace(), agent_of(project, agent))
    run.show(value, lambda console: print_stats(console, value))


@command(dataset, "export")
def export_dataset(
    run: Run,
    agent: Agent,
    form: Annotated[
        Literal["messages", "alpaca", "sharegpt", "prompt-completion", "parquet"],
        typer.Option("--format", metavar=_FORMATS, help="The form other trainers read."),
    ] = "messages",
    split: Annotated[
        Literal["train", "validation", "held_out", "all"],
        typer.Option(metavar=_SPLITS, help="Which part; all: one file for each, in a folder."),
    ] = "train",
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="A file (.jsonl, .parquet), or a folder that gets the card too.",
            show_default=False,
        ),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the dataset card alone.")] = False,
    with_sources: Annotated[
        bool, typer.Option("--with-sources", help="Put each section's text into the metadata.")
    ] = False,
) -> None:
    """Write a part of a dataset for another trainer.

    Without --output one JSON object a line to stdout, one array with --json; parquet needs a file. Held-out questions
    and validation items never stand in a file with what is trained on.
    """
    from allotment.cli._dataset_export import export_to

    project = run.project()
    export_to(run, project, agent_of(project, agent), form, split, output, card=card, with_sources=with_sources)


@command(dataset, "review")
def review_dataset(
    run: Run,
    agent: Agent,
    kind: Annotated[
        Literal["question", "paraphrase", "reverse", "rewrite", "text", "unknown", "general"] | None,
        typer.Option(metavar="KIND", help="Only pairs of this kind: question, paraphrase, reverse and so on."),
    ] = None,
    document: Annotated[str | None, typer.Option(metavar="PATH", help="Only pairs of this document.")] = None,
    everything: Annotated[
        bool | None,
        typer.Option("--all/--undecided", "--again", help="Whether decided pairs come too; they do in a file."),
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only so many, always the same ones.")] = None,
    flagged: Annotated[
        bool, typer.Option("--flagged", help="Only pairs near to questions whose answers users called wrong.")
    ] = False,
    reviewer: Annotated[str, typer.Option(metavar="NAME", help="Who decides.", show_default=False)] = "",
    write_to: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the pairs to a .csv or .jsonl file.")
    ] = None,
    read_from: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take the decisions of such a file.")
    ] = None,
) -> None:
    """Accept, edit or reject what the teacher wrote, one pair after another.

    Decisions are kept at once and hold when the dataset is made anew. Without a terminal the pairs are written to
    stdout, one JSON object a line.
    """
    from allotment.cli._dataset_review import review

    project = run.project()
    chosen = {"kind": kind, "document": document, "sample": sample, "flagged": flagged}
    review(run, project, agent_of(project, agent), chosen, everything, reviewer, write_to, read_from)
