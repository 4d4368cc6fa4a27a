"""People look at what the teacher wrote: which pairs they are shown, and what becomes of their decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from allotment.dataset._decisions import Decision, decision_key, record_decisions
from allotment.dataset._items import load_candidates, save_reviewed, stats
from allotment.dataset._text import contains
from allotment.dataset._types import DatasetStats, Item, Kind
from allotment.errors import DatasetError
from allotment.workspace import Workspace

CheckEdit = Callable[[Item, str, str], str]
"""Item, new question, new answer → what is wrong with them; empty if nothing is."""


def select_pairs(
    items: Iterable[Item], *, kind: Kind | None = None, document: str | None = None, sample: int | None = None
) -> list[Item]:
    """Items to be reviewed, in their order.

    Args:
        sample: at most so many, chosen by hash: the same ones in every run, whatever was decided in between.
    """
    found = [item for item in items if kind in (None, item.kind) and document in (None, item.document)]
    if sample is None or sample >= len(found):
        return found
    chosen = sorted(range(len(found)), key=lambda number: (decision_key(found[number]), number))[:sample]
    return [found[number] for number in sorted(chosen)]


def edit_fault(item: Item, question: str, answer: str) -> str:
    """What makes an edit unusable; empty if nothing does."""
    if not question.strip():
        return "the question is empty"
    if not answer.strip():
        return "the answer is empty"
    if item.is_fact and not contains(answer, item.value):
        return f"the answer no longer contains the value {item.value!r}"
    return ""


def decide(
    workspace: Workspace, agent: str, item: Item, decision: Decision, *, check_edit: CheckEdit = edit_fault
) -> bool:
    """Write one decision about ``item`` (as it was made) into the ledger; false if just that stands there already.

    Raises:
        DatasetError: an edit fails ``check_edit``; nothing is written.
    """
    return decide_all(workspace, agent, [(item, decision)], check_edit=check_edit) == 1


def decide_all(
    workspace: Workspace, agent: str, decided: Iterable[tuple[Item, Decision]], *, check_edit: CheckEdit = edit_fault
) -> int:
    """As ``decide``; all are checked before the first is written. How many were written."""
    checked = list(decided)
    for item, decision in checked:
        fault = check_edit(item, decision.question, decision.answer) if decision.outcome == "edit" else ""
        if fault:
            raise DatasetError(f"{fault}.", element=f"pair {item.id}", remedy="Word it anew, or reject the pair.")
    return record_decisions(workspace, agent, checked)


def refresh(workspace: Workspace, agent: str) -> DatasetStats:
    """Apply every decision to the stored candidates: items and counts are brought up to date without a teacher."""
    with workspace.lock(f"dataset-{agent}"):
        return save_reviewed(workspace, agent, load_candidates(workspace, agent), stats(workspace, agent))
