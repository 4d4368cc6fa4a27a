"""``allotment dataset``: questions and answers from the sections, one dataset per agent."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._run import Run, print_fields

dataset = group("dataset", "Questions and answers made from the sections.")

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")]


@command(dataset, "plan")
def plan_dataset(run: Run, agent: Agent) -> None:
    """Show what a dataset will take, before anything is spent."""
    from allotment.dataset import plan

    project = run.project()
    value = plan(project, run.workspace(), agent_of(project, agent))
    run.show(value, lambda console: print_fields(console, value))


@command(dataset, "generate")
def generate_dataset(run: Run, agent: Agent) -> int:
    """Write the dataset of an agent.

    What was written before is kept and not paid for again.
    """
    from allotment.dataset import generate
    from allotment.models import Engines

    project, workspace = run.project(), run.workspace()
    agent_of(project, agent)
    with Engines(project.models.threads) as engines:
        teacher = engines.get(project.models.teacher)
        with run.progress() as progress:
            value = generate(project, workspace, agent, teacher, progress)
    run.show(value, lambda console: print_fields(console, value))
    return 1 if value.failed else 0


@command(dataset, "stats")
def dataset_stats(run: Run, agent: Agent) -> None:
    """Show the counts of a dataset.

    Asked, accepted, rejected and why, failed and why.
    """
    from allotment.dataset import stats

    project = run.project()
    value = stats(run.workspace(), agent_of(project, agent))
    run.show(value, lambda console: print_fields(console, value))


@command(dataset, "export")
def export_dataset(
    run: Run,
    agent: Agent,
    form: Annotated[
        Literal["messages", "alpaca", "sharegpt"],
        typer.Option("--format", metavar="messages|alpaca|sharegpt", help="The form other trainers read."),
    ] = "messages",
) -> None:
    """Write a dataset's training part for another trainer.

    One JSON object a line; one array with --json.
    """
    from allotment.dataset import export, load_items

    project = run.project()
    items = [item for item in load_items(run.workspace(), agent_of(project, agent)) if item.split == "train"]
    rows = export(items, form)
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    run.show(rows, lambda console: console.out(lines, highlight=False))
