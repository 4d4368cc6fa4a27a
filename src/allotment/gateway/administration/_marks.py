"""What users said of their answers: a person approves it for those who learn from it, or rejects it.

A mark's words, the question and the note, may hold whatever the role of its user reaches. They are shown to those who
reach that as well, and nobody else can approve or reject it: what is approved unread is learnt unread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.feedback import LABELS, USES, Label, Use
from allotment.gateway.administration._door import AdminGrant, Door, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.feedback import Approval, FeedbackReview, Reviewed, State
from allotment.gateway.wording import Message, say
from allotment.project import Project
from allotment.training.record._shown import visible

_Choice = TypeVar("_Choice", Use, Label)
MOST = 100
"""Marks of one page."""
NOT_FOR_YOU = say("The words of this mark may hold what your role may not read.")


@dataclass(frozen=True)
class MarkView:
    """A mark as the page shows it to somebody."""

    seen: Reviewed
    readable: bool
    question: str
    note: str
    agents: tuple[str, ...]
    """Agents of the role that asked; one of them may be named."""


class Marks:
    """What an administrator sees and does about marks."""

    def __init__(self, project: Project, review: FeedbackReview, door: Door) -> None:
        self._project = project
        self._review = review
        self._door = door

    def page(self, grant: AdminGrant, state: State) -> tuple[MarkView, ...]:
        """The newest marks in a state.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        require_admin(grant, "feedback")
        return tuple(self._view(grant.principal, seen) for seen in self._review.entries(state, MOST))

    def approve(
        self, grant: AdminGrant, decision: int, *, mark: str, use: str, agent: str, label: str, text: str
    ) -> None:
        """Let somebody learn from a mark; approved twice it is learnt once.

        Raises:
            AdminFault: it is not there, not for this role, was changed meanwhile, or what is said does not fit.
        """
        seen = self._seen(grant, decision)
        if seen.state == "approved" and seen.mark.id == mark:
            return
        fault = _fault(seen, mark, use, agent, label, text)
        if fault is not None:
            raise AdminFault(fault)
        approval = Approval(
            use=_one_of(use, USES),
            label=_one_of(label, LABELS),
            agent=agent or None,
            text=text.strip() or None,
            mark=mark,
        )
        try:
            self._review.approve(decision, grant.principal, approval)
        except ProjectError as error:
            raise AdminFault(say("It could not be approved: %(why)s", why=error.message), status=409) from error

    def reject(self, grant: AdminGrant, decision: int, reason: str) -> None:
        """Let nobody learn from a mark; rejected twice is as once. Errors as ``approve``."""
        seen = self._seen(grant, decision)
        if seen.state == "rejected":
            return
        try:
            self._review.reject(decision, grant.principal, reason.strip()[:500])
        except ProjectError as error:
            raise AdminFault(say("It could not be rejected: %(why)s", why=error.message), status=409) from error

    def _seen(self, grant: AdminGrant, decision: int) -> Reviewed:
        require_admin(grant, "feedback", "change")
        try:
            seen = self._review.show(decision)
        except ProjectError:
            raise AdminFault(say("There is no such mark."), status=404) from None
        if not self._reads(grant.principal, seen):
            raise AdminFault(NOT_FOR_YOU, status=403)
        return seen

    def _reads(self, principal: Principal, seen: Reviewed) -> bool:
        policy = self._door.policy
        agent = seen.asked.agent if seen.asked else None
        return policy.reads_words_of(principal, seen.mark.user, seen.mark.role) and (
            agent is None or policy.reads_agent(principal, agent)
        )

    def _view(self, principal: Principal, seen: Reviewed) -> MarkView:
        readable = self._reads(principal, seen)
        return MarkView(
            seen,
            readable,
            visible(seen.question or "") if readable else "",
            visible(seen.mark.note) if readable else "",
            self._door.policy.policy.entitled(seen.mark.role),
        )


def _fault(seen: Reviewed, mark: str, use: str, agent: str, label: str, text: str) -> Message | None:
    """What is wrong with what is said of a mark; the review's own check is the last word."""
    if seen.mark.id != mark:
        return say("The user changed this mark meanwhile. Load the page again.")
    if use not in USES:
        return say("Choose who learns from it.")
    if use == "guards" and label not in LABELS:
        return say("Choose what it is to the guards.")
    if use != "guards" and not agent:
        return say("Choose the agent.")
    if not text.strip() and seen.question is None:
        return say("The record keeps no words of it. Write what is to be learnt.")
    return None


def _one_of(text: str, known: tuple[_Choice, ...]) -> _Choice | None:
    return next((one for one in known if one == text), None)
