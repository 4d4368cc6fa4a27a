"""One real server for all browser tests of a file: the pages over a chain without models, with a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI
from gateway_standin import POLICY, Recorded, StandInChain, limiter_of
from gateway_watched import Scheme, Watched
from playwright.sync_api import Browser

from allotment.gateway import History, HistoryStore, UserStore, create_app
from allotment.project import HistoryConfig


@dataclass
class Site:
    """The server, and everything behind it that a test may look at or change."""

    address: str
    chain: StandInChain
    recorded: Recorded
    store: UserStore
    history: HistoryStore
    narrowed: set[str] = field(default_factory=set)
    """Users who may no longer read what they were once answered."""


@pytest.fixture(scope="module")
def site(state_dsns: tuple[str, str], _seeded: UserStore, serve_all: Serve) -> Iterator[Site]:
    chain, recorded, narrowed = StandInChain(), Recorded(), set[str]()
    with limiter_of(state_dsns[0], recorded) as limiter, closing(HistoryStore(state_dsns[0], HistoryConfig())) as kept:
        app = create_app(
            chain,
            _seeded,
            title="Northwind Traders",
            ready=list,
            policy=POLICY,
            record=recorded,
            limiter=limiter,
            history=History(kept, lambda principal, agent, documents: principal.user not in narrowed),
        )
        with serve_all(app) as address:
            yield Site(address, chain, recorded, _seeded, kept, narrowed)


Serve = Callable[[FastAPI], AbstractContextManager[str]]


@pytest.fixture
def open_page(browser: Browser, site: Site, password: str) -> Iterator[Callable[..., Watched]]:
    """Opens a watched page, signed in unless told otherwise; all of them are closed, and nothing is left of the users."""
    opened: list[Watched] = []

    def open_one(
        user: str | None = "sofia", width: int = 1280, scheme: Scheme = "light", locale: str = "en-US"
    ) -> Watched:
        watched = Watched(browser, site.address, width, scheme, locale)
        opened.append(watched)
        if user is not None:
            watched.log_in(user, password)
        return watched

    yield open_one
    for watched in opened:
        watched.context.close()
