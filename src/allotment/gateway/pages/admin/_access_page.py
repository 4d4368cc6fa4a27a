"""``/admin/access``: who may reach what, and what would be decided about a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from allotment.gateway.administration import AdminFault
from allotment.gateway.administration._matrix import WHY, matrix
from allotment.gateway.administration._trial import MOST_CHARACTERS, Tried, try_as
from allotment.gateway.pages.admin._router import AdminRouter, Visit
from allotment.gateway.wording import Message
from allotment.routing import Route, Unclear


class AccessPages:
    """The matrix, and the form that tries."""

    def __init__(self, routes: AdminRouter) -> None:
        self._admin = routes.admin
        routes.see("/admin/access", "access", self.show)
        routes.act(
            "/admin/access", "access", self.tried, verb="see", tell=lambda visit: {"try_as": visit.given("role", 60)}
        )

    def show(
        self,
        visit: Visit,
        status: int = 200,
        *,
        tried: Tried | None = None,
        fault: Message | str = "",
        role: str = "",
        question: str = "",
    ) -> Response:
        """The whole table."""
        shown = matrix(visit.grant, self._admin.project, self._admin.door.policy)
        route = tried.preview.route if tried else None
        return visit.page(
            "access.html",
            status,
            here="access",
            matrix=shown,
            tried=tried,
            route=route if isinstance(route, Route) else None,
            unclear=route.agents if isinstance(route, Unclear) else (),
            why=WHY,
            fault=fault,
            role=role,
            question=question,
            longest=MOST_CHARACTERS,
        )

    def tried(self, visit: Visit) -> Response:
        """What would be decided; nothing is run."""
        role, question = visit.given("role", 60), visit.given("question", MOST_CHARACTERS + 1)
        try:
            found = try_as(visit.grant, self._admin.door, self._admin.parts.previews, role, question)
        except AdminFault as fault:
            return self.show(visit, fault.status, fault=fault.words, role=role, question=question)
        return self.show(visit, tried=found, role=role, question=question)


def _role(visit: Visit) -> Mapping[str, Any]:
    return {"try_as": visit.given("role", 60)}
