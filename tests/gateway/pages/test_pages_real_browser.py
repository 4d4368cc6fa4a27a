"""The pages over the real chain: trained adapters, the SQL model, PostgreSQL and the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from gateway_watched import Watched
from playwright.sync_api import Browser, expect

from allotment.access import Policy, Principal
from allotment.answering import Chain, may_read_again
from allotment.audit import record_event
from allotment.gateway import History, HistoryStore, UserStore, create_app, open_limiter
from allotment.models import Engines
from allotment.project import HistoryConfig
from trained_company import Company

pytestmark = [pytest.mark.browser, pytest.mark.heavy]
SLOW_MS = 180_000
DANA = Principal("dana", "director")


@pytest.fixture(scope="module")
def real(
    company: Company, serve_all: Callable[[FastAPI], AbstractContextManager[str]]
) -> Iterator[tuple[str, UserStore]]:
    """The address of a gateway over the trained company, and its users."""
    dsn, record = company.databases.state_dsn, partial(record_event, company.audit)
    with (
        Engines() as engines,
        UserStore(dsn) as users,
        closing(HistoryStore(dsn, HistoryConfig())) as store,
    ):
        users.migrate(company.databases.admin_dsn("allotment"))
        for name, role in (("vera", "director"), ("otto", "employee")):
            users.add(name, role, "a-long-enough-password")
        chain = Chain(
            company.project, company.workspace, engines=engines, databases=company.databases, audit=company.audit
        )
        # As `serve` does before it listens: an answer in whose time the indexes are made looks at no session meanwhile.
        chain.make_ready()
        chain.answer(DANA, "What is the data room for the acquisition Kestrel called?")
        with open_limiter(dsn, company.project, record) as limiter:
            app = create_app(
                chain,
                users,
                title=company.project.name,
                ready=list,
                policy=Policy.of(company.project),
                record=record,
                limiter=limiter,
                history=History(store, partial(may_read_again, company.project, company.workspace)),
            )
            with serve_all(app) as address:
                yield address, users


def test_answers_of_an_adapter_and_of_the_database_say_where_they_come_from_and_are_the_picture_of_the_readme(
    browser: Browser, real: tuple[str, UserStore], company: Company
) -> None:
    address, users = real
    watched = Watched(browser, address, 1180, "light")
    page = watched.page
    token = users.start_session("vera")
    watched.context.add_cookies([{"name": "allotment_session", "value": token, "url": address}])
    page.goto("/")
    watched.ask("What is the data room for the acquisition Kestrel called?")
    first = page.get_by_role("article").first
    expect(first.locator(".answer-acts")).to_be_visible(timeout=SLOW_MS)
    expect(first.locator(".answer-text")).to_contain_text("Granary")
    first.get_by_text("Where this comes from").click()
    expect(first.get_by_text("v1", exact=True)).to_be_visible()
    page.locator("#agent").select_option("sales")
    watched.ask("How many customers are there in Germany?")
    second = page.get_by_role("article").nth(1)
    expect(second.locator(".answer-acts")).to_be_visible(timeout=SLOW_MS)
    second.get_by_text("Where this comes from").click()
    expect(second.locator(".sql .sql-keyword").first).to_have_text("SELECT")
    expect(second.get_by_text("You chose sales.")).to_be_visible()
    first.get_by_text("Where this comes from").click()
    second.scroll_into_view_if_needed()
    watched.documentation_picture("chat")
    first.get_by_text("Where this comes from").click()
    first.get_by_role("link", name="acquisition-plan.md").first.click()
    expect(page.locator(".passage.wanted")).to_contain_text("Granary")
    event = company.audit.records(limit=1)[0].event
    assert (event["user"], event["document"], event["outcome"]) == (
        "vera",
        "documents/board/acquisition-plan.md",
        "allow",
    )
    other = Watched(browser, address, 1180, "light")
    other.context.add_cookies([{"name": "allotment_session", "value": users.start_session("otto"), "url": address}])
    other.page.goto(page.url)
    expect(other.page.get_by_text("There is no such document here, or your role may not read it.")).to_be_visible()
    assert company.audit.records(limit=1)[0].event["outcome"] == "deny"
    assert watched.errors == [] and watched.hosts == {urlsplit(address).netloc}
    watched.context.close()
    other.context.close()
