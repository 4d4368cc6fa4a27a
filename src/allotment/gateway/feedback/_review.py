"""``FeedbackReview``: a person lists marks, and turns each into a labelled item or rejects it.

For the command line and for a page of administrators. It holds no rights of its own: whoever has it may read the
question behind every mark.
"""

from __future__ import annotations

from datetime import UTC, datetime

from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.feedback import Decided, FeedbackLedger
from allotment.gateway._recorder import Recorder
from allotment.gateway.feedback._asked import Asked, asked_of
from allotment.gateway.feedback._labelling import PAGE, Approval, Labelling, MeansOf, Reviewed, State
from allotment.gateway.feedback._marking import Find
from allotment.gateway.feedback._propose import Proposal, propose
from allotment.gateway.feedback._store import Mark, MarkStore
from allotment.project import Project
from allotment.routing import standalone

LISTED = 500


class FeedbackReview:
    """Marks, their questions, and the ledger of what was decided. Thread-safe, and safe with others beside it."""

    def __init__(
        self,
        project: Project,
        store: MarkStore,
        ledger: FeedbackLedger,
        find: Find,
        record: Recorder,
        means_of: MeansOf,
    ) -> None:
        """
        Args:
            project: names the roles and agents there are.
            store: the marks.
            ledger: what was decided about them.
            find: gives audit records by their numbers.
            record: writes to the audit record.
            means_of: by what an agent would answer a question, where nobody says it.
        """
        self._project = project
        self._labelling = Labelling(project, means_of)
        self._store = store
        self._ledger = ledger
        self._find = find
        self._record = record

    def entries(self, state: State | None = None, limit: int = LISTED) -> list[Reviewed]:
        """The newest marks, newest first; ``state`` none lists all.

        Raises:
            DatabaseUnavailable: the database does not answer.
            IntegrityError: the ledger, or a record, is not what was written.
        """
        marks, decided = self._store.marks(LISTED), self._ledger.decided()
        records = self._find([mark.decision for mark in marks])
        kept = self._project.audit.questions
        found = []
        for mark in marks:
            record = records.get(mark.decision)
            asked = asked_of(record, kept) if record else None
            found.append(_reviewed(mark, asked, decided.get(mark.decision)))
        return [one for one in found if state in (None, one.state)][:limit]

    def show(self, decision: int) -> Reviewed:
        """One mark. Errors as ``entries``, and ProjectError where there is none."""
        mark = self._store.mark(decision)
        if mark is None:
            raise _nobody_marked(decision)
        record = self._find([decision]).get(decision)
        asked = asked_of(record, self._project.audit.questions) if record else None
        return _reviewed(mark, asked, self._ledger.decided().get(decision))

    def left_behind(self) -> dict[int, Decided]:
        """Approvals whose mark is gone, because it grew too old or its user is no more. ``reject`` takes them back too.

        Errors as ``entries``.
        """
        approved = {number: one for number, one in self._ledger.decided().items() if one.item is not None}
        return {number: one for number, one in approved.items() if self._store.mark(number) is None}

    def approve(self, decision: int, by: Principal, approval: Approval | None = None) -> Decided:
        """Turn a mark into a labelled item; it is on record first, and learnt at the next training.

        Raises:
            ProjectError: there is no such mark, it was approved already, nothing can be learnt from it, or what is
                said does not fit.
            AccessDenied: it could not be recorded; nothing was approved.
        """
        approval = approval or Approval()
        seen = self.show(decision)
        item = self._labelling.item(seen, approval)
        detail = {
            "decision": decision,
            "scope": item.use,
            "agent": item.agent,
            "outcome": item.label or item.means,
            "clearance": list(item.readers),
            "question": item.text,
        }

        def make(before: Decided | None) -> Decided:
            if before is not None and before.outcome == "approve" and before.mark == seen.mark.id:
                raise _twice(decision, before)
            if approval.mark not in (None, seen.mark.id):
                raise ProjectError(_CHANGED, element=f"decision {decision}", remedy=f"See `{PAGE} {decision}`.")
            number = self._record(by, "feedback-approved", detail)
            return Decided(
                decision=decision,
                mark=seen.mark.id,
                outcome="approve",
                by=by.user,
                at=datetime.now(UTC),
                record=number,
                item=item,
            )

        return self._ledger.decide(decision, make)

    def reject(self, decision: int, by: Principal, reason: str = "") -> Decided:
        """Let nobody learn from a mark; one that was approved before is taken back, for the next training.

        Raises:
            ProjectError: there is no such mark, or it was rejected already.
            AccessDenied: it could not be recorded; nothing was rejected.
        """
        mark = self._store.mark(decision)

        def make(before: Decided | None) -> Decided:
            which = mark.id if mark else before.mark if before else None
            if which is None:
                raise _nobody_marked(decision)
            if before is not None and before.outcome == "reject" and before.mark == which:
                raise _twice(decision, before)
            number = self._record(by, "feedback-rejected", {"decision": decision, "why": reason})
            return Decided(
                decision=decision,
                mark=which,
                outcome="reject",
                by=by.user,
                at=datetime.now(UTC),
                record=number,
                reason=reason,
            )

        return self._ledger.decide(decision, make)


_CHANGED = "the user changed his mark since it was looked at."


def _reviewed(mark: Mark, asked: Asked | None, decided: Decided | None) -> Reviewed:
    is_of_this = decided is not None and decided.mark == mark.id
    state: State = "open"
    if decided is not None and is_of_this:
        state = "approved" if decided.outcome == "approve" else "rejected"
    question = None
    if asked is not None and asked.question is not None:
        question = standalone(asked.after, asked.question) if asked.after else asked.question
    proposal = propose(mark, asked) if asked else Proposal(None, "the record does not hold the decision any more")
    return Reviewed(mark, state, question, asked, proposal, decided)


def _nobody_marked(decision: int) -> ProjectError:
    return ProjectError(f"nobody marked decision {decision}.", remedy="See `allotment feedback list`.")


def _twice(decision: int, before: Decided) -> ProjectError:
    done = "approved" if before.outcome == "approve" else "rejected"
    told = f"was {done} already by {before.by} on {before.at:%Y-%m-%d} (record {before.record})."
    return ProjectError(told, element=f"decision {decision}", remedy="See `allotment feedback list`.")
