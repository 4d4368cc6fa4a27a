"""``allotment ask``: one question from the terminal, through the same chain as the web."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._names import agent_of
from allotment.cli._open import open_chain
from allotment.cli._run import Run, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.answering import Answer

_EXIT_CODE = {"answered": 0, "unknown": 0, "refused": 3, "failed": 1}


@command(app, "ask")
def ask(
    run: Run,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in any language.")],
    user: Annotated[str, typer.Option(help="Who asks; the role kept for the user decides what is reached.")],
    agent: Annotated[str | None, typer.Option(help="Ask this agent; none leaves it to the router.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each decision on the way.")] = False,
) -> int:
    """Ask one question as a user, through the whole chain.

    Guard, route, authorize, answer, audit: the same chain as the web. Exit code 3 where the question is refused.
    """
    if agent is not None:
        agent_of(run.project(), agent)
    with open_chain(run.folder) as opened:
        answer = opened.chain.answer(opened.state.principal(user), question, agent=agent)
    run.show(answer, lambda console: _print(console, answer, explain))
    return _EXIT_CODE[answer.outcome]


def _print(console: Console, answer: Answer, explain: bool) -> None:
    console.print(answer.text, markup=False)
    if answer.table is not None:
        print_table(console, answer.table.columns, answer.table.rows, "No rows.")
    if answer.sql:
        console.print(f"\nSQL: {answer.sql}", markup=False)
    for source in answer.sources:
        console.print(f"Source: {source.document}, {source.heading}", markup=False)
    console.print("\n" + _origin(answer), markup=False, style="dim")
    if explain:
        print_table(console, ("step", "why"), answer.explanation, "Nothing was decided.")


def _origin(answer: Answer) -> str:
    parts = (
        ("agent", answer.agent),
        ("adapter", answer.adapter),
        ("account", answer.account),
        ("record", answer.record),
    )
    named = [f"{name} {value}" for name, value in parts if value is not None]
    return ", ".join([answer.outcome, *named, f"{answer.seconds:.1f} s"])
