"""``dataset plan`` and ``dataset generate``: who is asked, and the clients that ask."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from allotment.cli._progress import duration
from allotment.cli._run import Run

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.dataset import DatasetPlan, DatasetStats, Teacher
    from allotment.models import Engines
    from allotment.project import Project

_SAMPLE = 2
"""Requests that are measured unasked where a model costs nothing: two are the fewest that have an error."""


def make_plan(run: Run, project: Project, agent: str, sample: int | None, *, batch: bool) -> DatasetPlan:
    """The plan, after asking ``sample`` requests."""
    from allotment.dataset import plan
    from allotment.models import Engines

    workspace = run.workspace()
    first = plan(project, workspace, agent, batch=batch)
    wanted = _free_sample(project) if sample is None else sample
    if not first.calls or first.measured >= wanted:
        return first
    run.note(f"measuring {wanted} requests; what they write is kept")
    with Engines(project.models.threads) as engines:
        teacher = client_of(project, project.models.teacher, engines)
        return plan(project, workspace, agent, teacher=teacher, sample=wanted, batch=batch)


def make_dataset(
    run: Run,
    project: Project,
    agent: str,
    *,
    max_cost_usd: float | None,
    batch: bool,
    ray: bool,
    address: str | None,
) -> DatasetStats:
    """Generate, with the teacher behind a client, a batch endpoint or a Ray cluster."""
    from allotment.dataset import BatchTeacher, RayTeacher, generate
    from allotment.models import Engines

    workspace, model = run.workspace(), project.models.teacher
    with ExitStack() as held, run.progress() as progress:
        engines = held.enter_context(Engines(project.models.threads))
        teacher: Teacher
        if ray:
            teacher = held.enter_context(RayTeacher(project.models, model, address))
        elif batch:
            teacher = BatchTeacher(model, workspace.dataset_dir(agent))
        else:
            teacher = client_of(project, model, engines)
        judge = client_of(project, project.dataset.judge, engines) if project.dataset.judge else None
        return generate(
            project, workspace, agent, teacher, progress, judge=judge, max_cost_usd=max_cost_usd, batch=batch
        )


def client_of(project: Project, model: str, engines: Engines) -> Teacher:
    """The client of a model, within the project's limits for it."""
    from allotment.models import open_client

    return open_client(model, engines, project.models.limits.get(model))


def print_plan(console: Console, plan: DatasetPlan) -> None:
    """What it will take, in a few lines; what is not known is said to be unknown."""
    from rich.text import Text

    for line in (
        f"{plan.agent}: {plan.calls} calls to {plan.model} for {plan.sections} sections; {plan.done} are done",
        f"tokens: {plan.prompt_tokens:,} to read, {plan.completion_tokens:,} to write",
        f"time: {_time(plan)}",
        f"price: {_price(plan)}",
        f"error: {_error(plan)}",
    ):
        console.print(Text(line))


def _time(plan: DatasetPlan) -> str:
    if plan.minutes is None:
        return "unknown, because nothing was measured; add --sample 2"
    return duration(round(plan.minutes * 60))


def _price(plan: DatasetPlan) -> str:
    if plan.price_usd is None:
        return "unknown; write the model's prices under models.prices in allotment.yaml"
    if plan.price_as_of is None:
        return f"{plan.price_usd:.2f} USD"
    return f"{plan.price_usd:.2f} USD, at prices of {plan.price_as_of}"


def _error(plan: DatasetPlan) -> str:
    if plan.error_share is None:
        return "unknown; lengths are estimated at four characters a token"
    return f"± {plan.error_share:.0%} (95 %), from {plan.measured} measured requests"


def print_stats(console: Console, stats: DatasetStats) -> None:
    """Counts as a table, one row for each kind of request; then what the dataset holds."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("asked for", "asked", "accepted", "rejected", "failed"):
        table.add_column(column)
    for kind, counts in stats.kinds.items():
        reasons = (_reasons(counts.rejected), _reasons(counts.failed))
        table.add_row(kind, str(counts.asked), str(counts.accepted), *(Text(text) for text in reasons))
    console.print(table)
    console.print(
        Text(f"{stats.train} items to train on, {stats.held_out} held out, {stats.validation} for validation")
    )
    console.print(Text(f"kinds: {_reasons(stats.items)}"))
    if stats.dropped:
        console.print(Text(f"single wordings dropped: {_reasons(stats.dropped)}"))
    if any(stats.reviewed.values()):
        console.print(Text(f"reviewed: {_reasons(stats.reviewed)}"))


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"


def _free_sample(project: Project) -> int:
    from allotment.models import is_present, is_server

    model = project.models.teacher
    return _SAMPLE if not is_server(model) and is_present(model) else 0
