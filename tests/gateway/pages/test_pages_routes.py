"""Account, documents, conversations and the words on pages, over HTTP without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import ANSWER, POLICY, Recorded, StandInChain

from allotment.access import Principal
from allotment.answering import Passage
from allotment.errors import AccessDenied, IntegrityError
from allotment.gateway import History, HistoryStore, Limiter, UserStore, create_app
from allotment.gateway.web._security import csrf_token
from allotment.project import HistoryConfig

LogIn = Callable[..., str]
SOFIA, DANA = Principal("sofia", "sales"), Principal("dana", "director")
LEARNT = replace(ANSWER, account=None, sql=None, table=None, text="Malmö serves **Sweden**.")
NEW = "seven-quiet-bridges"


@pytest.fixture
def history(state_dsns: tuple[str, str], store: UserStore, run_sql: Callable[..., int]) -> Iterator[HistoryStore]:
    with closing(HistoryStore(state_dsns[0], HistoryConfig())) as opened:
        yield opened
    run_sql("DELETE FROM gateway.conversations")


@pytest.fixture
def app(chain: StandInChain, store: UserStore, recorded: Recorded, limiter: Limiter, history: HistoryStore) -> FastAPI:
    kept = History(history, lambda principal, agent, documents: True)
    return create_app(
        chain, store, title="Northwind", ready=list, policy=POLICY, record=recorded, limiter=limiter, history=kept
    )


# -- account ---------------------------------------------------------------------------------------


def test_the_account_names_every_session_and_which_one_is_here(
    client: TestClient, log_in: LogIn, store: UserStore
) -> None:
    log_in("sofia")
    store.start_session("sofia", "192.0.2.7", "Firefox, Linux")
    store.start_session("dana", "192.0.2.9", "Safari, macOS")
    page = client.get("/account").text
    assert "Firefox, Linux" in page and "192.0.2.7" in page
    assert "192.0.2.9" not in page
    assert page.count(">here<") == 1


@pytest.mark.parametrize(
    "agent, told",
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0", "Edge, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19 Safari/604",
            "Safari, iPhone",
        ),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_a_session_says_in_our_words_what_it_was_begun_with(
    client: TestClient, store: UserStore, csrf_in: Callable[[str], str], password: str, agent: str, told: str
) -> None:
    headers = {"user-agent": agent}
    form = csrf_in(client.get("/login").text)
    client.post("/login", data={"name": "eva", "password": password, "csrf": form}, headers=headers)
    (session,) = store.sessions("eva")
    assert session.browser == told


def test_a_session_is_signed_out_on_record_and_only_ones_own(
    client: TestClient, log_in: LogIn, store: UserStore, recorded: Recorded
) -> None:
    log_in("sofia")
    token = client.cookies["allotment_session"]
    csrf = {"csrf": csrf_token(token)}
    other, foreign = store.start_session("sofia"), store.start_session("dana")
    numbers = {name: store.sessions(name)[-1].id for name in ("sofia", "dana")}
    client.post(f"/account/sessions/{numbers['dana']}/end", data=csrf)
    assert store.principal_of_session(foreign) == DANA
    client.post(f"/account/sessions/{numbers['sofia']}/end", data=csrf)
    assert store.principal_of_session(other) is None
    assert store.principal_of_session(token) == SOFIA
    assert ("sofia", "sales", "session-ended") in recorded.events


def test_signing_out_the_session_one_looks_from_leads_to_the_login(
    client: TestClient, log_in: LogIn, store: UserStore, recorded: Recorded
) -> None:
    log_in("sofia")
    csrf = {"csrf": csrf_token(client.cookies["allotment_session"])}
    (own,) = store.sessions("sofia")
    assert client.post(f"/account/sessions/{own.id}/end", data=csrf).headers["location"] == "/login"
    assert store.sessions("sofia") == () and recorded.events[-1] == ("sofia", "sales", "logged-out")


def test_signing_out_everywhere_else_leaves_this_session_alone(
    client: TestClient, log_in: LogIn, store: UserStore
) -> None:
    log_in("sofia")
    for _ in range(3):
        store.start_session("sofia")
    answer = client.post(
        "/account/sessions/end-others",
        headers={"x-csrf-token": csrf_token(client.cookies["allotment_session"]), "hx-request": "true"},
    )
    assert answer.status_code == 200 and answer.text.count('action="/account/sessions/') == 1
    assert [one.is_this for one in store.sessions("sofia", client.cookies["allotment_session"])] == [True]


def test_what_cannot_be_recorded_ends_no_session_and_changes_no_password(
    client: TestClient, log_in: LogIn, store: UserStore, recorded: Recorded, password: str
) -> None:
    log_in("sofia")
    csrf = {"csrf": csrf_token(client.cookies["allotment_session"])}
    store.start_session("sofia")
    recorded.broken = True
    client.post("/account/sessions/end-others", data=csrf)
    body = {"current": password, "password": NEW, "again": NEW}
    assert client.post("/account/password", data={**csrf, **body}).status_code == 503
    assert len(store.sessions("sofia")) == 2
    assert store.authenticate("sofia", password) == SOFIA


@pytest.fixture
def nora(store: UserStore, client: TestClient, csrf_in: Callable[[str], str], password: str) -> dict[str, str]:
    """A user of the test's own, signed in; her CSRF token as form data."""
    store.add("nora", "employee", password)
    form = csrf_in(client.get("/login").text)
    client.post("/login", data={"name": "nora", "password": password, "csrf": form})
    return {"csrf": csrf_token(client.cookies["allotment_session"])}


def test_a_new_password_needs_the_current_one_and_signs_out_everywhere_else(
    client: TestClient, nora: dict[str, str], store: UserStore, recorded: Recorded, password: str
) -> None:
    before = client.cookies["allotment_session"]
    other = store.start_session("nora")
    wrong = client.post("/account/password", data={**nora, "current": "not it, no", "password": NEW, "again": NEW})
    assert wrong.status_code == 401 and "not your current password" in wrong.text
    assert store.principal_of_session(other) is not None
    done = client.post("/account/password", data={**nora, "current": password, "password": NEW, "again": NEW})
    assert (done.status_code, done.headers["location"]) == (303, "/account?changed")
    assert store.principal_of_session(other) is None and store.principal_of_session(before) is None
    assert "signed out everywhere else" in client.get("/account?changed").text
    assert store.authenticate("nora", NEW) is not None and store.authenticate("nora", password) is None
    assert ("nora", "employee", "password-changed") in recorded.events


@pytest.mark.parametrize(
    "new, again, words",
    [
        (NEW, NEW + "x", "not the same"),
        ("short", "short", "10 to 256 characters"),
        ("x" * 257, "x" * 257, "10 to 256 characters"),
        ("password123", "password123", "among the first to be guessed"),
    ],
)
def test_a_password_that_cannot_be_taken_is_told_why_and_nothing_is_tried(
    client: TestClient, nora: dict[str, str], store: UserStore, password: str, new: str, again: str, words: str
) -> None:
    refused = client.post("/account/password", data={**nora, "current": password, "password": new, "again": again})
    assert refused.status_code == 400 and words in refused.text
    assert store.authenticate("nora", password) is not None


def test_guessing_the_current_password_locks_like_guessing_at_the_login(
    client: TestClient, nora: dict[str, str]
) -> None:
    tries = [
        client.post("/account/password", data={**nora, "current": "guess guess", "password": NEW, "again": NEW})
        for _ in range(6)
    ]
    assert tries[-1].status_code == 429 and "Too many wrong tries" in tries[-1].text


@pytest.mark.parametrize("path", ["/account/password", "/account/sessions/1/end", "/account/sessions/end-others"])
def test_without_the_token_of_the_page_nothing_of_the_account_changes(
    client: TestClient, log_in: LogIn, path: str
) -> None:
    assert client.post(path, data={"current": "x", "password": NEW, "again": NEW}).status_code == 401
    log_in("sofia")
    for given in ("", "0" * 64, csrf_token("another session")):
        assert client.post(path, data={"csrf": given, "password": NEW, "again": NEW}).status_code == 403


def test_a_session_that_ended_is_told_at_the_login_and_a_missing_role_in_its_own_words(
    client: TestClient, log_in: LogIn, store: UserStore
) -> None:
    log_in("sofia")
    store.end_sessions("sofia")
    assert client.get("/").headers["location"] == "/login"
    assert "Your session has ended" in client.get("/login").text
    assert "Your session has ended" not in client.get("/login").text  # the cookie is gone
    client.cookies.set("allotment_session", store.start_session("ghost"))
    page = client.get("/login", headers={"accept-language": "cs"}).text
    assert "nemá žádnou roli" in page


# -- documents -------------------------------------------------------------------------------------


def test_a_document_is_shown_with_its_passages_and_the_one_that_was_looked_for(
    client: TestClient, log_in: LogIn, chain: StandInChain
) -> None:
    log_in("sofia")
    page = client.get("/document", params={"agent": "sales", "path": "sales/playbook.md", "section": "s1"}).text
    assert chain.read == [(SOFIA, "sales", "sales/playbook.md")]
    assert 'class="passage wanted"' in page and page.count("wanted") == 1
    assert "<strong>Norway</strong>" in page and "on record as number 77" in page
    assert page.count("<h2>Playbook</h2>") == 1 and "<h3>Nordic accounts</h3>" in page


@pytest.mark.parametrize(
    "agent, path",
    [
        ("board", "sales/playbook.md"),
        ("sales", "board/minutes.md"),
        ("", ""),
        ("sales", "../../etc/passwd"),
        ("x", "<b>"),
    ],
)
def test_what_may_not_be_read_and_what_is_not_there_are_the_same_page(
    client: TestClient, log_in: LogIn, agent: str, path: str
) -> None:
    log_in("sofia")
    refused = client.get("/document", params={"agent": agent, "path": path})
    assert refused.status_code == 404 and "There is no such document here" in refused.text
    absent = client.get("/document", params={"agent": "sales", "path": "nothing"})
    asked, other = refused.request.url.query.decode(), absent.request.url.query.decode()
    assert without(refused.text, asked) == without(absent.text, other)
    assert "<b>" not in refused.text.replace("<b></b>", "")


def without(page: str, query: str) -> str:
    """A page without the address it leads back to after a choice of language."""
    return page.replace(query.replace("&", "&amp;").replace("'", "&#39;"), "")


@pytest.mark.parametrize("fault", [AccessDenied("the record is away."), IntegrityError("sections differ.")])
def test_a_document_that_cannot_be_decided_or_read_is_not_shown_and_nothing_of_it_is_told(
    client: TestClient, log_in: LogIn, chain: StandInChain, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(*_: object) -> None:
        raise fault

    log_in("sofia")
    monkeypatch.setattr(chain, "read_document", broken)
    page = client.get("/document", params={"agent": "sales", "path": "sales/playbook.md"})
    assert page.status_code == 503 and "cannot be shown at the moment" in page.text
    assert "away" not in page.text and "differ" not in page.text


def test_markup_in_a_document_and_its_name_is_text(client: TestClient, log_in: LogIn, chain: StandInChain) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    chain.documents[evil] = (Passage('"><script>', (evil, evil), f"{evil} [x](javascript:alert(1)) ![y](//evil)"),)
    log_in("sofia")
    page = client.get("/document", params={"agent": "sales", "path": evil, "section": '"><script>'}).text
    assert "<img src=x" not in page and "<script>" not in page and 'javascript:alert(1)"' not in page
    assert "&lt;img src=x" in page


def test_nobody_reads_a_document_without_signing_in(client: TestClient, chain: StandInChain) -> None:
    answer = client.get("/document", params={"agent": "sales", "path": "sales/playbook.md"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert chain.read == []


# -- conversations ---------------------------------------------------------------------------------


def kept(history: HistoryStore, who: Principal, question: str) -> str:
    conversation = history.begin(who, question)
    history.add(who, conversation, question, LEARNT)
    return str(conversation)


def listed(client: TestClient, **query: str) -> list[str]:
    return [one["title"] for one in client.get("/history", params=query).json()["conversations"]]


def test_conversations_are_found_by_words_of_the_title_and_of_ones_own_questions(
    client: TestClient, log_in: LogIn, history: HistoryStore
) -> None:
    first = kept(history, SOFIA, "Who serves Sweden?")
    history.add(SOFIA, next(iter(history.conversations(SOFIA))).id, "And how many boxes make 100%?", LEARNT)
    kept(history, SOFIA, "Travel to Brno")
    kept(history, DANA, "Sweden and the board")
    log_in("sofia")
    assert listed(client, search="SWEDEN") == ["Who serves Sweden?"]
    assert listed(client, search="boxes") == ["Who serves Sweden?"]
    assert listed(client, search="100%") == ["Who serves Sweden?"]
    assert listed(client, search="Malmö") == []  # an answer's words find nothing
    for literal in ("%", "_", "\\", "%%", "'; DROP TABLE x; --"):
        assert len(listed(client, search=literal)) == (1 if literal == "%" else 0)
    assert listed(client) == ["Travel to Brno", "Who serves Sweden?"]
    assert client.get(f"/history/{first}").status_code == 200


def test_a_long_list_comes_in_parts_and_none_is_left_out(
    client: TestClient, log_in: LogIn, history: HistoryStore, run_sql: Callable[..., int]
) -> None:
    for number in range(130):
        history.begin(SOFIA, f"Question {number}")
    run_sql("UPDATE gateway.conversations SET created_at = now() - substr(title, 10)::int * interval '1 second'")
    log_in("sofia")
    first = client.get("/history").json()
    rest = client.get("/history", params={"before": first["before"]}).json()
    titles = [one["title"] for one in first["conversations"] + rest["conversations"]]
    assert titles == [f"Question {number}" for number in range(130)]
    assert rest["before"] is None


def test_a_conversation_is_renamed_by_its_user_alone(client: TestClient, log_in: LogIn, history: HistoryStore) -> None:
    mine, foreign = kept(history, SOFIA, "Mine"), kept(history, DANA, "Hers")
    token = {"x-csrf-token": log_in("sofia")}
    assert client.patch(f"/history/{mine}", json={"title": "  The   Swedes "}, headers=token).json() == {
        "title": "The   Swedes"
    }
    assert listed(client) == ["The Swedes"]
    assert client.patch(f"/history/{foreign}", json={"title": "Taken"}, headers=token).status_code == 404
    assert [one.title for one in history.conversations(DANA)] == ["Hers"]
    for bad in ({"title": ""}, {"title": "   "}, {"title": "x" * 201}, {"title": 7}, [], None):
        assert client.patch(f"/history/{mine}", json=bad, headers=token).status_code == 400
    assert client.patch(f"/history/{mine}", json={"title": "x"}).status_code == 403


@pytest.mark.parametrize("format, kind", [("markdown", "text/markdown; charset=utf-8"), ("json", "application/json")])
def test_a_conversation_is_exported_as_a_file_with_where_it_comes_from(
    client: TestClient, log_in: LogIn, history: HistoryStore, format: str, kind: str
) -> None:
    mine, foreign = kept(history, SOFIA, "Who serves\nSweden?"), kept(history, DANA, "Hers")
    log_in("sofia")
    file = client.get(f"/history/{mine}/export", params={"format": format})
    assert file.headers["content-type"] == kind
    assert file.headers["content-disposition"].startswith("attachment;")
    assert "Malmö serves **Sweden**." in file.text and "sales/playbook.md" in file.text and "41" in file.text
    if format == "markdown":
        assert "> Who serves\n> Sweden?" in file.text
    assert client.get(f"/history/{foreign}/export").status_code == 404
    assert client.get(f"/history/{mine}/export", params={"format": "exe"}).status_code == 400


def test_a_person_who_goes_to_a_wrong_address_gets_a_page_and_a_program_its_json(
    client: TestClient, log_in: LogIn
) -> None:
    as_browser = {"accept": "text/html,*/*", "accept-language": "cs"}
    page = client.get("/nowhere", headers=as_browser)
    assert page.status_code == 404 and "Taková stránka tu není." in page.text
    assert client.get("/nowhere").json() == {"error": "Not Found"}
    assert client.get("/v1/nowhere", headers=as_browser).json()["error"]["type"] == "not_found_error"
