"""``/admin/feedback``: what users said of their answers, approved for those who learn from it or rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from fastapi.responses import Response

from allotment.feedback import LABELS, USES
from allotment.gateway.administration import AdminFault
from allotment.gateway.administration._marks import Marks
from allotment.gateway.feedback import State
from allotment.gateway.pages.admin._router import AdminRouter, Visit, changed
from allotment.gateway.wording import say

STATES: tuple[State, ...] = get_args(State)
DONE = {
    "approved": say("Approved: it is learnt from at the next training."),
    "rejected": say("Rejected: nobody learns from it."),
}


class FeedbackPages:
    """The marks, and what is done about each."""

    def __init__(self, routes: AdminRouter) -> None:
        self._given = routes.admin.marks
        self._policy = routes.admin.door.policy
        routes.see("/admin/feedback", "feedback", self.show, tell=lambda visit: {"state": _state(visit)})
        routes.act("/admin/feedback/{decision}/approve", "feedback", self.approve, tell=_use)
        routes.act("/admin/feedback/{decision}/reject", "feedback", self.reject)

    def show(self, visit: Visit) -> Response:
        """The newest marks in a state."""
        state = _state(visit)
        return visit.page(
            "feedback.html",
            here="feedback",
            kept=self._given is not None,
            marks=self._given.page(visit.grant, state) if self._given else (),
            state=state,
            states=STATES,
            uses=USES,
            labels=LABELS,
            done=DONE.get(visit.asked("done"), ""),
            may_change=self._policy.may(visit.principal, "feedback", "change"),
        )

    def approve(self, visit: Visit) -> Response:
        """Somebody may learn from it."""
        self._marks.approve(
            visit.grant,
            _decision(visit),
            mark=visit.given("mark", 60),
            use=visit.given("use", 20),
            agent=visit.given("agent", 60),
            label=visit.given("label", 20),
            text=visit.given("text", 8_000),
        )
        return changed("/admin/feedback", "approved")

    def reject(self, visit: Visit) -> Response:
        """Nobody learns from it."""
        self._marks.reject(visit.grant, _decision(visit), visit.given("reason", 1_000))
        return changed("/admin/feedback", "rejected")

    @property
    def _marks(self) -> Marks:
        if self._given is None:
            raise AdminFault(say("There is no such mark."), status=404)
        return self._given


def _state(visit: Visit) -> State:
    asked = visit.asked("state", 20)
    return asked if asked in STATES else "open"


def _decision(visit: Visit) -> int:
    text = visit.place("decision")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _use(visit: Visit) -> Mapping[str, Any]:
    return {"use": visit.given("use", 20)}
