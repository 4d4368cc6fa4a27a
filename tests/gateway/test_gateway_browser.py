"""The pages in a real browser where it matters what an answer is, and when a page is ready."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gateway_standin import ANSWER, StandInChain, script_of
from gateway_watched import Watched
from playwright.sync_api import Browser, Route, expect

from allotment.answering import Answer, Source

pytestmark = pytest.mark.browser

QUESTION = "How many orders went to Sweden, and what was the freight?"
FROM_DATABASE = replace(ANSWER, adapter=None, sources=())


def test_a_statement_that_was_refused_is_not_said_to_have_run(
    browser: Browser, address: str, chain: StandInChain, password: str
) -> None:
    watched = Watched(browser, address, 1280, "light")
    watched.log_in("sofia", password)
    chain.script = script_of(replace(FROM_DATABASE, outcome="unknown", table=None))
    watched.ask(QUESTION)
    article = watched.page.get_by_role("article").last
    article.get_by_text("Where this comes from").click()
    expect(article.get_by_text("The statement that was refused")).to_be_visible()
    expect(article.get_by_text("The statement that ran")).to_have_count(0)
    watched.context.close()


def test_places_to_look_stand_below_an_unknown_answer_and_are_not_said_to_be_one(
    browser: Browser, address: str, chain: StandInChain, password: str
) -> None:
    watched = Watched(browser, address, 360, "dark")
    watched.log_in("sofia", password)
    evil = "<img src=x onerror=\"document.title='broken'\">"
    places = (Source("s1", "sales/playbook.md", "Nordic accounts", f"Sweden is served from Malmö. {evil}"),)
    chain.script = script_of(Answer("unknown", "I do not know that.", agent="sales", places=places, record=43))
    watched.ask("Who serves Sweden?")
    article = watched.page.get_by_role("article").last
    expect(article.get_by_role("heading", name="Not an answer, but places to look")).to_be_visible()
    expect(article.get_by_text("sales/playbook.md › Nordic accounts")).to_be_visible()
    expect(article.get_by_text("Sweden is served from Malmö.")).to_be_visible()
    expect(article.locator(".answer-text")).to_have_text("Not known hereI do not know that.")
    assert watched.page.locator("#messages img").count() == 0
    assert watched.no_wider_than_the_window()
    assert watched.errors == []
    watched.context.close()


def test_nothing_can_be_typed_or_sent_before_the_page_can_keep_it_out_of_the_address(
    browser: Browser, address: str, chain: StandInChain, password: str
) -> None:
    watched = Watched(browser, address, 1280, "light")
    held: list[Route] = []
    watched.page.route("**/bundle/chat.js*", lambda route: held.append(route))
    watched.page.goto("/", wait_until="commit")
    watched.page.get_by_label("Name").fill("sofia")
    watched.page.get_by_label("Password").fill(password)
    watched.page.get_by_role("button", name="Sign in").click(no_wait_after=True)
    expect(watched.page.get_by_role("textbox", name="Your question")).to_be_disabled()
    expect(watched.page.get_by_role("button", name="Ask")).to_be_disabled()
    held[0].continue_()
    chain.script = script_of(ANSWER)
    watched.ask(QUESTION)
    expect(watched.page.get_by_text(ANSWER.text)).to_be_visible()
    assert "Sweden" not in watched.page.url
    watched.context.close()
