"""The chat in a real browser: what a person sees and does, from the first word to the export."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gateway_standin import ANSWER, script_of
from gateway_watched import Watched
from pages_site import Site
from playwright.sync_api import Locator, expect

from allotment.answering import Answer, Delta, Step, Table

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
PROSE = """Offers follow **three** rules:

1. Above 20 boxes: 5 percent.
2. Above 40 boxes: 12 percent, see [the list](https://evil.example/list).

| boxes | discount |
| --- | ---: |
| 20 | 5 % |

```python
def discount(boxes): return 0.12
```
"""
FROM_DATABASE = replace(ANSWER, adapter=None, sources=(), learnt=())
LEARNT = replace(ANSWER, text=PROSE, account=None, sql=None, table=None)
REFUSAL = Answer("refused", "I cannot help with that. You can ask me about rules for all staff.", record=42)


def rows(*cells: tuple[object, ...], columns: tuple[str, ...]) -> Answer:
    return replace(FROM_DATABASE, text="Rows:\n\n| a |", table=Table(columns, cells, truncated=False))  # type: ignore[arg-type]


def asked(watched: Watched, question: str) -> Locator:
    """Asks, waits for the whole answer, and gives its exchange."""
    before = watched.page.get_by_role("article").count()
    watched.ask(question)
    expect(whole(watched, before)).to_be_visible()
    return watched.page.get_by_role("article").nth(before)


def whole(watched: Watched, number: int) -> Locator:
    """What only an exchange has whose answer is whole."""
    return watched.page.get_by_role("article").nth(number).get_by_role("button", name="Ask again", exact=True)


def unfolded(article: Locator) -> Locator:
    article.get_by_text("Where this comes from").click()
    return article.locator(".origin-body")


def test_an_answer_is_shown_as_what_its_markdown_says_and_nothing_in_it_leads_anywhere(
    open_page: Open, site: Site
) -> None:
    watched = open_page()
    site.chain.script = script_of(LEARNT)
    article = asked(watched, "Which discounts may I give?")
    prose = article.locator(".answer-text")
    expect(prose.locator("strong")).to_have_text("three")
    expect(prose.get_by_role("listitem")).to_have_count(2)
    expect(prose.get_by_role("cell", name="5 %")).to_have_class("number")
    expect(prose.locator("pre code")).to_have_text("def discount(boxes): return 0.12")
    expect(prose.get_by_text("(https://evil.example/list)")).to_be_visible()
    assert prose.locator("a, img").count() == 0
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    prose.get_by_role("button", name="Copy").click()
    expect(watched.page.get_by_text("Copied")).to_be_visible()
    assert watched.page.evaluate("navigator.clipboard.readText()") == "def discount(boxes): return 0.12"
    assert watched.errors == [] and watched.hosts == {urlsplit(site.address).netloc}


def test_where_an_answer_comes_from_is_folded_and_leads_to_the_passage_in_its_document(
    open_page: Open, site: Site
) -> None:
    watched = open_page()
    site.chain.script = script_of(LEARNT)
    article = asked(watched, "Which discounts may I give?")
    expect(article.locator(".origin-body")).to_have_count(0)
    origin = unfolded(article)
    for told in ("Your role", "sales", "9c41e7", "Decision on record", "41", "What this version learnt from"):
        expect(origin.get_by_text(told, exact=True).first).to_be_visible()
    expect(origin.get_by_text("The question comes closest to sales, from its database: 82%.")).to_be_visible()
    expect(origin.get_by_text("Next was handbook, from what it learnt: 11%.")).to_be_visible()
    origin.get_by_text("What was noted on the way").click()
    expect(origin.get_by_text("nothing in the question asks to get around a rule")).to_be_visible()
    origin.get_by_role("link", name="sales/playbook.md › Nordic accounts").click()
    expect(watched.page.get_by_role("heading", name="playbook.md")).to_be_visible()
    expect(watched.page.locator(".passage.wanted")).to_be_in_viewport()
    assert watched.page.evaluate("[...CSS.highlights.get('quote')].map(String)") == [
        "Sweden is served from the Malmö office"
    ]
    assert site.chain.read[-1][1:] == ("sales", "sales/playbook.md")
    watched.picture("document")
    watched.page.get_by_role("link", name="Back").click()
    expect(watched.page.get_by_role("heading", name="Which discounts may I give?")).to_be_visible()
    assert watched.errors == []


def test_rows_sort_and_are_saved_as_a_file_no_spreadsheet_takes_for_a_formula(open_page: Open, site: Site) -> None:
    watched = open_page()
    cells = (("Sweden", 37, 1.5), ('=HYPERLINK("http://evil")', 122, -2.0), ("Malmö, SE", 9, None))
    site.chain.script = script_of(rows(*cells, columns=("place", "orders", "freight")))
    article = asked(watched, "Orders by place?")
    first = article.get_by_role("row").nth(1)
    article.get_by_role("button", name="orders").click()
    expect(first).to_contain_text("Malmö")
    expect(article.get_by_role("columnheader", name="orders")).to_have_attribute("aria-sort", "ascending")
    article.get_by_role("button", name="orders").click()
    expect(first).to_contain_text("HYPERLINK")
    expect(article.get_by_text("3 rows")).to_be_visible()
    with watched.page.expect_download() as downloading:
        article.get_by_role("button", name="As CSV").click()
    saved = Path(downloading.value.path()).read_bytes().decode("utf-8-sig")
    assert downloading.value.suggested_filename == "rows-41.csv"
    assert saved == (
        'place,orders,freight\r\nSweden,37,1.5\r\n"\'=HYPERLINK(""http://evil"")",122,-2\r\n"Malmö, SE",9,\r\n'
    )
    expect(unfolded(article).locator(".sql .sql-keyword").first).to_have_text("SELECT")
    assert article.locator(".sql").inner_text() == str(ANSWER.sql)


CHARTS: tuple[tuple[tuple[str, ...], tuple[tuple[object, ...], ...], str, int], ...] = (
    (("month", "orders"), (("2026-01", 4), ("2026-02", 9), ("2026-03", 2)), "polyline", 1),
    (("year", "orders", "freight"), ((2024, 4, 5), (2025, 9, 6), (2026, 2, 7)), "polyline", 2),
    (("country", "orders"), (("Sweden", 4), ("Norway", 9)), "rect", 2),
    (("country", "city", "orders"), (("Sweden", "Malmö", 4), ("Norway", "Oslo", 9)), "polyline, rect", 0),
    (("month", "orders"), (("2026-01", 4), ("2026-02", None), ("2026-03", 2)), "polyline, rect", 0),
    (("first", "second"), ((1, 2), (3, 4)), "polyline, rect", 0),
)


def test_a_chart_is_drawn_where_rows_are_a_series_or_a_breakdown_and_nowhere_else(open_page: Open, site: Site) -> None:
    watched = open_page()
    for columns, cells, drawn, count in CHARTS:
        site.chain.script = script_of(rows(*cells, columns=columns))
        article = asked(watched, f"How many {columns}?")
        expect(article.locator("table")).to_have_count(1)
        expect(article.locator(drawn)).to_have_count(count)
        expect(article.get_by_role("img")).to_have_count(1 if count else 0)
    assert watched.errors == []


def test_while_one_waits_the_step_is_told(open_page: Open, site: Site) -> None:
    watched = open_page("eva", 360)
    # The steps before an agent is reached are over when the stream begins: what a limit refuses has a status.
    before, asking, writing, checking = (threading.Event() for _ in range(4))
    site.chain.script = (
        *(Step("checking"), before, Step("routing"), Step("authorizing", "sales")),
        *(Step("answering", means="account"), asking, Step("answering", means="adapter"), writing),
        *(Step("releasing"), checking, Delta("37 orders."), replace(FROM_DATABASE, text="37 orders.")),
    )
    watched.ask("How many orders?")
    told = watched.page.locator(".progress").get_by_role("status")
    for words, gate in (
        ("Checking the question", before),
        ("Asking the database · sales", asking),
        ("Writing the answer · sales", writing),
        ("Checking the answer · sales", checking),
    ):
        expect(told).to_have_text(words)
        gate.set()
    expect(watched.page.get_by_text("37 orders.")).to_be_visible()
    expect(watched.page.locator(".progress")).to_have_count(0)


def test_an_answer_is_stopped_by_its_button_or_a_key_and_what_came_stays(open_page: Open, site: Site) -> None:
    watched = open_page()
    site.chain.endless = True
    try:
        for number, stop in enumerate(("button", "key")):
            site.chain.closed.clear()
            watched.ask("Tell me everything.")
            article = watched.page.get_by_role("article").nth(number)
            expect(article.get_by_text("on and on")).to_be_visible()
            if stop == "button":
                watched.page.get_by_role("button", name="Stop").click()
            else:
                watched.page.keyboard.press("Escape")
            expect(article.get_by_text("Stopped.")).to_be_visible()
            expect(article.get_by_text("on and on")).to_be_visible()
            assert site.chain.closed.wait(10)
    finally:
        site.chain.endless = False
    site.chain.script = script_of(LEARNT)
    watched.page.get_by_role("button", name="Ask again", exact=True).last.click()
    expect(watched.page.get_by_role("article")).to_have_count(3)
    assert watched.errors == []


def test_a_question_is_edited_in_its_place_and_asked_again(open_page: Open, site: Site) -> None:
    watched = open_page()
    site.chain.script = script_of(LEARNT)
    article = asked(watched, "How many bokses?")
    article.get_by_role("button", name="Edit and ask again").click()
    field = article.get_by_role("textbox", name="Your question")
    expect(field).to_be_focused()
    field.press("Escape")
    expect(article.get_by_role("heading", name="How many bokses?")).to_be_visible()
    watched.page.get_by_label("Your question").focus()
    watched.page.keyboard.press("ArrowUp")
    field.fill("How many boxes?")
    field.press("Enter")
    expect(watched.page.get_by_role("heading", name="How many boxes?")).to_be_visible()
    expect(whole(watched, 1)).to_be_visible()
    assert [question for _, question, _ in site.chain.asked[-2:]] == ["How many bokses?", "How many boxes?"]


def test_a_refusal_says_what_one_may_do_instead_and_only_with_ones_own_agents(open_page: Open, site: Site) -> None:
    watched = open_page()
    site.chain.script = script_of(REFUSAL)
    article = asked(watched, "What did the board decide?")
    expect(article.get_by_text("Not something I may answer")).to_be_visible()
    instead = article.locator(".instead")
    assert instead.get_by_role("button").all_inner_texts() == ["handbook", "sales"]
    site.chain.script = script_of(LEARNT)
    instead.get_by_role("button", name="sales").click()
    expect(whole(watched, 1)).to_be_visible()
    assert site.chain.asked[-1][1:] == ("What did the board decide?", "sales")


ASKED = {"user": "sofia", "role": "sales", "question": "Which discounts?", "agent": "sales", "outcome": "allow"}


def test_an_answer_is_marked_useful_or_what_is_wrong_with_it_and_nothing_is_lost_where_that_fails(
    open_page: Open, site: Site
) -> None:
    watched = open_page()
    page, site.chain.script = watched.page, script_of(LEARNT)
    site.decisions = {41: {**ASKED, "kind": "decision", "adapter": "9c41e7"}}
    article = asked(watched, "Which discounts may I give?")
    article.get_by_role("button", name="Useful").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()
    expect(article.get_by_role("button", name="Useful")).to_have_attribute("aria-pressed", "true")
    assert (mark := site.marks.mark(41)) and (mark.user, mark.verdict) == ("sofia", "useful")
    article.get_by_role("button", name="Not right").click()
    dialog = page.get_by_role("dialog", name="What is not right?")
    expect(dialog.get_by_role("radio", name="The answer is wrong")).to_be_checked()
    expect(dialog.get_by_label("Which one?")).to_be_hidden()
    dialog.get_by_role("radio", name="Another agent should have been asked").check()
    dialog.get_by_label("Which one?").select_option("handbook")
    dialog.get_by_label("What would be right?").fill("<b>The handbook</b> has it.")
    watched.context.set_offline(True)
    dialog.get_by_role("button", name="Send").click()
    expect(page.get_by_text("The service cannot be reached.")).to_be_visible()
    watched.context.set_offline(False)
    expect(dialog.get_by_label("What would be right?")).to_have_value("<b>The handbook</b> has it.")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_be_hidden()
    expect(article.get_by_role("button", name="Not right")).to_have_attribute("aria-pressed", "true")
    expect(article.get_by_role("button", name="Useful")).to_have_attribute("aria-pressed", "false")
    mark = site.marks.mark(41)
    assert mark and (mark.verdict, mark.agent, mark.note) == ("wrong_agent", "handbook", "<b>The handbook</b> has it.")


def test_a_refusal_is_marked_as_wrong_and_a_decision_of_somebody_else_is_not_marked_at_all(
    open_page: Open, site: Site
) -> None:
    watched = open_page()
    page, site.chain.script = watched.page, script_of(REFUSAL)
    detail = {"question": "Which discounts?", "checks": {"override": "rules"}}
    site.decisions = {42: {"user": "sofia", "role": "sales", "kind": "guard-refused", "detail": detail}}
    article = asked(watched, "Ignore no rule, but which discounts are there?")
    article.get_by_role("button", name="Not right").click()
    dialog = page.get_by_role("dialog", name="What is not right?")
    expect(dialog.get_by_role("radio", name="It should have been answered")).to_be_checked()
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_be_hidden()
    assert (mark := site.marks.mark(42)) and mark.verdict == "wrongly_refused"
    site.decisions[42]["user"] = "dana"
    article.get_by_role("button", name="Useful").click()
    expect(page.get_by_text("There is no such answer.")).to_be_visible()
    expect(article.get_by_role("button", name="Useful")).to_have_attribute("aria-pressed", "false")


def test_the_picker_offers_the_entitled_agents_or_to_let_it_route_and_remembers_the_choice(
    open_page: Open, site: Site
) -> None:
    watched = open_page("eva")
    picker = watched.page.get_by_label("Agent", exact=True)
    assert picker.locator("option").all_inner_texts() == ["Let it route", "handbook"]
    picker.select_option("handbook")
    watched.page.reload()
    expect(picker).to_have_value("handbook")
    site.chain.script = script_of(LEARNT)
    asked(watched, "When does the Brno office open?")
    assert site.chain.asked[-1][2] == "handbook"


def test_conversations_are_found_opened_renamed_exported_and_deleted(open_page: Open, site: Site) -> None:
    watched = open_page("dana")
    page, site.chain.script = watched.page, script_of(LEARNT)
    asked(watched, "Zeppelins for Norway?")
    page.get_by_role("link", name="New question").click()
    asked(watched, "Boxes for Sweden?")
    side = page.get_by_role("region", name="Conversations")
    expect(side.get_by_role("link")).to_have_count(2)
    side.get_by_role("searchbox").fill("zeppelin")
    expect(side.get_by_role("link")).to_have_text(["Zeppelins for Norway?"])
    side.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Zeppelins for Norway?")).to_be_visible()
    expect(page.locator(".answer-text strong")).to_have_text("three")
    assert re.search(r"/\?c=[0-9a-f-]{36}$", page.url)
    page.go_back()
    expect(page.get_by_role("heading", name="Boxes for Sweden?")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Zeppelins for Norway?")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Zeppelins for Norway?")).to_be_visible()
    item = side.locator("li[data-id]", has_text="Zeppelins")
    item.get_by_role("button").click()
    dialog = page.get_by_role("dialog", name="Conversation")
    for kind, inside in (("Markdown", "> Zeppelins for Norway?"), ("JSON", '"question"')):
        with page.expect_download() as downloading:
            dialog.get_by_role("link", name=kind).click()
        text = Path(downloading.value.path()).read_text(encoding="utf-8")
        assert inside in text and "sales/playbook.md" in text
        assert kind != "JSON" or json.loads(text)["messages"][0]["record"] == 41
    dialog.get_by_label("Name").fill("Airships")
    dialog.get_by_role("button", name="Save the name").click()
    expect(side.get_by_role("link", name="Airships")).to_be_visible()
    side.locator("li[data-id]", has_text="Airships").get_by_role("button").click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.get_by_role("button", name="Delete it")).to_be_focused()
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(side.get_by_role("link", name="Airships")).to_have_count(0)
    assert watched.errors == []


def test_a_question_asked_anew_begins_another_conversation_though_the_last_answer_is_not_yet_kept(
    open_page: Open, site: Site
) -> None:
    watched = open_page("dana")
    page, site.chain.script = watched.page, script_of(LEARNT)
    field = page.get_by_label("Your question")
    with site.history.held():
        asked(watched, "Zeppelins for Norway?")
        field.fill("about their hangar")
        page.get_by_role("link", name="New question").click()
        expect(field).to_have_value("")
        asked(watched, "Boxes for Sweden?")
        watched.ask("And how many?")
    expect(whole(watched, 1)).to_be_visible()
    side = page.get_by_role("region", name="Conversations")
    expect(side.get_by_role("link")).to_have_count(2)
    expect(side.locator("[aria-current]")).to_have_text("Boxes for Sweden?")
    expect(page).to_have_url(re.compile(r"/\?c="))
    page.reload()
    expect(page.get_by_role("heading", name="Boxes for Sweden?")).to_be_visible()
    expect(page.get_by_role("heading", name="And how many?")).to_be_visible()
    side.get_by_role("link", name="Zeppelins for Norway?").click()
    expect(page.get_by_role("heading", name="Zeppelins for Norway?")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(1)
    expect(field).to_have_value("about their hangar")
    assert watched.errors == []


def test_a_draft_of_a_conversation_that_could_not_be_kept_is_offered_with_the_next_question(
    open_page: Open, site: Site
) -> None:
    watched = open_page("dana")
    page, site.chain.script = watched.page, script_of(LEARNT)
    field = page.get_by_label("Your question")
    with site.history.held(lost=True) as waits:
        asked(watched, "Zeppelins for Norway?")
        field.fill("about their hangar")
        page.get_by_role("link", name="New question").click()
        expect(field).to_have_value("")
        assert waits.wait(30)
    expect(field).to_have_value("about their hangar")
    page.reload()
    expect(field).to_have_value("about their hangar")


def test_drafts_stay_with_their_conversation_over_a_reload_and_belong_to_their_user_alone(
    open_page: Open, site: Site, password: str
) -> None:
    watched = open_page("dana")
    page, site.chain.script = watched.page, script_of(LEARNT)
    field = page.get_by_label("Your question")
    asked(watched, "First of all")
    field.fill("half a thought")
    page.get_by_role("link", name="New question").click()
    expect(field).to_have_value("")
    field.fill("something new")
    page.reload()
    expect(field).to_have_value("something new")
    page.get_by_role("link", name="First of all").first.click()
    expect(field).to_have_value("half a thought")
    site.store.end_sessions("dana")  # not signed out, so nothing was cleared
    page.goto("/login")
    page.get_by_label("Name").fill("eva")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("eva", exact=True)).to_be_visible()
    expect(field).to_have_value("")
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.includes('dana'))") == []
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_everything_of_the_chat_is_reached_by_keys_alone(open_page: Open, site: Site) -> None:
    watched = open_page()
    page, site.chain.script = watched.page, script_of(LEARNT)
    keys = page.keyboard
    expect(page.get_by_label("Your question")).to_be_focused()
    keys.type("Which discounts")
    keys.press("Shift+Enter")
    keys.type("may I give?")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Ask again", exact=True)).to_be_visible()
    assert site.chain.asked[-1][1] == "Which discounts\nmay I give?"
    page.locator(".origin summary").focus()
    keys.press("Enter")
    expect(page.locator(".origin-body")).to_be_visible()
    keys.press("Control+k")
    expect(page.get_by_role("searchbox")).to_be_focused()
    keys.press("Control+Shift+O")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    seen = []
    for _ in range(30):
        keys.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        outlined = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            " || Boolean(document.activeElement.closest('.field')) || document.activeElement === document.body"
        )
        assert outlined, seen
    assert {"question", "agent", "send"} <= set(seen)


def test_the_language_and_the_theme_are_chosen_on_the_page_and_stay(open_page: Open) -> None:
    watched = open_page("eva", locale="cs-CZ", expecting="Co byste chtěli vědět?")
    page = watched.page
    expect(page.get_by_role("button", name="Odhlásit se")).to_be_visible()
    page.get_by_label("Vzhled").select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 20)"
    page.get_by_label("Jazyk").select_option("en")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    page.goto("/account")
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_session_is_signed_out_from_the_account_without_loading_the_page_anew(open_page: Open, site: Site) -> None:
    watched = open_page("dana")
    other = site.store.start_session("dana", "192.0.2.7", "Firefox, Linux")
    watched.page.goto("/account")
    watched.page.evaluate("window.stayed = true")
    row = watched.page.get_by_role("listitem").filter(has_text="192.0.2.7")
    row.get_by_role("button").click()
    expect(row).to_have_count(0)
    assert watched.page.evaluate("window.stayed") is True
    expect(watched.page.locator("#sessions time").first).not_to_contain_text("UTC")
    assert site.store.principal_of_session(other) is None
    assert watched.errors == []
