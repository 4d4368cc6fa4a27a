"""``allotment feedback``: what users said of their answers, and what is learnt from it."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from allotment.cli._app import command, group
from allotment.cli._run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from allotment.access import Principal
    from allotment.feedback import Decided
    from allotment.gateway import FeedbackReview, Reviewed

feedback = group("feedback", "What users said of their answers, and what is learnt from it.")

Number = Annotated[int, typer.Argument(metavar="DECISION", min=1, help="Number of the decision that was marked.")]
Reviewer = Annotated[str, typer.Option(metavar="NAME", help="Who decides; none: your login.", show_default=False)]


@command(feedback, "list")
def list_marks(
    run: Run,
    state: Annotated[
        Literal["open", "approved", "rejected", "all"],
        typer.Option(metavar="open|approved|rejected|all", help="Which marks."),
    ] = "open",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most marks to show.")] = 100,
) -> None:
    """List what users marked, newest first, with what each mark would teach."""
    with _review(run) as review:
        found = review.entries(None if state == "all" else state, limit)
        left_behind = review.left_behind() if state in ("approved", "all") else {}
    if left_behind:
        numbers = ", ".join(map(str, sorted(left_behind)))
        run.note(
            f"Approved before, and still learnt, though the mark is gone: {numbers}. `feedback reject` takes one back."
        )
    rows = [
        (
            one.mark.decision,
            one.state,
            one.mark.verdict,
            f"{one.mark.user} ({one.mark.role})",
            one.proposal.use or "nobody",
            one.question if one.question is not None else "(words not kept)",
            one.mark.note,
        )
        for one in found
    ]
    columns = ("decision", "state", "verdict", "user", "for", "question", "note")
    run.show_table(columns, rows, [_value(one) for one in found], f"No marks are {state}.")


@command(feedback, "show")
def show_mark(run: Run, decision: Number) -> None:
    """Show one mark: what was asked, what became of it, what the user says, and what it would teach."""
    with _review(run) as review:
        value = _value(review.show(decision))
    rows = [(name.replace("_", " "), _line(content)) for name, content in value.items()]
    run.show_table(("", ""), rows, value, "")


@command(feedback, "approve")
def approve_mark(
    run: Run,
    decision: Number,
    use: Annotated[
        Literal["guards", "routing", "dataset"] | None,
        typer.Option("--as", metavar="guards|routing|dataset", help="Who learns from it.", show_default=False),
    ] = None,
    label: Annotated[
        Literal["allow", "injection", "impersonation"] | None,
        typer.Option(metavar="allow|injection|impersonation", help="What it is to the guards.", show_default=False),
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Whose question it is.", show_default=False)] = None,
    means: Annotated[
        Literal["adapter", "account"] | None,
        typer.Option(metavar="adapter|account", help="By what the agent answers it.", show_default=False),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Other words for the question.", show_default=False)] = None,
    readers: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="A role that may read the text too; repeat it.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Every role may read the text.")] = False,
    reviewer: Reviewer = "",
) -> None:
    """Make a labelled item of a mark. It is learnt at the next training, and nothing is before.

    What is left out is taken from what the mark proposes. The text may be read by the role that asked and by nobody
    else, and what other roles use learns nothing from it, unless you say who may read it.
    """
    from allotment.gateway import Approval

    project = run.project()
    wider = sorted(project.roles) if everyone else readers
    wanted = Approval(use=use, label=label, agent=agent, means=means, text=text, readers=wider)
    with _review(run) as review:
        found = review.approve(decision, _who(reviewer), wanted)
    _tell(run, found)


@command(feedback, "reject")
def reject_mark(
    run: Run,
    decision: Number,
    reason: Annotated[str, typer.Option(help="Why.", show_default=False)] = "",
    reviewer: Reviewer = "",
) -> None:
    """Let nobody learn from a mark. One that was approved is taken back, for the next training."""
    with _review(run) as review:
        found = review.reject(decision, _who(reviewer), reason)
    _tell(run, found)


@contextmanager
def _review(run: Run) -> Iterator[FeedbackReview]:
    from allotment.cli._feedback import open_review
    from allotment.cli._open import open_state

    with open_state(run.project(), run.workspace()) as state, open_review(state, run.workspace()) as review:
        yield review


def _who(reviewer: str) -> Principal:
    from allotment.access import Principal

    return Principal(reviewer or f"{getpass.getuser()} (command line)", "")


def _value(one: Reviewed) -> dict[str, Any]:
    return {
        "decision": one.mark.decision,
        "state": one.state,
        "verdict": one.mark.verdict,
        "user": one.mark.user,
        "role": one.mark.role,
        "question": one.question,
        "follows": one.asked.after if one.asked else None,
        "became": one.asked.became if one.asked else None,
        "answered_by": one.asked.agent if one.asked else None,
        "checks": dict(one.asked.checks) if one.asked else {},
        "should_be": one.mark.agent,
        "note": one.mark.note,
        "marked_at": one.mark.marked_at.isoformat(),
        "proposal": {
            "for": one.proposal.use,
            "agent": one.proposal.agent,
            "means": one.proposal.means,
            "label": one.proposal.label,
            "why": one.proposal.why,
        },
        "decided": one.decided.model_dump(mode="json") if one.decided else None,
    }


def _line(content: Any) -> str:
    if isinstance(content, dict):
        return "; ".join(f"{name}: {item}" for name, item in content.items() if item is not None)
    return "" if content is None else str(content)


_NEXT = {
    "guards": "Learnt by the next `allotment guards train`.",
    "routing": "Learnt when `serve` starts or reloads, and by `allotment routing train`.",
    "dataset": "Shown by `allotment dataset review {agent} --flagged`.",
}


def _tell(run: Run, found: Decided) -> None:
    item = found.item
    told = f"Decision {found.decision}: {'approved' if item else 'rejected'} by {found.by} (record {found.record})."
    if item is not None:
        told += f" For {item.use}; may be read by {', '.join(item.readers)}. {_NEXT[item.use].format(agent=item.agent)}"
    run.show(found.model_dump(mode="json"), lambda console: console.print(told, markup=False, soft_wrap=True))
