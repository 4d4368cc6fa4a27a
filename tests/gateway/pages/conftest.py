"""One real server for all browser tests of a file: the pages over a chain without models, with a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing

import pytest
from fastapi import FastAPI
from gateway_standin import POLICY, Recorded, StandInChain, limiter_of
from gateway_watched import Scheme, Watched
from pages_site import HoldableHistory, Site
from playwright.sync_api import Browser, expect

from allotment.access import Principal
from allotment.gateway import History, UserStore, create_app
from allotment.gateway.feedback import Feedback, MarkStore
from allotment.project import FeedbackConfig

Serve = Callable[[FastAPI], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def site(state_dsns: tuple[str, str], _seeded: UserStore, serve_all: Serve) -> Iterator[Site]:
    dsn, chain, recorded = state_dsns[0], StandInChain(), Recorded()
    with (
        limiter_of(dsn, recorded) as limiter,
        closing(HoldableHistory(dsn)) as kept,
        closing(MarkStore(dsn, FeedbackConfig(per_hour=10_000))) as marks,
    ):
        made = Site("", chain, recorded, _seeded, kept, marks)
        app = create_app(
            chain,
            _seeded,
            title="Northwind Traders",
            ready=list,
            policy=POLICY,
            record=recorded,
            limiter=limiter,
            history=History(kept, lambda principal, agent, documents: principal.user not in made.narrowed),
            feedback=Feedback(marks, made.find),
        )
        with serve_all(app) as address:
            made.address = address
            yield made


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Watched]]:
    """Opens a watched page, signed in unless told otherwise; all are closed at the end."""
    opened: list[Watched] = []

    def open_one(
        user: str | None = "sofia",
        width: int = 1280,
        scheme: Scheme = "light",
        locale: str = "en-US",
        expecting: str = "What would you like to know?",
    ) -> Watched:
        watched = Watched(browser, site.address, width, scheme, locale)
        opened.append(watched)
        if user is not None:  # the login itself has tests of its own
            watched.context.add_cookies(
                [{"name": "allotment_session", "value": site.session(user), "url": site.address}]
            )
            watched.page.goto("/")
            expect(watched.page.get_by_role("heading", name=expecting)).to_be_visible()
        return watched

    yield open_one
    for watched in opened:
        watched.context.close()
    for user in ("eva", "sofia", "dana"):
        site.store.end_sessions(user)
        site.history.delete_all(Principal(user, ""))
