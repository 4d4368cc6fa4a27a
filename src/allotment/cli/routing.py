"""``allotment routing``: which entitled agent would answer, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command, group
from allotment.cli._jsonl import read_texts, write_lines
from allotment.cli._names import role_principal
from allotment.cli._run import Run, print_fields
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.routing import Route

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
    from allotment.access import Policy
    from allotment.answering import Knowledge
    from allotment.dataset import load_items

    policy = Policy.of(project)
    for agent in policy.entitled(role):
        load_items(run.workspace(), agent)  # one without a dataset is an error here, not an agent that knows nothing
    knowledge = Knowledge(project, run.workspace(), policy)
    if jsonl is not None:
        write_lines(run, (_line(knowledge.route(asking, row["text"], None)) for row in read_texts(jsonl)))
        return
    value = _line(knowledge.route(asking, str(text), None))
    run.show(value, lambda console: print_fields(console, value))


def _line(route: Route | None) -> dict[str, Any]:
    if route is None:
        return {
            "agent": None,
            "means": None,
            "score": 0.0,
            "why": "no entitled agent clearly matches",
            "runner_up": None,
        }
    return {
        "agent": route.agent,
        "means": route.means,
        "score": route.score,
        "why": route.why,
        "runner_up": route.runner_up,
    }
