"""``allotment routing``: which entitled agent would answer, and why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command, group
from allotment.cli._jsonl import read_texts, write_lines
from allotment.cli._names import agent_of, known, role_principal
from allotment.cli._run import Run, print_fields
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.access import Policy
    from allotment.answering import Knowledge
    from allotment.audit import AuditLog
    from allotment.project import Project
    from allotment.routing import Asked, Evaluation, Outcome, Recorded, RoleDrift, Trained

_MOST_RECORDS = 50_000
"""Records of one kind that are looked at, the newest ones."""

routing = group("routing", "Which entitled agent answers.")


@command(routing, "check")
def check_route(
    run: Run,
    role: Annotated[str, typer.Option(help="The role of the one who asks.")],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The question.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help='File of {"text": ...} lines; writes one line for each.')] = None,
) -> None:
    """Show which of a role's agents would answer, and why."""

    if (text is None) == (jsonl is None):
        raise ProjectError("give exactly one of TEXT and --jsonl FILE.")
    project = run.project()
    asking = role_principal(project, role)
    policy, knowledge = _open(run, project, [role])
    if len(agents := policy.entitled(role)) > 1 and not knowledge.router.is_trained(agents, role):
        run.note("The usual numbers are used: these agents were not trained together, or changed since."
                 " `allotment routing train` fits them.")  # fmt: skip
    if jsonl is not None:
        write_lines(run, (_line(knowledge.route(asking, row["text"], None)) for row in read_texts(jsonl)))
        return
    value = _line(knowledge.route(asking, str(text), None))
    run.show(value, lambda console: print_fields(console, value))


@command(routing, "train")
def train(run: Run) -> None:
    """Fit the router's numbers to the questions each agent was made for.

    Each set of agents that a role is entitled to is measured on its own questions, each where it was not learnt. What
    is kept is a handful of numbers for each, sealed and bound to exactly these questions; agents that change go back
    to the usual numbers until this runs again. Approved items of `allotment feedback` count for the roles that may
    read them.
    """
    project = run.project()
    policy, knowledge = _open(run, project, project.roles)
    from allotment.routing import save_trained

    roles = [role for role in sorted(project.roles) if len(policy.entitled(role)) > 1]
    fitted: dict[str, Trained] = {}
    with run.progress() as progress:
        for number, role in enumerate(roles):
            progress("training", number, len(roles))
            agents = policy.entitled(role)
            if (seal := knowledge.router.seal(agents, role)) in fitted:
                continue
            if (one := knowledge.router.train(agents, role)) is not None:
                fitted[seal] = one
    found = list(fitted.values())
    save_trained(run.workspace(), found)
    rows = [
        (", ".join(one.agents), one.questions, *map(_percent, (one.right, one.rejected, one.outside_found)))
        for one in found
    ]
    columns = ("agents", "held-out questions", "right", "taken for nobody's", "nobody's found")
    run.show_table(columns, rows, found, "No role has more than one agent, so there is nothing to learn.")


@command(routing, "evaluate")
def evaluate_routes(
    run: Run,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help='Lines of {"text", "role", "agent"}.')],
) -> None:
    """Measure the router on questions whose agent is known.

    A line is an object with "text" and "role"; "agent" names who has to answer, null where nobody of this role knows,
    and "means" (adapter or account) by what. A line without "agent" counts for time and drift only: whether questions
    of late lie farther from the agents' own than the training's held-out ones did.
    """
    project = run.project()
    asked = [_asked(project, row, f"{file}") for file in files for row in read_texts(file)]
    policy, knowledge = _open(run, project, {one.role for one in asked})
    from allotment.routing import evaluate_router, load_trained

    found = evaluate_router(knowledge.router, policy, asked, load_trained(run.workspace()).values())
    run.show(found, lambda console: _print(console, found))


@command(routing, "drift")
def show_drift(
    run: Run,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days of a period.")] = 30,
) -> int:
    """Compare how questions were routed of late with the period before, and with the training.

    From the audit record's numbers: how near questions lay to what the agents learnt, how many were nobody's, and who
    got them. Exit code 1 where that changed beyond chance.
    """
    from allotment.cli._open import open_state
    from allotment.routing import load_trained, role_drift

    project = run.project()
    roles = sorted(project.roles)
    policy, knowledge = _open(run, project, roles)
    with open_state(project, run.workspace()) as state:
        now, before = _periods(state.audit, days)
    trained = load_trained(run.workspace()).values()
    found = [
        role_drift(role, now, before, knowledge.router.fitted(trained, agents, role))
        for role in roles
        if len(agents := policy.entitled(role)) > 1
    ]
    run.show(found, lambda console: _print_drift(console, found))
    return 1 if any(one.changed for one in found) else 0


def _periods(audit: AuditLog, days: int) -> tuple[list[Recorded], list[Recorded]]:
    """Questions of the last days, and of as many before."""
    from datetime import UTC, datetime, timedelta

    from allotment.audit import Filter
    from allotment.routing import recorded

    today = datetime.now(UTC)
    middle, first = today - timedelta(days=days), today - timedelta(days=2 * days)
    found = [
        record
        for kind in ("answered", "unknown", "failed")
        for record in audit.records(_MOST_RECORDS, Filter(kind=kind, since=first))
    ]
    now, before = (
        recorded(record.event for record in found if (record.at >= middle) is late) for late in (True, False)
    )
    return now, before


def _print_drift(console: Console, found: list[RoleDrift]) -> None:
    from allotment.cli._run import print_table

    columns = ("role", "period", "questions", "median", "far from examples", "nobody's", "went to")
    rows: list[tuple[object, ...]] = []
    for one in found:
        median = None if one.trained_median is None else f"{one.trained_median:.2f}"
        rows.append((one.role, "training", None, median, "10.0 %", _percent(one.trained_nobody), None))
        for name, period in (("before", one.before), ("now", one.now)):
            if period is not None:
                went = ", ".join(f"{to} {_percent(share)}" for to, share in period.routes.items())
                numbers = (period.questions, f"{period.median:.2f}", _percent(period.low), _percent(period.nobody))
                rows.append((one.role, name, *numbers, went))
    print_table(console, columns, rows, "No role has more than one agent, so there is nothing to route.")
    for one in found:
        console.print(f"{one.role}: {'; '.join([*one.changed, one.advice])}", markup=False, soft_wrap=True)


def _open(run: Run, project: Project, roles: Iterable[str]) -> tuple[Policy, Knowledge]:
    from allotment.access import Policy
    from allotment.answering import Knowledge
    from allotment.dataset import load_items

    policy = Policy.of(project)
    for agent in sorted({agent for role in roles for agent in policy.entitled(role)}):
        load_items(run.workspace(), agent)  # one without a dataset is an error here, not an agent that knows nothing
    return policy, Knowledge(project, run.workspace(), policy)


def _asked(project: Project, row: dict[str, Any], place: str) -> Asked:
    from allotment.routing import Asked

    role, agent, means = row.get("role"), row.get("agent"), row.get("means")
    if not isinstance(role, str) or not isinstance(agent, str | None) or means not in (None, "adapter", "account"):
        raise ProjectError('a line needs "text" and "role", and "agent" or null.', element=place, remedy="Mend it.")
    known("role", role, project.roles)
    if agent is not None:
        agent_of(project, agent)
    return Asked(row["text"], role, agent, means, labelled="agent" in row)


def _print(console: Console, found: Evaluation) -> None:
    from allotment.cli._run import print_table

    shares = ("agent_right", "right", "asked", "rejected", "outside_found")
    fields = {name: _percent(getattr(found, name)) for name in shares}
    print_fields(console, {"questions": found.questions, **fields, "p50_ms": found.p50_ms, "p95_ms": found.p95_ms})
    for role, drift in found.drift.items():
        told = "lower than the held-out ones" if drift.lower else "as near as the held-out ones"
        console.print(f"drift of {role}: {drift.below} of {drift.questions} questions lie low, {told}", markup=False)
    rows = [(one.question.role, one.question.text, one.question.agent or "nobody", one.got) for one in found.missed]
    if rows:
        print_table(console, ("role", "question", "expected", "got"), rows, "")


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} %"


def _line(route: Outcome) -> dict[str, Any]:
    from allotment.routing import Route

    if not isinstance(route, Route):
        why = "no entitled agent clearly matches" if route is None else f"the user is asked: {route.why}"
        return {"agent": None, "means": None, "score": 0.0, "why": why, "runner_up": None, "runner_up_score": None}
    return {
        "agent": route.agent,
        "means": route.means,
        "score": route.score,
        "why": route.why,
        "runner_up": route.runner_up,
        "runner_up_score": route.runner_up_score,
    }
