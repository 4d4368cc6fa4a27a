"""Login with a provider and a set-up link in a real browser: cookies and policies as a browser takes them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from gateway_standin import POLICY, Recorded, StandInChain
from playwright.sync_api import Browser, expect
from test_identity_oidc import SOFIE, TABLE, started

from allotment.gateway import Limiter, UserStore, create_app
from allotment.project import IdentityConfig, OidcConfig

pytestmark = pytest.mark.browser


@contextmanager
def serving_on(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def test_a_browser_logs_in_at_another_site_and_comes_back_into_the_chat(
    browser: Browser, state_dsns: tuple[str, str], store: UserStore, monkeypatch: pytest.MonkeyPatch, limiter: Limiter
) -> None:
    monkeypatch.setenv("OIDC_SECRET", "the client's own secret")
    with started("oidc_process.py") as issuer, socket.create_server(("127.0.0.1", 0)) as listener:
        # localhost and 127.0.0.1 are two sites to a browser, so a strict cookie stays at home on the way back.
        url = f"http://localhost:{listener.getsockname()[1]}"
        oidc = OidcConfig(
            issuer=issuer, client_id="allotment", client_secret="env:OIDC_SECRET", user_claim="login", roles=TABLE
        )
        assert httpx.post(f"{issuer}/control", json={"claims": SOFIE}).status_code == 200
        with UserStore(state_dsns[0], IdentityConfig(url=url, oidc=oidc)) as users:
            app = create_app(
                StandInChain(), users, title="N", ready=list, policy=POLICY, record=Recorded(), limiter=limiter
            )
            with serving_on(app, listener):
                context = browser.new_context(base_url=url)
                page = context.new_page()
                errors: list[str] = []
                page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
                page.goto("/login")
                page.get_by_role("link", name="Sign in with your company account").click()
                expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
                expect(page.get_by_text("sofie")).to_be_visible()
                assert page.url == f"{url}/" and errors == []
                (session,) = [each for each in context.cookies() if each["name"] == "allotment_session"]
                assert session["httpOnly"] and session["sameSite"] == "Strict"

                link = users.invite("otto", "sales")
                context.clear_cookies()
                page.goto(f"/set-up?token={link}")
                page.get_by_label("Password").fill("seven-quiet-bridges")
                page.get_by_label("Once more").fill("seven-quiet-bridges")
                page.get_by_role("button", name="Set the password").click()
                expect(page.get_by_text("Your password is set")).to_be_visible()
                page.get_by_label("Name").fill("otto")
                page.get_by_label("Password").fill("seven-quiet-bridges")
                page.get_by_role("button", name="Sign in", exact=True).click()
                expect(page.get_by_text("otto")).to_be_visible()
                assert errors == []
                context.close()
