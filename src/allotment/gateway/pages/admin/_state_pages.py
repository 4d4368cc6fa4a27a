"""``/admin/guards``, ``/admin/database`` and ``/admin/health``: how the place is at this moment."""

from __future__ import annotations

from fastapi.responses import Response

from allotment.gateway.administration._databases import database_view
from allotment.gateway.pages.admin._router import AdminRouter, Visit


class StatePages:
    """Pages that show and change nothing."""

    def __init__(self, routes: AdminRouter) -> None:
        self._admin = routes.admin
        routes.see("/admin/guards", "guards", self.guards)
        routes.see("/admin/database", "database", self.database)
        routes.see("/admin/health", "health", self.health)
        routes.see("/admin/health/now", "health", self.health_now, again=True)

    def guards(self, visit: Visit) -> Response:
        """The checks, their curves, and what they refused."""
        return visit.page("guards.html", here="guards", view=self._admin.guards.view(visit.grant))

    def database(self, visit: Visit) -> Response:
        """The self-check, made now."""
        parts = self._admin.parts
        view = database_view(visit.grant, parts.project, parts.databases, parts.watch)
        return visit.page("database.html", here="database", view=view)

    def health(self, visit: Visit) -> Response:
        """Engine, database, record and queue."""
        return visit.page("health.html", here="health", view=self._admin.health.view(visit.grant))

    def health_now(self, visit: Visit) -> Response:
        """The part of the page that is looked at again."""
        return visit.page("health_now.html", view=self._admin.health.view(visit.grant))
