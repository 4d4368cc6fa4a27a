"""The administration in a real browser: every page in both languages and themes, from a phone to a wide window.

What it photographs are the documentation's pictures: with ALLOTMENT_PICTURES set they are put into docs/images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from admin_place import Place, unfinished, write_metrics
from axe_playwright_python.sync_playwright import Axe
from filelock import FileLock
from gateway_serving import serving
from gateway_watched import Scheme, Watched
from playwright.sync_api import Browser, expect

from allotment.dataset import load_items
from allotment.dataset._decisions import decisions_file, load_decisions

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[3] / "docs" / "images"
PAGES = (
    "people",
    "people/petra",
    "access",
    "documents",
    "dataset",
    "dataset/board",
    "training",
    "training/board/v2",
    "experiments",
    "experiments/ranks",
    "guards",
    "feedback",
    "database",
    "audit",
    "health",
)
WIDTHS = (320, 768, 1440)
PICTURED = {"access": "admin-access", "dataset/board": "admin-review", "training/board/v2": "admin-training"} | {
    "people": "admin-people",
    "audit": "admin-audit",
    "experiments/ranks": "admin-experiments",
    "guards": "admin-guards",
    "feedback": "admin-feedback",
    "health": "admin-health",
    "documents": "admin-documents",
}
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    with serving(place.app) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, place: Place, address: str) -> Iterator[Open]:
    """Opens a watched page of somebody who is signed in; all are closed at the end."""
    opened: list[Watched] = []

    def open_one(user: str = "dana", width: int = 1440, scheme: Scheme = "light", locale: str = "en-US") -> Watched:
        watched = Watched(browser, address, width, scheme, locale)
        token = place.users.start_session(user, "127.0.0.1", "Chrome, Linux")
        watched.context.add_cookies([{"name": "allotment_session", "value": token, "url": address}])
        opened.append(watched)
        return watched

    yield open_one
    for watched in opened:
        watched.context.close()


@pytest.fixture
def undecided(place: Place) -> Iterator[None]:
    """No pair is decided before or after the test."""
    decisions_file(place.workspace, "handbook").unlink(missing_ok=True)
    yield
    decisions_file(place.workspace, "handbook").unlink(missing_ok=True)


def picture(watched: Watched, name: str) -> None:
    watched.page.evaluate("document.activeElement?.blur?.()")
    watched.documentation_picture(name)


def violations(watched: Watched, **options: object) -> list[str]:
    found = Axe().run(watched.page, options=options or None).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("locale", ["en-US", "cs-CZ"])
def test_every_page_can_be_read_by_everybody_and_loads_nothing_from_elsewhere(
    open_page: Open, address: str, locale: str
) -> None:
    watched = open_page("dana", locale=locale)
    wrong: dict[str, list[str]] = {}
    for name in PAGES:
        watched.page.goto(f"/admin/{name}")
        expect(watched.page.locator("h1")).to_be_visible()
        assert watched.page.locator("html").get_attribute("lang") == locale[:2]
        for width in WIDTHS:
            watched.page.set_viewport_size({"width": width, "height": 900})
            faults = violations(watched)
            faults += [] if watched.no_wider_than_the_window() else ["wider than the window"]
            watched.picture(f"admin-{name.replace('/', '-')}-{locale[:2]}-{width}")
            if name in PICTURED and (locale, width) == ("en-US", WIDTHS[-1]):
                picture(watched, PICTURED[name])
            watched.page.emulate_media(color_scheme="dark")
            faults += violations(watched, runOnly=["color-contrast"])  # its colours are all that is different
            watched.page.emulate_media(color_scheme="light")
            wrong |= {f"{name}, {width}": faults} if faults else {}
        watched.page.emulate_media(color_scheme="dark")
        watched.picture(f"admin-{name.replace('/', '-')}-{locale[:2]}-dark")
        watched.page.emulate_media(color_scheme="light")
    assert wrong == {}
    assert watched.errors == []
    assert watched.hosts == {urlsplit(address).netloc}


def test_a_czech_page_has_no_english_sentence_of_ours_left(place: Place, open_page: Open) -> None:
    watched = open_page("dana", 1440, "light", "cs-CZ")
    described = [*place.project.roles.values(), *(agent.description for agent in place.project.agents.values())]
    described += [item.question for agent in place.project.agents for item in load_items(place.workspace, agent)]
    for event in place.events():
        described += [str(told["question"]) for told in (event, event.get("detail", {})) if told.get("question")]
    for name in PAGES:
        watched.page.goto(f"/admin/{name}")
        for element in watched.page.locator("main h1, main h2, main .lead, main th, main summary, main button").all():
            words = element.inner_text()
            for text in sorted(described, key=len, reverse=True):  # the company's own words, in its own language
                words = words.replace(text, "")
            words = re.sub(r"\S+/\S+", "", words)  # and the names of its files
            assert not re.search(r"\b(the|and|of|who|which|is|are|not|every)\b", words), (name, words)


def test_somebody_is_invited_and_chooses_his_password(open_page: Open, place: Place, browser: Browser) -> None:
    watched = open_page("olga", 768)
    page = watched.page
    page.goto("/admin/people")
    page.get_by_text("Invite somebody").click()
    page.get_by_label("Login name").fill("irena")
    page.locator("#invite-role").select_option("employee")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#set-up-link").inner_text()
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/set-up\?token=[0-9a-f]{64}", link)
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.go_back()
    assert page.locator("#set-up-link").count() == 0  # nothing keeps it
    page.goto("/admin/people?find=irena")
    expect(page.get_by_role("link", name="irena")).to_be_visible()
    assert watched.errors == []
    place.run_sql("DELETE FROM gateway.users WHERE name = 'irena'")


@pytest.mark.usefixtures("undecided")
def test_pairs_are_reviewed_with_the_keyboard_alone(open_page: Open, place: Place) -> None:
    watched = open_page("dana", 1440)
    page = watched.page
    page.goto("/admin/dataset/handbook")
    articles = page.locator(".pair")
    expect(articles.first).to_be_visible()
    keys = page.locator('.pair input[name="key"][type="hidden"]').evaluate_all("all => all.map(one => one.value)")
    page.keyboard.press("j")
    expect(articles.nth(0)).to_be_focused()
    page.keyboard.press("a")
    expect(articles.nth(0)).to_have_class(re.compile("accept"))
    expect(articles.nth(1)).to_be_focused()
    page.keyboard.press("r")
    expect(articles.nth(1)).to_have_class(re.compile("reject"))
    expect(articles.nth(2)).to_be_focused()
    page.keyboard.press("e")
    box = articles.nth(2).get_by_label("Question", exact=True)
    expect(box).to_be_focused()
    box.fill("")
    articles.nth(2).get_by_role("button", name="Keep these words").click()
    expect(articles.nth(2).get_by_role("alert")).to_have_text("The question is empty.")
    articles.nth(2).get_by_label("Question", exact=True).fill("Asked in other words?")
    articles.nth(2).get_by_role("button", name="Keep these words").click()
    expect(articles.nth(2).get_by_role("heading")).to_have_text("Asked in other words?")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("[data-choice]:checked")).to_have_count(1)
    found = load_decisions(place.workspace, "handbook")
    assert [found[key].outcome for key in keys[:3]] == ["accept", "reject", "edit"]
    assert {found[key].reviewer for key in keys[:3]} == {"dana"}
    assert [error for error in watched.errors if "422" not in error] == []  # of the empty question


@pytest.mark.usefixtures("undecided")
def test_many_pairs_are_decided_at_once(open_page: Open, place: Place) -> None:
    watched = open_page("dana", 1440)
    page = watched.page
    page.goto("/admin/dataset/handbook")
    expect(page.get_by_role("button", name="Reject the chosen")).to_be_disabled()
    page.get_by_label("all on this page").check()
    page.get_by_role("button", name="Reject the chosen").click()
    expect(page.get_by_text("1 to 5 of 5")).to_be_visible()
    outcomes = {one.outcome for one in load_decisions(place.workspace, "handbook").values()}
    assert (len(load_decisions(place.workspace, "handbook")), outcomes) == (20, {"reject"})
    assert watched.errors == []


@pytest.mark.usefixtures("undecided")
def test_every_act_works_without_a_script(browser: Browser, place: Place, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False, locale="en-US")
    token = place.users.start_session("dana")
    context.add_cookies([{"name": "allotment_session", "value": token, "url": address}])
    page = context.new_page()
    page.goto("/admin/dataset/handbook")
    page.get_by_role("button", name="Accept", exact=True).first.click()
    expect(page.get_by_text("1 to 20 of 24")).to_be_visible()
    page.goto("/admin/people/petra")
    page.get_by_role("button", name="Shut out").click()
    expect(page.get_by_text("Shut out: sessions and running answers end")).to_be_visible()
    page.get_by_role("button", name="Let in again").click()
    expect(page.get_by_text("Let in again.")).to_be_visible()
    context.close()


def test_a_training_is_followed_while_it_runs(open_page: Open, place: Place) -> None:
    watched = open_page("olga", 1440)
    work = unfinished(place.workspace, "sales", 12)
    try:
        with FileLock(place.workspace.home / "training-sales.lock"):
            watched.page.goto("/admin/training")
            card = watched.page.locator("#live-sales")
            expect(card.get_by_text("step 12 of at most 120")).to_be_visible()
            write_metrics(work / "metrics.jsonl", 60, 0.3)
            expect(card.get_by_text("step 60 of at most 120")).to_be_visible()
            card.scroll_into_view_if_needed()
            picture(watched, "admin-training-live")
        expect(card.get_by_text("left unfinished")).to_be_visible()
    finally:
        for file in work.iterdir():
            file.unlink()
        work.rmdir()
    assert watched.errors == []


def test_a_decision_is_tried_without_running_it(open_page: Open, place: Place) -> None:
    watched = open_page("dana", 1440)
    page = watched.page
    page.goto("/admin/access")
    page.locator("#try-role").select_option("employee")
    page.locator("#try-question").fill("What room is the welcome session in?")
    page.get_by_role("button", name="Show the decision").click()
    expect(page.get_by_role("list", name="What would be decided")).to_contain_text("allowed")
    page.locator("#try").scroll_into_view_if_needed()
    picture(watched, "admin-try-as")
    assert place.chain.asked == []
    page.locator("td.no summary").first.click()
    expect(page.get_by_text("the agent does not serve this role").first).to_be_visible()
    assert watched.errors == []


@pytest.mark.usefixtures("undecided")
def test_a_session_that_ended_meanwhile_is_told_in_words_and_nothing_is_done(open_page: Open, place: Place) -> None:
    watched = open_page("dana", 1440)
    watched.page.goto("/admin/dataset/handbook")
    place.users.end_sessions("dana")
    watched.page.get_by_role("button", name="Accept", exact=True).first.click()
    expect(watched.page.get_by_text("You are signed out. Sign in and try again.")).to_be_visible()
    assert load_decisions(place.workspace, "handbook") == {}


def test_the_record_is_verified_while_its_page_looks_on(open_page: Open) -> None:
    watched = open_page("dana", 1440)
    watched.page.goto("/admin/audit")
    watched.page.get_by_role("button", name="Verify all of it").click()
    expect(watched.page.get_by_text("The record is whole")).to_be_visible()
    with watched.page.expect_download() as download:
        watched.page.get_by_role("link", name="Export").click()
    assert download.value.suggested_filename == "audit.jsonl"
    assert watched.errors == []


def test_the_pictures_of_the_documentation_are_taken_here() -> None:
    page = (IMAGES.parent / "administration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"images/(admin-[\w-]+)\.png", page))
    assert named and named <= {*PICTURED.values(), "admin-training-live", "admin-try-as"}
    assert all((IMAGES / f"{name}.png").is_file() for name in named)
