"""What cannot be answered from, told before a question is asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.answering import Fault
    from allotment.cli._open import Accounts
    from allotment.cli._run import Run
    from allotment.project import Project


def need_an_answer(run: Run, project: Project, agents: Collection[str]) -> tuple[Fault, ...]:
    """Tell which of these agents cannot answer, and give that back.

    Raises:
        MissingPartError: none of them can, for a model, an adapter or a dataset is not here.
        PolicyError: none of them can, for their adapters are refused.
    """
    from allotment.answering import blocking_error, find_faults

    faults = find_faults(project, run.workspace(), agents)
    blocked = blocking_error(project, agents, faults)
    if blocked is not None:
        raise blocked
    for told in dict.fromkeys(str(fault.error) for fault in faults):
        run.note(f"Cannot be answered from: {told}")
    return faults


def note_faults(run: Run, accounts: Accounts) -> None:
    """Tell which accounts could not be made as declared, or are closed by the self-check."""
    if accounts.fault is not None:
        run.note(str(accounts.fault))
    for problem in accounts.watch.problems():
        run.note(f"Closed: {problem}")
