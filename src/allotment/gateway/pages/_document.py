"""``/document``: a document as a page, for those who may read it; decided and on record each time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from allotment.answering import DocumentText, Passage
from allotment.audit import RecordedDenial
from allotment.errors import AccessDenied, AllotmentError
from allotment.gateway._chain import Chain
from allotment.gateway.identity._identity import Identity
from allotment.gateway.pages._markdown import blocks_of
from allotment.gateway.pages._render import Pages
from allotment.gateway.web._security import LOG
from allotment.gateway.wording import say

NONE_SUCH = say("There is no such document here, or your role may not read it.")
NOT_NOW = say("This document cannot be shown at the moment. Please try again later.")
_LONGEST = 1000


def document_routes(chain: Chain, identity: Identity, pages: Pages) -> APIRouter:
    """``/document?agent=&path=&section=``."""
    router = APIRouter()

    @router.get("/document")
    def document(
        request: Request,
        agent: Annotated[str, Query(max_length=_LONGEST)] = "",
        path: Annotated[str, Query(max_length=_LONGEST)] = "",
        section: Annotated[str, Query(max_length=_LONGEST)] = "",
    ) -> Response:
        session = identity.session(request)
        if session is None:
            return RedirectResponse("/login", 303)
        try:
            found = chain.read_document(session.principal, agent, path)
        except RecordedDenial:
            return pages.page(request, "problem.html", 404, session=session, words=NONE_SUCH)
        except (AccessDenied, AllotmentError):
            LOG.exception("a document could not be shown")
            return pages.page(request, "problem.html", 503, session=session, words=NOT_NOW)
        return pages.page(
            request,
            "document.html",
            session=session,
            document=found,
            name=path.rpartition("/")[2],
            passages=_passages(found, section),
            agent=agent,
        )

    return router


def _passages(found: DocumentText, section: str) -> list[dict[str, object]]:
    """Sections with the headings that are new in each, and whether it is the one that was looked for."""
    shown: list[dict[str, object]] = []
    before: tuple[str, ...] = ()
    for passage in found.passages:
        shown.append(
            {
                "id": passage.section_id,
                "headings": _new_headings(before, passage),
                "blocks": blocks_of(passage.text),
                "wanted": passage.section_id == section,
            }
        )
        before = passage.heading_path
    return shown


def _new_headings(before: tuple[str, ...], passage: Passage) -> list[tuple[int, str]]:
    """Pairs of level, 2 to 6, and title, of the headings that the section before had not."""
    path = passage.heading_path
    same = next((at for at, title in enumerate(path) if before[at : at + 1] != (title,)), len(path))
    return [(min(at + 2, 6), title) for at, title in enumerate(path) if at >= same]
