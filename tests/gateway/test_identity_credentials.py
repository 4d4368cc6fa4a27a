"""Sessions and keys under attack: stolen, expired, replayed, forged, planted; and what else a request says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import POLICY, Recorded, StandInChain
from starlette.routing import Route
from test_identity_logins import work_counted

from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.gateway import Limiter, UserStore, create_app
from allotment.gateway.identity._refusals import MOST_OF_ONE, WINDOW_S, Refusals
from allotment.gateway.web._security import csrf_token
from allotment.project import IdentityConfig

RunSql = Callable[..., int]
LogIn = Callable[..., str]
SESSION = "allotment_session"
CHOSEN = "seven-quiet-bridges"
CHAT = {"model": "auto", "messages": [{"role": "user", "content": "How many?"}]}
CLAIMED = {
    "x-forwarded-user": "dana",
    "x-remote-user": "dana",
    "remote-user": "dana",
    "x-user": "dana",
    "x-role": "director",
    "x-forwarded-groups": "board",
    "x-auth-request-user": "dana",
    "x-openwebui-user-name": "dana",
    "x-openwebui-user-role": "admin",
}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def fresh(value: str, name: str = SESSION) -> dict[str, str]:
    return {"cookie": f"{name}={value}"}


# -- sessions ----------------------------------------------------------------------------------


def test_a_cookie_used_after_the_logout_opens_nothing_and_is_on_record_with_its_user(
    client: TestClient, log_in: LogIn, recorded: Recorded, chain: StandInChain
) -> None:
    csrf = log_in("sofia")
    stolen = client.cookies[SESSION]
    assert client.post("/logout", data={"csrf": csrf}).status_code == 303
    client.cookies.clear()
    response = client.post("/ask", json={"question": "x"}, headers={**fresh(stolen), "x-csrf-token": csrf})
    assert response.status_code == 401 and chain.asked == []
    assert recorded.events[-2:] == [("sofia", "sales", "logged-out"), ("sofia", "sales", "request-refused")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE gateway.sessions SET seen_at = now() - interval '8 hours'",
        "UPDATE gateway.sessions SET created_at = now() - interval '24 hours'",
        "UPDATE gateway.sessions SET ended_at = now()",
        "UPDATE gateway.users SET disabled = true WHERE name = 'sofia'",
    ],
)
def test_a_session_that_is_over_is_refused_on_record_and_its_cookie_is_taken_back(
    client: TestClient, store: UserStore, run_sql: RunSql, recorded: Recorded, change: str
) -> None:
    token = store.start_session("sofia")
    run_sql(change)
    assert client.get("/", headers=fresh(token)).headers["location"] == "/login"
    assert recorded.events == [("sofia", "sales", "request-refused")]
    taken = [
        cookie
        for cookie in client.get("/login", headers=fresh(token)).headers.get_list("set-cookie")
        if cookie.startswith(f'{SESSION}=""')
    ]
    assert len(taken) == 1 and "Max-Age=0" in taken[0]


@pytest.mark.parametrize("token", ["x", "x" * 5000, "%00", "' OR 1=1 --", "../..", "eyJhbGciOiJub25lIn0.e30."])
def test_a_forged_cookie_is_nobodys(client: TestClient, recorded: Recorded, token: str) -> None:
    assert client.get("/", headers=fresh(token)).headers["location"] == "/login"
    assert recorded.events == [("", "", "request-refused")]


def test_how_long_a_session_lives_is_what_the_project_says(state_dsns: tuple[str, str], store: UserStore) -> None:
    token = store.start_session("sofia")
    hours = {"session_idle_h": 1.0, "session_life_h": 2.0}
    with UserStore(state_dsns[0], IdentityConfig.model_validate(hours)) as strict:
        assert strict.principal_of_session(token) is not None
        for column, minutes, faults in (("seen_at", 61, "idle"), ("created_at", 121, "old")):
            strict._database.run(f"UPDATE gateway.sessions SET {column} = now() - interval '{minutes} min'")
            found = strict.find_session(token)
            assert found is not None and faults in found.fault
            strict._database.run(f"UPDATE gateway.sessions SET {column} = now()")
        assert store.principal_of_session(token) is not None


def test_behind_tls_cookies_are_secure_and_only_this_host_can_have_set_them(
    chain: StandInChain,
    store: UserStore,
    recorded: Recorded,
    csrf_in: Callable[[str], str],
    password: str,
    limiter: Limiter,
) -> None:
    app = create_app(chain, store, title="N", ready=list, policy=POLICY, record=recorded, limiter=limiter, tls=True)
    with TestClient(app, base_url="https://ask.example.org", follow_redirects=False) as client:
        csrf = csrf_in(client.get("/login").text)
        response = client.post("/login", data={"name": "sofia", "password": password, "csrf": csrf})
        assert response.status_code == 303
        cookies = response.headers.get_list("set-cookie")
        (session,) = [each for each in cookies if each.startswith(f"__Host-{SESSION}=")]
        for mark in ("HttpOnly", "Path=/", "SameSite=strict", "Secure"):
            assert mark in session
        assert "Domain" not in session
        assert client.get("/").status_code == 200
        token = client.cookies[f"__Host-{SESSION}"]
        client.cookies.clear()
        # A neighbouring host, or somebody on the way without TLS, can plant the plain name and nothing else.
        assert client.get("/", headers=fresh(token)).headers["location"] == "/login"
        assert client.get("/", headers=fresh(token, f"__Host-{SESSION}")).status_code == 200


def test_without_tls_cookies_are_http_only_and_strict(client: TestClient, log_in: LogIn) -> None:
    client.cookies.clear()
    response = client.get("/login")
    assert all("HttpOnly" in each and "SameSite=strict" in each for each in response.headers.get_list("set-cookie"))


# -- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["revoked", "expired", "disabled", "undeclared"])
def test_a_key_that_is_over_is_refused_on_record(
    client: TestClient, store: UserStore, run_sql: RunSql, recorded: Recorded, chain: StandInChain, change: str
) -> None:
    user = "ghost" if change == "undeclared" else "sofia"
    key = store.create_key(user)
    if change == "revoked":
        assert store.revoke_key(store.keys("sofia")[0].id)
    elif change == "expired":
        run_sql("UPDATE gateway.api_keys SET expires_at = now()")
    elif change == "disabled":
        store.disable("sofia")
    response = client.post("/v1/chat/completions", json=CHAT, headers=bearer(key))
    assert response.status_code == 401 and chain.asked == []
    assert [(who, kind) for who, _, kind in recorded.events] == [(user, "key-refused")]


FORGED = ("al-", "al-" + "A" * 43, "al-" + "A" * 5_000, "sk-123", "eyJhbGciOiJub25lIn0.e30.", "é")


@pytest.mark.parametrize("key", FORGED)
def test_a_forged_key_is_nobodys_and_a_missing_one_is_not_worth_a_record(
    client: TestClient, recorded: Recorded, key: str
) -> None:
    assert client.get("/v1/models", headers={"authorization": f"Bearer {key}".encode()}).status_code == 401
    assert recorded.events == [("", "", "key-refused")]
    for nothing in ({}, {"authorization": "Bearer "}, {"authorization": "Basic c29maWE6eA=="}, fresh("x")):
        assert client.get("/v1/models", headers=nothing).status_code == 401
    assert len(recorded.events) == 1


def test_a_session_is_no_key_and_a_key_no_session(client: TestClient, store: UserStore) -> None:
    token, key = store.start_session("sofia"), store.create_key("sofia")
    assert client.get("/v1/models", headers=bearer(token)).status_code == 401
    assert client.get("/v1/models", headers=fresh(token)).status_code == 401
    assert client.get("/", headers=fresh(key)).status_code == 303


def test_a_key_carries_the_agents_it_is_good_for_into_every_question(
    client: TestClient, store: UserStore, chain: StandInChain
) -> None:
    key = store.create_key("sofia", agents=["handbook"])
    client.post("/v1/chat/completions", json=CHAT, headers=bearer(key))
    assert chain.asked[0][0] == Principal("sofia", "sales", agents=frozenset({"handbook"}))


def test_a_key_used_for_an_agent_it_is_not_good_for_is_refused_like_any_unknown_one_and_on_record(
    client: TestClient, store: UserStore, chain: StandInChain, recorded: Recorded
) -> None:
    narrow = store.create_key("sofia", agents=["handbook"])
    answers = []
    for model in ("sales", "no-such-agent"):
        response = client.post("/v1/chat/completions", json={**CHAT, "model": model}, headers=bearer(narrow))
        assert response.status_code == 404
        answers.append(response.text.replace(model, "NAME"))
    assert answers[0] == answers[1] and chain.asked == []
    assert recorded.events == [("sofia", "sales", "key-refused")] * 2
    assert [model["id"] for model in client.get("/v1/models", headers=bearer(narrow)).json()["data"]] == [
        "auto",
        "handbook",
    ]


def test_keys_expire_by_default_and_never_later_than_the_most(store: UserStore, run_sql: RunSql) -> None:
    store.create_key("sofia", label="report")
    in_range = "expires_at BETWEEN now() + interval '89 days' AND now() + interval '90 days'"
    assert run_sql(f"SELECT 1 FROM gateway.api_keys WHERE {in_range}") == 1
    for days in (366, 0, -1):
        with pytest.raises(ProjectError, match="cannot work for"):
            store.create_key("sofia", expires_days=days)
    with pytest.raises(ProjectError, match="no agent"):
        store.create_key("sofia", agents=[])
    (kept,) = store.keys("sofia")
    assert (kept.label, kept.agents, kept.last_used_at) == ("report", None, None)


def test_the_last_use_of_a_key_is_written_once_a_minute(store: UserStore, run_sql: RunSql) -> None:
    key = store.create_key("sofia")
    store.principal_of_key(key)
    first = store.keys("sofia")[0].last_used_at
    store.principal_of_key(key)
    assert first is not None and store.keys("sofia")[0].last_used_at == first
    run_sql("UPDATE gateway.api_keys SET last_used_at = now() - interval '61 s'")
    store.principal_of_key(key)
    second = store.keys("sofia")[0].last_used_at
    assert second is not None and second >= first


def test_a_request_costs_the_database_one_statement_and_no_password_hash(
    store: UserStore, monkeypatch: pytest.MonkeyPatch, run_sql: RunSql
) -> None:
    token, key = store.start_session("sofia"), store.create_key("sofia")
    for _ in range(2):  # the second time the minute for writing the last use is over
        for look in (lambda: store.principal_of_session(token), lambda: store.principal_of_key(key)):
            with work_counted(monkeypatch) as done:
                assert look() is not None
            assert len(done) == 1 and not done[0].startswith("argon2")
        run_sql("UPDATE gateway.sessions SET seen_at = now() - interval '2 minutes'")
        run_sql("UPDATE gateway.api_keys SET last_used_at = now() - interval '2 minutes'")


def test_statements_are_their_own_transactions_so_that_each_is_one_round_trip(store: UserStore) -> None:
    with store._database._connection() as connection:
        assert connection.autocommit
        connection.execute("SELECT 1")
        assert connection.info.transaction_status.name == "IDLE"


# -- what else a request says ------------------------------------------------------------------


def test_identity_headers_carry_no_authority_with_or_without_a_credential(
    client: TestClient, store: UserStore, chain: StandInChain, recorded: Recorded
) -> None:
    for path in ("/v1/models", "/"):
        assert client.get(path, headers=CLAIMED).status_code in (401, 303)
    assert recorded.events == []
    key, token = store.create_key("eva"), store.start_session("eva")
    client.post("/v1/chat/completions", json={**CHAT, "user": "dana"}, headers={**CLAIMED, **bearer(key)})
    client.post(
        "/ask", json={"question": "Who?"}, headers={**CLAIMED, **fresh(token), "x-csrf-token": csrf_token(token)}
    )
    assert [who for who, _, _ in chain.asked] == [Principal("eva", "employee")] * 2


def every_route(routes: Iterable[Any]) -> Iterator[Route]:
    """All routes, those of included routers as well, whether the description shows them or not."""
    for route in routes:
        if isinstance(route, Route):
            yield route
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from every_route(inner.routes)


def state_changing(app: FastAPI) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"\{[^}]*\}", "1", route.path))
        for route in every_route(app.routes)
        for method in (route.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }


def test_every_route_that_changes_something_wants_the_sessions_own_csrf_token(
    app: FastAPI, client: TestClient, store: UserStore, chain: StandInChain, recorded: Recorded
) -> None:
    """Found by walking the routes, so that a route that comes later is held to it as well."""
    found = state_changing(app) - {("POST", "/preferences")}  # it changes the browser's own cookies alone; below
    assert {("POST", "/login"), ("POST", "/logout"), ("POST", "/ask"), ("POST", "/set-up")} <= found
    token, other, link = store.start_session("sofia"), store.start_session("eva"), store.invite("otto", "sales")
    for method, path in sorted(found):
        for given in (None, csrf_token(other), "0" * 64, ""):
            headers = {**fresh(token), **({} if given is None else {"x-csrf-token": given})}
            form = {
                "token": link,
                "password": CHOSEN,
                "again": CHOSEN,
                "csrf": given or "",
            }
            for body in ({"data": form}, {"json": {"question": "How many?", **CHAT}}):
                response = client.request(method, path, headers=headers, **body)
                # Under /v1 a cookie, which a browser sends by itself, is no credential at all.
                expected = (401,) if path.startswith("/v1") else (403, 404) if path == "/set-up" else (403,)
                assert response.status_code in expected, (method, path, given, response.text)
    assert chain.asked == [] and {kind for *_, kind in recorded.events} <= {"request-refused"}
    assert store.principal_of_session(token) is not None
    assert store.set_up(link, CHOSEN) == "otto"


def test_another_site_cannot_choose_a_readers_language_or_theme(client: TestClient) -> None:
    form = {"language": "cs", "theme": "dark"}
    for site, expected in (("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)):
        response = client.post("/preferences", data=form, headers={"sec-fetch-site": site})
        assert (response.status_code, "set-cookie" in response.headers) == (expected, expected == 303), site


# -- the record --------------------------------------------------------------------------------


def test_knocking_fills_no_record_and_what_was_left_out_is_counted(client: TestClient, recorded: Recorded) -> None:
    for number in range(MOST_OF_ONE * 3):
        assert client.get("/v1/models", headers=bearer(f"al-{number}")).status_code == 401
    assert recorded.events == [("", "", "key-refused")] * MOST_OF_ONE


def test_a_new_minute_has_room_again_for_everybody_and_says_what_is_missing() -> None:
    now, written = [0.0], list[dict[str, object]]()

    def record(principal: Principal, kind: str, detail: dict[str, object]) -> int:
        written.append(detail)
        return len(written)

    refusals = Refusals(record, clock=lambda: now[0])
    for address in ("a", "b"):
        for _ in range(MOST_OF_ONE + 4):
            refusals.note(Principal("", ""), "key-refused", {}, address)
    assert len(written) == 2 * MOST_OF_ONE
    assert written[MOST_OF_ONE]["left_out"] == 4
    for number in range(1000):
        refusals.note(Principal("", ""), "key-refused", {}, f"far-{number}")
    assert len(written) == 120
    now[0] = WINDOW_S
    refusals.note(Principal("", ""), "key-refused", {}, "a")
    assert len(written) == 121 and written[-1]["left_out"] == 900


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(client: TestClient, recorded: Recorded) -> None:
    recorded.broken = True
    assert client.get("/v1/models", headers=bearer("al-x")).status_code == 401
    assert client.get("/", headers=fresh("x")).status_code == 303
