"""``/admin/training``: versions, what they took, the run that goes on, and going back to an older one."""

from __future__ import annotations

from fastapi.responses import Response

from allotment.gateway.pages.admin._router import AdminRouter, Visit, changed
from allotment.gateway.wording import say

DONE = {"served": say("This version answers from the next question on. The one before is kept.")}


class TrainingPages:
    """All agents, one version, the live part, and the roll-back."""

    def __init__(self, routes: AdminRouter) -> None:
        self._trainings = routes.admin.trainings
        self._policy = routes.admin.door.policy
        routes.see("/admin/training", "training", self.show)
        routes.see("/admin/training/{agent}/live", "training", self.live, again=True)
        routes.see("/admin/training/{agent}/{version}", "training", self.version)
        routes.act(
            "/admin/training/{agent}", "training", self.roll_back, tell=lambda visit: {"to": visit.given("to", 40)}
        )

    def show(self, visit: Visit) -> Response:
        """All agents with their versions."""
        return visit.page(
            "training.html",
            here="training",
            agents=self._trainings.agents(visit.grant),
            may_change=self._policy.may(visit.principal, "training", "change"),
            done=DONE.get(visit.asked("done"), ""),
        )

    def live(self, visit: Visit) -> Response:
        """The part of the page that follows a run."""
        agent = visit.place("agent")
        return visit.page("live.html", agent=agent, live=self._trainings.live(visit.grant, agent))

    def version(self, visit: Visit) -> Response:
        """One version."""
        view = self._trainings.view(visit.grant, visit.place("agent"), visit.place("version"))
        return visit.page(
            "version.html",
            here="training",
            view=view,
            may_change=self._policy.may(visit.principal, "training", "change"),
        )

    def roll_back(self, visit: Visit) -> Response:
        """Serve another version."""
        self._trainings.roll_back(visit.grant, visit.place("agent"), visit.given("to", 40))
        return changed("/admin/training", "served")
