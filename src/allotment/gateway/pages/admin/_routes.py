"""``admin_routes``: all routes of the administration, and its places in the navigation."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from allotment.access import AdminPolicy, Principal
from allotment.gateway.administration import Administration
from allotment.gateway.identity._identity import Identity
from allotment.gateway.pages._navigation import Place
from allotment.gateway.pages._render import Pages
from allotment.gateway.pages.admin._access_page import AccessPages
from allotment.gateway.pages.admin._audit_page import AuditPages
from allotment.gateway.pages.admin._dataset_page import DatasetPages
from allotment.gateway.pages.admin._documents_page import DocumentPages
from allotment.gateway.pages.admin._experiments_page import ExperimentPages
from allotment.gateway.pages.admin._feedback_page import FeedbackPages
from allotment.gateway.pages.admin._people_page import PeoplePages
from allotment.gateway.pages.admin._router import AdminRouter
from allotment.gateway.pages.admin._state_pages import StatePages
from allotment.gateway.pages.admin._training_page import TrainingPages
from allotment.gateway.wording import Message, say
from allotment.project import PARTS, Part

NAMES: dict[Part, tuple[Message, str]] = {
    "people": (say("People"), "people"),
    "access": (say("Who may reach what"), "matrix"),
    "documents": (say("Documents"), "document"),
    "dataset": (say("Dataset review"), "review"),
    "training": (say("Training"), "training"),
    "guards": (say("Guards"), "guard"),
    "feedback": (say("Feedback"), "useful"),
    "database": (say("Databases"), "database"),
    "audit": (say("Audit record"), "record"),
    "health": (say("Health"), "health"),
}
"""Part → its words in the navigation, and its symbol."""


def admin_places(policy: AdminPolicy) -> tuple[Place, ...]:
    """The parts as places; each is shown to those who may see it."""

    def may(part: Part, principal: Principal) -> bool:
        return policy.may(principal, part, "see")

    return tuple(
        Place(part, NAMES[part][0], f"/admin/{part}", NAMES[part][1], "admin", partial(may, part)) for part in PARTS
    )


def admin_routes(admin: Administration, identity: Identity, pages: Pages) -> APIRouter:
    """Every page and act of the administration."""
    routes = AdminRouter(admin, identity, pages)
    for made in (
        PeoplePages,
        AccessPages,
        DocumentPages,
        DatasetPages,
        TrainingPages,
        ExperimentPages,
        FeedbackPages,
        StatePages,
        AuditPages,
    ):
        made(routes)

    @routes.router.get("/admin")
    async def first(request: Request) -> Response:
        """To the first part this user may see; nothing is shown here."""
        session = await run_in_threadpool(identity.session, request)
        if session is None:
            return RedirectResponse("/login", 303)
        seen = admin.door.policy.parts(session.principal)
        part = next((part for part in NAMES if part in seen), None)
        return RedirectResponse(f"/admin/{part}" if part else "/", 303)

    return routes.router
