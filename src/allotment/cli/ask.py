"""``allotment ask``: one question from the terminal, through the same chain as the web."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._faults import need_an_answer, note_faults
from allotment.cli._names import agent_of
from allotment.cli._open import open_chain
from allotment.cli._run import Run, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.answering import Answer, Fault

_EXIT_CODE = {"answered": 0, "unknown": 0, "refused": 3, "failed": 1}


@command(app, "ask")
def ask(
    run: Run,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in any language.")],
    user: Annotated[str, typer.Option(help="Who asks; the role kept for the user decides what is reached.")],
    agent: Annotated[str | None, typer.Option(help="Ask this agent; none leaves it to the router.")] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(metavar="QUESTION", help="An earlier question, for one that follows it; oldest first."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each decision on the way.")] = False,
) -> int:
    """Ask one question as a user, through the whole chain.

    Guard, route, authorize, answer, audit: the same chain as the web. Exit code 3 where the question is refused;
    4 where a model or an adapter that is needed for the answer is not here.
    """
    if agent is not None:
        agent_of(run.project(), agent)
    with open_chain(run.folder) as opened:
        note_faults(run, opened.accounts)
        principal = opened.state.principal(user)
        entitled = [info.name for info in opened.chain.agents_for(principal)]
        faults = need_an_answer(run, opened.project, [name for name in entitled if agent in (None, name)])
        answer = opened.chain.answer(principal, question, agent=agent, earlier=after or ())
    run.show(answer, lambda console: _print(console, answer, explain))
    return _exit_code(answer, faults)


def _exit_code(answer: Answer, faults: tuple[Fault, ...]) -> int:
    """Where nothing was found and an agent that might know it cannot answer, the fault counts."""
    if answer.outcome in ("unknown", "failed") and faults:
        from allotment.answering import worst_error

        return worst_error(faults).exit_code
    return _EXIT_CODE[answer.outcome]


def _print(console: Console, answer: Answer, explain: bool) -> None:
    # The text of several rows has them as a Markdown table, which is printed as a table below.
    several = answer.table is not None and len(answer.table.rows) > 1 and len(answer.table.columns) > 1
    console.print(answer.text.partition("\n\n")[0] if several else answer.text, markup=False)
    if answer.table is not None:
        print_table(console, answer.table.columns, answer.table.rows, "No rows.")
    if answer.sql:
        console.print(f"\n{'SQL' if answer.table else 'Refused SQL'}: {answer.sql}", markup=False)
    for source in answer.sources:
        console.print(f"Source: {source.document}, {source.heading}", markup=False)
    if answer.places:
        console.print("\nNot an answer, but places to look:", markup=False)
    for place in answer.places:
        console.print(f"{place.document}, {place.heading}: “{place.quote}”", markup=False)
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
