"""Login, logout, the chat page and the stream behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from gateway_standin import ANSWER, Recorded, StandInChain, script_of

from allotment.access import Principal
from allotment.answering import Answer, Delta
from allotment.errors import EngineError
from allotment.gateway import UserStore
from allotment.gateway.web._security import csrf_token

LogIn = Callable[..., str]
SESSION = "allotment_session"


def frames_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


def set_cookie(client: TestClient, name: str, value: str) -> None:
    client.cookies.set(name, value, domain="testserver.local")


def ask(client: TestClient, csrf: str, question: str = "How many?", agent: str = "auto") -> Any:
    return client.post("/ask", json={"question": question, "agent": agent}, headers={"x-csrf-token": csrf})


def test_a_user_logs_in_and_sees_the_agents_of_his_role_only(client: TestClient, log_in: LogIn) -> None:
    log_in("eva")
    page = client.get("/").text
    assert "Northwind Traders" in page and "eva" in page and "employee" in page
    assert "handbook" in page and "the Brno office" in page
    assert "salaries" not in page and 'value="sales"' not in page


def test_a_wrong_password_and_an_unknown_name_read_the_same(
    client: TestClient, store: UserStore, csrf_in: Callable[[str], str]
) -> None:
    pages = []
    for name in ("sofia", "nobody"):
        csrf = csrf_in(client.get("/login").text)
        response = client.post("/login", data={"name": name, "password": "wrong wrong wrong", "csrf": csrf})
        assert response.status_code == 401 and SESSION not in response.cookies
        pages.append(response.text.replace(name, "NAME"))
    assert pages[0] == pages[1]
    assert "do not go together" in pages[0]


def test_a_locked_name_is_told_how_long_to_wait(
    client: TestClient, password: str, csrf_in: Callable[[str], str]
) -> None:
    csrf = csrf_in(client.get("/login").text)
    for _ in range(5):
        client.post("/login", data={"name": "eva", "password": "wrong wrong wrong", "csrf": csrf})
    response = client.post("/login", data={"name": "eva", "password": password, "csrf": csrf})
    assert response.status_code == 429 and "Too many wrong tries" in response.text
    assert 0 < int(response.headers["retry-after"]) <= 60


def test_a_user_of_an_undeclared_role_has_no_access(
    client: TestClient, password: str, store: UserStore, csrf_in: Callable[[str], str]
) -> None:
    csrf = csrf_in(client.get("/login").text)
    response = client.post("/login", data={"name": "ghost", "password": password, "csrf": csrf})
    assert response.status_code == 403 and "no role" in response.text and SESSION not in response.cookies
    set_cookie(client, SESSION, store.start_session("ghost"))
    assert client.get("/").headers["location"] == "/login"
    key = {"authorization": f"Bearer {store.create_key('ghost')}"}
    assert client.get("/v1/models", headers=key).status_code == 401


def test_a_user_declared_with_another_role_is_refused_and_told_both(
    client: TestClient, store: UserStore, password: str, csrf_in: Callable[[str], str], chain: StandInChain
) -> None:
    store.add("mara", "sales", password)
    client.cookies.set("allotment_session", store.start_session("mara"))
    assert client.get("/").headers["location"] == "/login"
    form = csrf_in(client.get("/login").text)
    response = client.post("/login", data={"name": "mara", "password": password, "csrf": form})
    assert response.status_code == 403
    for told in ("sales", "employee", "allotment users add mara --role employee"):
        assert told in response.text
    store.set_role("mara", "employee")
    assert client.post("/login", data={"name": "mara", "password": password, "csrf": form}).status_code == 303
    assert chain.asked == []


def test_logins_and_wrong_ones_are_on_record_until_a_name_is_locked(
    client: TestClient, log_in: LogIn, recorded: Recorded, csrf_in: Callable[[str], str], password: str
) -> None:
    log_in("sofia")
    assert recorded.events == [("sofia", "sales", "logged-in")]
    client.cookies.clear()
    form = csrf_in(client.get("/login").text)
    for name in (*["Nobody"] * 7, "my secret pass phrase!", "ghost"):
        client.post("/login", data={"name": name, "password": password, "csrf": form})
    refused = recorded.events[1:]
    assert refused == [("nobody", "", "login-refused")] * 5 + [
        ("", "", "login-refused"),  # what is no name might be a password typed into the wrong field
        ("ghost", "astronaut", "login-refused"),
    ]


def test_a_login_that_cannot_be_recorded_is_refused(
    client: TestClient, recorded: Recorded, csrf_in: Callable[[str], str], password: str
) -> None:
    form = csrf_in(client.get("/login").text)
    recorded.broken = True
    response = client.post("/login", data={"name": "sofia", "password": password, "csrf": form})
    assert response.status_code == 503
    assert SESSION not in response.cookies
    assert client.get("/").status_code == 303


def test_the_login_form_without_its_token_is_refused(client: TestClient, password: str) -> None:
    client.get("/login")
    response = client.post("/login", data={"name": "sofia", "password": password})
    assert response.status_code == 403 and SESSION not in response.cookies


def test_a_session_known_before_the_login_is_not_the_session_after_it(
    client: TestClient, log_in: LogIn, store: UserStore
) -> None:
    set_cookie(client, SESSION, "chosen-by-somebody-else")
    log_in("sofia")
    assert client.cookies[SESSION] != "chosen-by-somebody-else"
    assert store.principal_of_session("chosen-by-somebody-else") is None


def test_logging_in_again_changes_the_token_and_ends_the_old_session(
    client: TestClient, password: str, store: UserStore, log_in: LogIn
) -> None:
    log_in("sofia")
    old = client.cookies[SESSION]
    set_cookie(client, "allotment_login", "seen-before")
    form = {"name": "sofia", "password": password, "csrf": csrf_token("seen-before")}
    assert client.post("/login", data=form).status_code == 303
    assert store.principal_of_session(old) is None


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    client: TestClient, password: str, csrf_in: Callable[[str], str]
) -> None:
    csrf = csrf_in(client.get("/login").text)
    response = client.post("/login", data={"name": "sofia", "password": password, "csrf": csrf})
    (cookie,) = [c for c in response.headers.get_list("set-cookie") if c.startswith(SESSION)]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Secure" not in cookie


def test_over_tls_the_cookie_is_for_tls_only(app: Any) -> None:
    with TestClient(app, base_url="https://testserver") as client:
        response = client.get("/login")
    assert "Secure" in response.headers["set-cookie"]
    assert response.headers["strict-transport-security"].startswith("max-age=")


def test_logging_out_ends_the_session_on_the_server(client: TestClient, log_in: LogIn, store: UserStore) -> None:
    csrf = log_in("sofia")
    token = client.cookies[SESSION]
    assert client.post("/logout", data={"csrf": csrf}).headers["location"] == "/login"
    assert store.principal_of_session(token) is None
    set_cookie(client, SESSION, token)
    assert client.get("/").headers["location"] == "/login"


@pytest.mark.parametrize("cookie", ["", "forged", "al-" + "x" * 43, "é'; DROP TABLE x; --"])
def test_a_forged_cookie_leads_to_the_login_page(client: TestClient, cookie: str) -> None:
    response = client.get("/", headers={b"cookie": f"{SESSION}={cookie}".encode()})
    assert response.status_code == 303 and response.headers["location"] == "/login"


@pytest.mark.parametrize("token", ["", "0" * 64, "not hex"])
def test_a_missing_or_wrong_csrf_token_stops_every_act(
    client: TestClient, log_in: LogIn, chain: StandInChain, token: str
) -> None:
    log_in("sofia")
    assert ask(client, token).status_code == 403
    assert client.post("/logout", data={"csrf": token}).status_code == 403
    assert chain.asked == [] and client.get("/").status_code == 200


def test_the_csrf_token_of_one_session_is_not_good_in_another(
    client: TestClient, log_in: LogIn, store: UserStore
) -> None:
    csrf = log_in("sofia")
    set_cookie(client, SESSION, store.start_session("sofia"))
    assert ask(client, csrf).status_code == 403


def test_an_answer_streams_its_steps_its_text_and_where_it_comes_from(
    client: TestClient, log_in: LogIn, chain: StandInChain
) -> None:
    response = ask(client, log_in("sofia"), "How many orders went to Sweden?", "sales")
    assert response.headers["content-type"].startswith("text/event-stream")
    frames = frames_of(response.text)
    names = [name for name, _ in frames]
    assert [name for name in names if name != "text"] == ["step"] * 5 + ["answer"]
    assert names[4] == "text"  # pieces that come close together are sent together
    answer = frames[-1][1]
    assert answer["text"] == ANSWER.text and answer["blocks"] == [["p", {}, [ANSWER.text]]]
    assert ANSWER.text.startswith(frames[4][1]["blocks"][0][2][0])
    assert [data["means"] for name, data in frames if name == "step"] == [None] * 5
    assert (answer["agent"], answer["account"], answer["record"]) == ("sales", "northwind_sales", 41)
    assert (
        answer["table"]["rows"] == [["Sweden", 37, 3237.6]] and "".join(text for _, text in answer["sql"]) == ANSWER.sql
    )
    assert chain.asked == [(Principal("sofia", "sales"), "How many orders went to Sweden?", "sales")]


def test_a_script_in_an_answer_travels_as_data_and_never_as_a_page(
    client: TestClient, log_in: LogIn, chain: StandInChain
) -> None:
    evil = "</script><script>alert(1)</script>\n\nevent: answer\ndata: {}"
    chain.script = script_of(replace(ANSWER, text=evil))
    response = ask(client, log_in("sofia"), evil)
    frames = frames_of(response.text)
    assert [name for name, _ in frames].count("answer") == 1
    assert frames[-1][1]["text"] == evil
    assert response.headers["x-content-type-options"] == "nosniff"


def test_what_is_typed_into_the_login_form_comes_back_escaped(
    client: TestClient, csrf_in: Callable[[str], str]
) -> None:
    csrf = csrf_in(client.get("/login").text)
    form = {"name": '"><script>alert(1)</script>', "password": "wrong wrong wrong", "csrf": csrf}
    page = client.post("/login", data=form).text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_role_in_the_body_or_a_header_changes_nothing(client: TestClient, log_in: LogIn, chain: StandInChain) -> None:
    csrf = log_in("eva")
    headers = {"x-csrf-token": csrf, "x-role": "director", "x-forwarded-user": "dana", "remote-user": "dana"}
    client.post("/ask", json={"question": "Who?", "role": "director", "user": "dana"}, headers=headers)
    assert chain.asked == [(Principal("eva", "employee"), "Who?", None)]


@pytest.mark.parametrize("agent", ["board", "no-such-agent"])
def test_an_agent_of_others_is_refused_like_one_that_does_not_exist(
    client: TestClient, log_in: LogIn, chain: StandInChain, agent: str
) -> None:
    response = ask(client, log_in("eva"), agent=agent)
    assert (response.status_code, response.json()) == (404, {"error": "There is no such agent."})
    assert chain.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"question": ""}', b'{"question": "   "}', b'{"question": 3}'])
def test_a_question_that_is_none_is_refused_with_words(
    client: TestClient, log_in: LogIn, chain: StandInChain, body: bytes
) -> None:
    response = client.post("/ask", content=body, headers={"x-csrf-token": log_in()})
    assert response.status_code == 400 and response.json()["error"]
    assert chain.asked == []


@pytest.mark.parametrize("error", [RuntimeError("secret inner detail"), EngineError("secret inner detail")])
def test_a_chain_that_breaks_ends_the_stream_with_words_and_without_its_insides(
    client: TestClient, log_in: LogIn, chain: StandInChain, error: Exception
) -> None:
    chain.script = (Delta("The "), error)
    response = ask(client, log_in())
    assert frames_of(response.text)[-1][0] == "problem"
    assert "secret" not in response.text


def test_a_refusal_keeps_its_outcome(client: TestClient, log_in: LogIn, chain: StandInChain) -> None:
    chain.script = script_of(Answer("refused", "I may not say that. You can ask about holidays.", record=7))
    answer = frames_of(ask(client, log_in("eva")).text)[-1][1]
    assert (answer["outcome"], answer["agent"], answer["record"]) == ("refused", None, 7)


def test_earlier_questions_stand_around_the_question_and_are_bounded(
    client: TestClient, log_in: LogIn, chain: StandInChain
) -> None:
    headers = {"x-csrf-token": log_in()}
    asked = {"question": "And last year?", "earlier": ["How many orders?", "And in 1997?"]}
    assert client.post("/ask", json=asked, headers=headers).status_code == 200
    assert chain.earlier[-1] == ("How many orders?", "And in 1997?")
    for earlier in (["When?"] * 4, ["x" * 4001], "When?", [1]):
        assert client.post("/ask", json={"question": "When?", "earlier": earlier}, headers=headers).status_code == 400
