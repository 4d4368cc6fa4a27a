"""``/admin/documents``: documents with their readers and their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import Response

from allotment.gateway.pages.admin._router import AdminRouter, Visit

_STATES = ("done", "skipped", "failed")


class DocumentPages:
    """The list, and one document."""

    def __init__(self, routes: AdminRouter) -> None:
        self._admin = routes.admin
        routes.see("/admin/documents", "documents", self.show, tell=_filter)
        routes.see("/admin/documents/{document}", "documents", self.document)

    def show(self, visit: Visit) -> Response:
        """Documents by set and name."""
        chosen = _filter(visit)
        found = self._admin.documents.page(
            visit.grant,
            after=visit.asked("after"),
            document_set=chosen.get("set"),
            state=chosen.get("state"),
        )
        return visit.page(
            "documents.html",
            here="documents",
            page=found,
            after=visit.asked("after"),
            chosen_set=chosen.get("set", ""),
            chosen_state=chosen.get("state", ""),
            query=urlencode(chosen),
            sets=tuple(self._admin.project.documents),
            states=_STATES,
        )

    def document(self, visit: Visit) -> Response:
        """One document that may be read."""
        view = self._admin.documents.view(visit.grant, visit.place("document"))
        return visit.page("document.html", here="documents", view=view)


def _filter(visit: Visit) -> Mapping[str, Any]:
    chosen = {"set": visit.asked("set"), "state": visit.asked("state")}
    return {name: value for name, value in chosen.items() if value}
