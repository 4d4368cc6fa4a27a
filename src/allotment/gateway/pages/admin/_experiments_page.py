"""``/admin/experiments``: many trainings at once, how each stands, and their curves over one another."""

from __future__ import annotations

from fastapi.responses import Response

from allotment.gateway.pages.admin._router import AdminRouter, Visit


class ExperimentPages:
    """All experiments, one of them, and the part of it that follows its runs."""

    def __init__(self, routes: AdminRouter) -> None:
        self._experiments = routes.admin.experiments
        routes.see("/admin/experiments", "training", self.show)
        routes.see("/admin/experiments/{name}", "training", self.one)
        routes.see("/admin/experiments/{name}/live", "training", self.live, again=True)

    def show(self, visit: Visit) -> Response:
        """All experiments."""
        return visit.page("experiments.html", here="training", experiments=self._experiments.all(visit.grant))

    def one(self, visit: Visit) -> Response:
        """One experiment."""
        view = self._experiments.view(visit.grant, visit.place("name"))
        return visit.page("experiment.html", here="training", view=view)

    def live(self, visit: Visit) -> Response:
        """What follows its runs."""
        return visit.page("runs.html", view=self._experiments.view(visit.grant, visit.place("name")))
