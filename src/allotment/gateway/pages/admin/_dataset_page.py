"""``/admin/dataset``: pairs beside their passages, accepted, edited and rejected, one by one or many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args
from urllib.parse import quote, urlencode

from fastapi.responses import RedirectResponse, Response

from allotment.dataset import KINDS, Kind
from allotment.dataset._decisions import OUTCOMES
from allotment.gateway.administration import AdminFault
from allotment.gateway.administration._pairs import State
from allotment.gateway.pages.admin._router import AdminRouter, Visit
from allotment.gateway.wording import say

STATES: tuple[State, ...] = get_args(State)


class DatasetPages:
    """The datasets, the pairs of one, and decisions about them."""

    def __init__(self, routes: AdminRouter) -> None:
        self._review = routes.admin.review
        self._policy = routes.admin.door.policy
        routes.see("/admin/dataset", "dataset", self.datasets)
        routes.see("/admin/dataset/{agent}", "dataset", self.pairs, tell=_looked)
        routes.act("/admin/dataset/{agent}", "dataset", self.decide, tell=_decided)

    def datasets(self, visit: Visit) -> Response:
        """How much of each dataset is decided."""
        return visit.page("datasets.html", here="dataset", datasets=self._review.datasets(visit.grant))

    def pairs(self, visit: Visit) -> Response:
        """Some pairs of an agent."""
        chosen = _chosen(visit.request.query_params)
        found = self._review.page(
            visit.grant,
            visit.place("agent"),
            after=visit.asked("after"),
            before=visit.asked("before"),
            state=cast(State, chosen["state"]),
            kind=cast(Kind, chosen["kind"]) if chosen["kind"] else None,
            document=chosen["document"] or None,
        )
        query = urlencode({name: value for name, value in chosen.items() if value})
        may_change = self._policy.may(visit.principal, "dataset", "change")
        return visit.page(
            "pairs.html", here="dataset", page=found, chosen=chosen, query=query, states=STATES, may_change=may_change
        )

    def decide(self, visit: Visit) -> Response:
        """Decide about the pairs that were chosen, then show what is next; htmx gets the one pair anew."""
        agent, outcome = visit.place("agent"), visit.given("decision", 20)
        if outcome not in OUTCOMES:
            raise AdminFault(say("Choose what to do with the pair."))
        keys = visit.given_all("key")
        fault: Any = ""
        status = 200
        try:
            self._review.decide(
                visit.grant,
                agent,
                keys,
                outcome,
                question=visit.given("question"),
                answer=visit.given("answer"),
                reason=visit.given("reason", 1_000),
            )
        except AdminFault as error:
            if not visit.wants_part or len(keys) != 1 or error.status != 400:
                raise
            fault, status = error.words, 422
        if visit.wants_part:
            pair = self._review.pair(visit.grant, agent, keys[0])
            return visit.page(
                "pair.html", status, agent=agent, pair=pair, fault=fault, chosen=_chosen(visit.form), may_change=True
            )
        chosen = _chosen(visit.form)
        query = urlencode({name: value for name, value in chosen.items() if value})
        return RedirectResponse(f"/admin/dataset/{quote(agent, safe='')}?{query}", 303)


def _chosen(given: Any) -> dict[str, str]:
    """The filter of an address or a form, with nothing in it that is none."""
    state, kind = str(given.get("state", ""))[:20], str(given.get("kind", ""))[:20]
    return {
        "state": state if state in STATES else "open",
        "kind": kind if kind in KINDS else "",
        "document": str(given.get("document", ""))[:1_000],
    }


def _looked(visit: Visit) -> Mapping[str, Any]:
    chosen = _chosen(visit.request.query_params)
    # A document's name says something of it, and the record is read by others.
    return {"state": chosen["state"], "kind": chosen["kind"], "one_document": bool(chosen["document"])}


def _decided(visit: Visit) -> Mapping[str, Any]:
    keys = visit.given_all("key")
    return {"decision": visit.given("decision", 20), "pairs": len(keys), "keys": [key[:16] for key in keys[:20]]}
