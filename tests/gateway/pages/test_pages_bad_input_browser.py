"""What is planted, pressed twice, cut off or gone: nothing runs, nothing is lost, and words say what to do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
import uvicorn
from fastapi import FastAPI
from gateway_standin import ANSWER, POLICY, Recorded, StandInChain, limiter_of, script_of
from gateway_watched import Watched
from pages_site import Site
from playwright.sync_api import Browser, Page, expect

from allotment.access import Principal
from allotment.answering import AgentInfo, Answer, Delta, Passage, Source, Step, Table
from allotment.gateway import UserStore, create_app

pytestmark = pytest.mark.browser

DANA = Principal("dana", "director")
Open = Callable[..., Watched]
SCRIPT = "<script>document.title='broken'</script>"
IMAGE = "<img src=//evil.example/x onerror=\"document.title='broken'\">"
MARKDOWN = "![x](https://evil.example/p.png) [go](javascript:document.title='broken') <https://evil.example> " + IMAGE
EVIL = f"{SCRIPT}{IMAGE}</p></div>{MARKDOWN}"
LEARNT = replace(ANSWER, text="Malmö serves Sweden.", account=None, sql=None, table=None)
FORBIDDEN = "img, script, iframe, object, embed, link, style, base, form[action], video, audio, [onerror], [onclick]"


def done(page: Page, number: int = 0) -> None:
    """Waits for the whole answer."""
    article = page.get_by_role("article").nth(number)
    expect(article.get_by_role("button", name="Ask again", exact=True)).to_be_visible()


def harmless(watched: Watched, site: Site, inside: str = "#messages") -> None:
    """Nothing that was planted is an element, runs, leads anywhere or asks another host."""
    assert watched.page.locator(inside).locator(FORBIDDEN).count() == 0
    for link in watched.page.locator(inside).locator("a").all():
        assert (link.get_attribute("href") or "").startswith(("/document?", "/?c=", "/history/"))
    assert watched.page.title() != "broken"
    assert watched.errors == [] and watched.hosts == {urlsplit(site.address).netloc}


def test_what_is_planted_in_questions_answers_rows_names_and_titles_is_shown_and_does_nothing(
    open_page: Open, site: Site
) -> None:
    watched = open_page()
    source = Source(EVIL, EVIL, EVIL, EVIL)
    planted = Answer(
        "answered", EVIL, agent="sales", adapter=EVIL, account=EVIL, sql=EVIL,
        table=Table((EVIL, "n"), ((EVIL, 1), (EVIL, 2)), truncated=True),
        sources=(source,), places=(source,), learnt=(EVIL,), explanation=((EVIL, EVIL),), record=1,
    )  # fmt: skip
    site.chain.script = (Step("checking"), Delta(EVIL[:40]), Delta(EVIL[40:]), planted)
    watched.ask(EVIL)
    done(watched.page)
    watched.page.get_by_text("Where this comes from").click()
    watched.page.get_by_text("What was noted on the way").click()
    expect(watched.page.locator(".origin-body .steps b")).to_have_text(EVIL)
    expect(watched.page.get_by_role("heading", name="<script>").first).to_be_visible()
    expect(watched.page.locator("#conversations a")).to_contain_text("<script>")
    harmless(watched, site)
    harmless(watched, site, "#side .history")
    watched.page.locator("#conversations button").click()
    harmless(watched, site, "dialog[open] h2")
    watched.page.reload()
    done(watched.page)
    harmless(watched, site)


def test_what_is_planted_in_a_document_its_name_or_a_link_to_it_does_nothing(open_page: Open, site: Site) -> None:
    watched = open_page()
    name = f"notes/{IMAGE}.md"
    site.chain.documents[name] = (Passage("p1", (EVIL,), EVIL),)
    try:
        for fragment in ("quote=" + quote(IMAGE), "quote=%", SCRIPT):
            watched.page.goto(f"/document?agent=sales&path={quote(name)}&section=p1#{fragment}")
            expect(watched.page.get_by_role("heading", name="<img").first).to_be_visible()
            assert watched.page.title() != "broken"
            assert watched.page.locator("#main").locator("img, script, iframe, [onerror]").count() == 0
    finally:
        del site.chain.documents[name]
    assert watched.hosts == {urlsplit(site.address).netloc}
    assert watched.errors == []


def test_names_of_users_and_descriptions_of_agents_are_text(
    browser: Browser, site: Site, state_dsns: tuple[str, str], serve_all: Callable[..., object]
) -> None:
    class Planted(StandInChain):
        def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
            return (AgentInfo("sales", EVIL),)

    recorded = Recorded()
    with limiter_of(state_dsns[0], recorded) as limiter:
        app = create_app(Planted(), site.store, title=EVIL, ready=list, policy=POLICY, record=recorded, limiter=limiter)
        with serve_all(app) as address:  # type: ignore[attr-defined]
            watched = Watched(browser, address, 360, "dark")
            token = site.store.start_session("eva", browser=EVIL)
            watched.context.add_cookies([{"name": "allotment_session", "value": token, "url": address}])
            for path in ("/", "/account", "/nowhere"):
                watched.page.goto(path)
                expect(watched.page.locator(".brand").first).to_contain_text("<script>")
                assert watched.page.locator("main").locator("iframe, script, [onerror]").count() == 0
                assert watched.page.evaluate("document.title.includes('<script>')")
            assert watched.hosts == {urlsplit(address).netloc}
            watched.context.close()


def test_pressing_twice_asks_once(open_page: Open, site: Site) -> None:
    watched = open_page()
    hold = threading.Event()
    site.chain.script = (Step("checking"), hold, LEARNT)
    before = len(site.chain.asked)
    field = watched.page.locator("#question")
    field.fill("Who serves Sweden?")
    watched.page.evaluate(
        "() => { const form = document.getElementById('ask'); form.requestSubmit();"
        " document.getElementById('question').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' })); }"
    )
    hold.set()
    done(watched.page)
    assert len(site.chain.asked) == before + 1
    expect(watched.page.get_by_role("article")).to_have_count(1)


def test_a_form_pressed_twice_is_sent_once(open_page: Open, site: Site) -> None:
    watched = open_page("dana")
    sent: list[str] = []
    watched.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    watched.page.goto("/account")
    watched.page.evaluate(
        "() => { const form = document.querySelector(\"form[action='/logout']\");"
        " form.requestSubmit(); form.requestSubmit(); }"
    )
    expect(watched.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert len(sent) == 1


def test_after_signing_out_the_back_button_shows_nothing_of_before(open_page: Open, site: Site) -> None:
    watched = open_page("dana")
    site.chain.script = script_of(replace(LEARNT, text="A secret of the board."))
    watched.ask("What was decided?")
    done(watched.page)
    watched.page.get_by_role("button", name="Sign out").click()
    expect(watched.page.get_by_role("heading", name="Sign in")).to_be_visible()
    watched.page.go_back()
    expect(watched.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "secret of the board" not in watched.page.content()


def test_two_tabs_keep_apart_what_is_apart_and_share_a_conversation_without_losing_a_question(
    open_page: Open, site: Site
) -> None:
    watched = open_page("dana")
    site.chain.script = script_of(LEARNT)
    watched.ask("First tab")
    done(watched.page)
    watched.page.wait_for_url("**/?c=*")
    other = watched.context.new_page()
    other.goto("/")
    other.locator("#question").fill("Second tab")
    other.locator("#question").press("Enter")
    done(other)
    other.wait_for_url("**/?c=*")
    assert other.url != watched.page.url
    other.goto(watched.page.url)
    expect(other.get_by_role("heading", name="First tab")).to_be_visible()
    watched.ask("From one side")
    done(watched.page, 1)
    other.locator("#question").fill("From the other side")
    other.locator("#question").press("Enter")
    done(other, 1)
    other.reload()
    expect(other.get_by_role("article")).to_have_count(3)
    (listed,) = [one for one in site.history.conversations(DANA) if one.title == "First tab"]
    assert listed.messages == 3
    assert site.history.delete(DANA, listed.id)
    watched.ask("Still here?")
    done(watched.page, 2)
    expect(watched.page.locator("#conversations").get_by_role("link", name="Still here?")).to_be_visible()
    assert watched.errors == []


def test_a_session_that_ends_in_the_middle_of_a_stream_is_told_and_the_question_comes_back_after_signing_in(
    open_page: Open, site: Site, password: str
) -> None:
    watched = open_page("eva")
    page = watched.page
    site.chain.endless = True
    try:
        watched.ask("A long question that must not be lost")
        expect(page.get_by_text("on and on").first).to_be_visible()
        site.store.end_sessions("eva")
        expect(page.get_by_text("Your access ended or changed while this was being answered.")).to_be_visible()
        assert site.chain.closed.wait(10)
    finally:
        site.chain.endless = False
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    page.get_by_label("Name").fill("eva")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#question")).to_have_value("A long question that must not be lost")
    site.chain.script = script_of(LEARNT)
    page.locator("#question").press("Enter")
    done(page)


def test_a_session_that_ended_before_a_question_is_told_and_the_question_is_kept(open_page: Open, site: Site) -> None:
    watched = open_page("eva")
    site.store.end_sessions("eva")
    watched.ask("Am I still here?")
    expect(watched.page.get_by_text("You are signed out. Sign in and ask again.")).to_be_visible()
    expect(watched.page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(watched.page.locator("#question")).to_have_value("Am I still here?")


def test_without_a_connection_one_is_told_what_one_writes_stays_and_it_goes_on_afterwards(
    open_page: Open, site: Site
) -> None:
    watched = open_page("eva")
    page = watched.page
    watched.context.set_offline(True)
    expect(page.get_by_text("You are offline. What you write here is kept.")).to_be_visible()
    watched.ask("Written without a connection")
    expect(page.get_by_text("The service cannot be reached. Your question is below; ask it again.")).to_be_visible()
    expect(page.locator("#question")).to_have_value("Written without a connection")
    watched.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()
    site.chain.script = script_of(LEARNT)
    page.locator("#question").press("Enter")
    done(page, 1)


@contextmanager
def running(app: FastAPI, listener: socket.socket) -> Iterator[uvicorn.Server]:
    """A server on a socket that outlives it."""
    config = uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.dup()]})
    thread.start()
    try:
        yield server
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def test_a_server_that_restarts_in_the_middle_of_an_answer_loses_no_question(
    browser: Browser, state_dsns: tuple[str, str], site: Site
) -> None:
    def app_of(chain: StandInChain, store: UserStore) -> FastAPI:
        return create_app(chain, store, title="N", ready=list, policy=POLICY, record=Recorded(), limiter=limiter)

    with (
        limiter_of(state_dsns[0], Recorded()) as limiter,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        watched = Watched(browser, address, 1280, "light")
        cookie = {"name": "allotment_session", "value": site.session("eva"), "url": address}
        watched.context.add_cookies([cookie])  # type: ignore[list-item]
        first = StandInChain(endless=True)
        with running(app_of(first, site.store), listener):
            watched.page.goto("/")
            watched.ask("Asked of the old server")
            expect(watched.page.get_by_text("on and on").first).to_be_visible()
        first.endless = False
        expect(watched.page.get_by_text("Your question is below; ask it again.")).to_be_visible()
        expect(watched.page.locator("#question")).to_have_value("Asked of the old server")
        with running(app_of(StandInChain(script=script_of(LEARNT)), site.store), listener):
            watched.page.locator("#question").press("Enter")
            done(watched.page, 1)
            expect(watched.page.get_by_text("Malmö serves Sweden.")).to_be_visible()
        watched.context.close()


def test_an_answer_that_breaks_off_inside_says_so_and_gives_the_question_back(open_page: Open, site: Site) -> None:
    watched = open_page("eva")
    site.chain.script = (Step("checking"), Delta("Half of "), RuntimeError("secret inner detail"))
    watched.ask("What is whole?")
    expect(watched.page.get_by_text("The answer could not be made.")).to_be_visible()
    expect(watched.page.locator("#question")).to_have_value("What is whole?")
    assert "secret inner detail" not in watched.page.content()


def test_a_conversation_that_is_gone_or_anothers_leads_to_a_new_one_with_words(open_page: Open, site: Site) -> None:
    watched = open_page("eva")
    foreign = site.history.begin(DANA, "Hers alone")
    for number in (str(foreign), "00000000-0000-0000-0000-000000000000", "rubbish"):
        watched.page.goto(f"/?c={number}")
        expect(watched.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
        expect(watched.page.locator(".toast").first).to_be_visible()
    assert "Hers alone" not in watched.page.content()
