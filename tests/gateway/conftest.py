"""A user store in the real PostgreSQL, the application over a chain without models, and a real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_serving import serving
from gateway_standin import POLICY, Recorded, StandInChain, limiter_of
from playwright.sync_api import Browser, expect, sync_playwright

from allotment.databases import Databases
from allotment.gateway import Limiter, UserStore, create_app

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
QUIETER = ("--disable-sync", "--no-first-run")
PASSWORD = "quiet-meadow-42"


@pytest.fixture(scope="session")
def password() -> str:
    return PASSWORD


@pytest.fixture(scope="session")
def state_dsns(postgres: Databases) -> tuple[str, str]:
    """Connection strings of the application's own database: as the application, and as administrator."""
    return postgres.state_dsn, postgres.admin_dsn("allotment")


@pytest.fixture(scope="session")
def _seeded(state_dsns: tuple[str, str]) -> Iterator[UserStore]:
    application, administrator = state_dsns
    with UserStore(application) as store:
        store.migrate(administrator)
        for name, role in (("eva", "employee"), ("sofia", "sales"), ("dana", "director"), ("ghost", "astronaut")):
            store.add(name, role, PASSWORD)
        yield store


@pytest.fixture
def run_sql(state_dsns: tuple[str, str]) -> Callable[..., int]:
    """Runs a statement as administrator, to move time or to look behind the store."""

    def run(statement: str, *arguments: object) -> int:
        with psycopg.connect(state_dsns[1]) as connection:
            return connection.execute(statement.encode(), arguments or None).rowcount

    return run


@pytest.fixture
def store(_seeded: UserStore, run_sql: Callable[..., int]) -> Iterator[UserStore]:
    """Users eva (employee), sofia (sales), dana (director) and ghost (of a role nobody declared)."""
    yield _seeded
    kept = "gateway.sessions, gateway.api_keys, gateway.login_tries, gateway.login_addresses"
    run_sql(f"TRUNCATE {kept}, gateway.set_up_links, gateway.oidc_logins")
    run_sql("DELETE FROM gateway.users WHERE name NOT IN ('eva', 'sofia', 'dana', 'ghost')")
    run_sql("UPDATE gateway.users SET disabled = false WHERE disabled")


@pytest.fixture
def chain() -> StandInChain:
    return StandInChain()


@pytest.fixture
def problems() -> list[str]:
    """What stands in the way of being ready."""
    return []


@pytest.fixture
def recorded() -> Recorded:
    """What was written to the record."""
    return Recorded()


@pytest.fixture
def limiter(state_dsns: tuple[str, str], store: UserStore, recorded: Recorded) -> Iterator[Limiter]:
    """Limits nobody reaches."""
    with limiter_of(state_dsns[0], recorded) as made:
        yield made


@pytest.fixture
def app(chain: StandInChain, store: UserStore, problems: list[str], recorded: Recorded, limiter: Limiter) -> FastAPI:
    return create_app(
        chain,
        store,
        title="Northwind Traders",
        ready=lambda: problems,
        policy=POLICY,
        record=recorded,
        limiter=limiter,
    )


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A browser-like client that does not follow redirects."""
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def log_in(client: TestClient) -> Callable[..., str]:
    """Logs the client in; returns the CSRF token of the chat page."""

    def enter(name: str = "sofia") -> str:
        form = csrf_of(client.get("/login").text)
        response = client.post("/login", data={"name": name, "password": PASSWORD, "csrf": form})
        assert response.status_code == 303, response.text
        return csrf_of(client.get("/").text)

    return enter


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf(?:-token)?" (?:value|content)="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


@pytest.fixture
def csrf_in() -> Callable[[str], str]:
    return csrf_of


PATIENCE_MS = 30_000
"""Milliseconds a page may take to become what a test waits for: others use this machine too."""


@pytest.fixture
def serve_app() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """Serves an application of the test's own; see ``serving``."""
    return serving


@pytest.fixture(scope="session")
def serve_all() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """As ``serve_app``, for a server that several tests share."""
    return serving


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, without anything it would load by itself."""
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(chromium).exists():
        pytest.fail(f"{chromium} is missing; `make chromium` installs it")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *QUIETER])
        yield opened
        opened.close()
