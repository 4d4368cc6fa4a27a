"""What holds on every route, found by walking the routes the application has."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import POLICY, Recorded, StandInChain

from allotment.gateway import Limiter, UserStore, create_app
from allotment.gateway._app import MAX_BODY_BYTES
from allotment.gateway.web._security import SECURITY_HEADERS, csrf_token

STATIC = Path(__file__).parents[2] / "src/allotment/gateway/pages/static"
TEMPLATES = STATIC.parent / "templates"
NO_LINK = {("GET", "/set-up"), ("POST", "/set-up")}
OPEN = {("GET", "/login"), ("GET", "/healthz"), ("GET", "/readyz")}
ROUTES = {
    *OPEN,
    *NO_LINK,
    ("POST", "/login"),
    ("POST", "/preferences"),
    ("GET", "/account"),
    ("POST", "/account/password"),
    ("POST", "/account/sessions/{number}/end"),
    ("POST", "/account/sessions/end-others"),
    ("GET", "/document"),
    ("POST", "/logout"),
    ("GET", "/"),
    ("POST", "/ask"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{name}"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/openapi.json"),
}


def test_the_routes_are_these_and_no_others(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == ROUTES


@pytest.mark.parametrize("method, path", sorted(ROUTES))
def test_nobody_gets_anything_but_the_login_and_the_health(
    client: TestClient, chain: StandInChain, method: str, path: str
) -> None:
    response = client.request(
        method, path.replace("{name}", "sales").replace("{number}", "1"), json={"question": "x", "model": "auto"}
    )
    if (method, path) in OPEN:
        assert response.status_code == 200
    elif path == "/preferences":  # a language is chosen before a login, and says nothing of anybody
        assert (response.status_code, response.headers["location"]) == (303, "/")
    elif path in ("/", "/logout", "/document") or (method, path) == ("GET", "/account"):
        assert (response.status_code, response.headers["location"]) == (303, "/login")
    else:
        assert response.status_code in ((403, 404) if (method, path) in NO_LINK else (401, 403))
    assert chain.asked == []
    assert not any(name in response.text for name in ("handbook", "board"))


@pytest.mark.parametrize("method, path", [*sorted(ROUTES), ("GET", "/static/style.css"), ("GET", "/nowhere")])
def test_every_response_carries_the_security_headers(client: TestClient, method: str, path: str) -> None:
    headers = client.request(method, path).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "'unsafe" not in headers["content-security-policy"]
    assert path.startswith("/static/") or headers["cache-control"] == "no-store"


def test_a_crash_is_a_plain_500_with_the_security_headers(
    client: TestClient, chain: StandInChain, store: UserStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(principal: object) -> None:
        raise RuntimeError("secret inner detail")

    monkeypatch.setattr(chain, "agents_for", broken)
    response = client.get("/v1/models", headers={"authorization": f"Bearer {store.create_key('sofia')}"})
    assert response.status_code == 500 and "secret" not in response.text
    assert response.json()["error"]["type"] == "server_error"
    assert response.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", ["/ask", "/login", "/v1/chat/completions"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(
    client: TestClient, store: UserStore, path: str, declared: bool
) -> None:
    client.cookies.set("allotment_session", token := store.start_session("sofia"))
    headers = {"authorization": f"Bearer {store.create_key('sofia')}", "x-csrf-token": csrf_token(token)}
    body = b"x" * (MAX_BODY_BYTES + 1)
    content = body if declared else iter([body[:1000], body[1000:]])
    headers["content-type"] = "application/x-www-form-urlencoded"
    assert client.post(path, content=content, headers=headers).status_code == 413


def test_a_request_for_another_host_is_refused_where_hosts_are_listed(
    chain: StandInChain, store: UserStore, limiter: Limiter
) -> None:
    app = create_app(
        chain,
        store,
        title="N",
        ready=list,
        policy=POLICY,
        record=Recorded(),
        limiter=limiter,
        allowed_hosts=["ask.example.org"],
    )
    with TestClient(app) as client:
        assert client.get("/healthz").status_code == 400
        assert client.get("/healthz", headers={"host": "ask.example.org"}).status_code == 200


def test_ready_says_how_many_problems_there_are_and_keeps_what_they_are_to_the_log(
    client: TestClient, problems: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allotment.gateway.operations._health.LOOK_EVERY_S", 0.0)
    assert client.get("/readyz").json() == {"status": "ready", "problems": 0}
    problems.append("adapter of agent board is stale")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["problems"]) == (503, 1)
    assert "adapter of agent board is stale" in caplog.text and "board" not in response.text


@pytest.mark.parametrize("file", sorted(path.name for path in [*STATIC.glob("*.*"), *TEMPLATES.iterdir()]))
def test_no_page_or_script_names_another_host_or_has_anything_inline(file: str) -> None:
    folder = STATIC if (STATIC / file).exists() else TEMPLATES
    text = (folder / file).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    for forbidden in ("http://", "https://", "<style", " style=", "onclick=", "innerHTML", "<script>", "eval("):
        assert forbidden not in text


def test_a_path_out_of_the_static_folder_is_not_found(client: TestClient) -> None:
    for path in ("/static/../_users.py", "/static/%2e%2e/_users.py", "/static/..%2f_users.py"):
        assert client.get(path).status_code == 404
