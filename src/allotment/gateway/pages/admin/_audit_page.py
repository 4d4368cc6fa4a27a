"""``/admin/audit``: search, verification and export of the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi.responses import RedirectResponse, Response

from allotment.audit import EventKind, Filter
from allotment.gateway.administration import AdminFault
from allotment.gateway.administration._record import RecordPage, filter_of
from allotment.gateway.pages.admin._router import AdminRouter, Visit
from allotment.gateway.web._stream import Lines
from allotment.gateway.wording import Message

FIELDS = ("user", "agent", "kind", "outcome", "since", "until")
KINDS = ("decision", *sorted(get_args(EventKind)))
OUTCOMES = ("allow", "deny", "answered", "unknown", "refused", "failed")


class AuditPages:
    """The record as an administrator sees it."""

    def __init__(self, routes: AdminRouter) -> None:
        self._record = routes.admin.record
        self._agents = tuple(routes.admin.project.agents)
        routes.see("/admin/audit", "audit", self.show, tell=_chosen)
        routes.act("/admin/audit/verify", "audit", self.verify, verb="see")
        routes.see("/admin/audit/verification", "audit", self.verification, again=True)
        routes.see("/admin/audit/export", "audit", self.export, tell=_chosen)

    def show(self, visit: Visit) -> Response:
        """The newest records that are wanted."""
        chosen = _chosen(visit)
        fault: Message | str = ""
        status = 200
        try:
            found = self._record.search(visit.grant, _filter(chosen), before=_before(visit))
        except AdminFault as error:
            found, fault, status = RecordPage((), None), error.words, error.status
        return visit.page(
            "audit.html",
            status,
            here="audit",
            page=found,
            after=visit.asked("before", 18),
            fault=fault,
            chosen={name: chosen.get(name, "") for name in FIELDS},
            query=urlencode(chosen),
            agents=self._agents,
            kinds=KINDS,
            outcomes=OUTCOMES,
            verification=self._record.verification(visit.grant),
        )

    def verify(self, visit: Visit) -> Response:
        """Begin a walk over the whole record."""
        self._record.verify(visit.grant)
        return RedirectResponse("/admin/audit", 303)

    def verification(self, visit: Visit) -> Response:
        """The part of the page that follows the walk."""
        return visit.page("verification.html", verification=self._record.verification(visit.grant))

    def export(self, visit: Visit) -> Response:
        """The records that are wanted, one event of OCSF a line."""
        lines = self._record.export(visit.grant, _filter(_chosen(visit)))
        return Lines(lines, "application/x-ndjson", "audit.jsonl")


def _chosen(visit: Visit) -> Mapping[str, Any]:
    return {name: visit.asked(name, 100) for name in FIELDS if visit.asked(name, 100)}


def _filter(chosen: Mapping[str, Any]) -> Filter:
    return filter_of(**chosen)


def _before(visit: Visit) -> int | None:
    text = visit.asked("before", 18)
    return int(text) if text.isascii() and text.isdigit() else None
