"""Login with a company's own provider: a real one in a process of its own, honest and forging."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from gateway_standin import POLICY, Recorded, StandInChain

from allotment.access import Principal, claims_of
from allotment.errors import ProjectError
from allotment.gateway import Limiter, UserStore, create_app
from allotment.gateway.identity import _provider
from allotment.gateway.identity._provider import Provider
from allotment.project import IdentityConfig, OidcConfig

RunSql = Callable[..., int]
SESSION = "allotment_session"
TABLE = {"staff": "employee", "sellers": "sales", "sales-west": "sales", "board": "director"}
SOFIE = {
    "sub": "s-77",
    "login": "sofie",
    "groups": ["everybody", "sellers"],
    "number": 5,
    "regions": ["north", "south"],
}
FORGERIES = (
    "no signature",
    "the signature cut off",
    "the public key as a secret",
    "the client's secret",
    "a shared key",
    "another key under the same name",
    "an unknown key",
    "a key it brings along",
    "other claims under the signature",
    "another audience",
    "several audiences",
    "made for another",
    "another issuer",
    "expired",
    "made long ago",
    "from the future",
    "not yet",
    "replayed nonce",
    "nobody",
    "another access token",
    "without exp",
    "without iat",
    "without aud",
    "without iss",
    "without nonce",
    "without sub",
    "no token at all",
    "no ID token",
)


@contextmanager
def started(*command: str) -> Iterator[str]:
    """A process that prints its port; yields its address."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(__file__).parent
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with started("oidc_process.py") as address:
        yield address


@dataclass
class Company:
    """The gateway, with a browser in front and the provider behind."""

    client: TestClient
    users: UserStore
    recorded: Recorded
    issuer: str

    def tell(self, **settings: Any) -> None:
        """Tell the provider who is logged in there, and how to forge."""
        assert httpx.post(f"{self.issuer}/control", json={"forge": "", "issuer": "", **settings}).status_code == 200

    def leave(self) -> str:
        """Press the button; returns where the provider sends the browser back to."""
        there = self.client.get("/login/oidc")
        assert there.status_code == 303, there.text
        back = httpx.get(there.headers["location"])
        assert back.status_code == 302, back.text
        address = urlsplit(back.headers["location"])
        return f"{address.path}?{address.query}"

    def log_in(self, **claims: Any) -> Any:
        self.tell(claims={**SOFIE, **claims})
        return self.client.get(self.leave())

    def kinds(self) -> list[tuple[str, str, str]]:
        return self.recorded.events


@pytest.fixture
def settings(issuer: str, monkeypatch: pytest.MonkeyPatch) -> IdentityConfig:
    monkeypatch.setenv("OIDC_SECRET", "the client's own secret")
    return IdentityConfig(
        oidc=OidcConfig(
            issuer=issuer,
            client_id="allotment",
            client_secret="env:OIDC_SECRET",
            user_claim="login",
            roles=TABLE,
            claims={"employee_id": "number", "region": "regions"},
        )
    )


@pytest.fixture
def company(
    store: UserStore,
    state_dsns: tuple[str, str],
    settings: IdentityConfig,
    issuer: str,
    recorded: Recorded,
    limiter: Limiter,
) -> Iterator[Company]:
    with UserStore(state_dsns[0], settings) as users:
        app = create_app(StandInChain(), users, title="N", ready=list, policy=POLICY, record=recorded, limiter=limiter)
        with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
            yield Company(client, users, recorded, issuer)


def test_a_user_of_the_provider_gets_the_role_of_his_group_and_his_claims(company: Company) -> None:
    assert "/login/oidc" in company.client.get("/login").text
    response = company.log_in()
    assert response.status_code == 200 and 'content="0; url=/"' in response.text
    claims = claims_of({"employee_id": 5, "region": ["north", "south"]})
    found = company.users.find_session(company.client.cookies[SESSION])
    assert found is not None and (found.fault, found.principal) == ("", Principal("sofie", "sales", claims))
    assert company.kinds() == [("sofie", "sales", "user-added"), ("sofie", "sales", "logged-in")]
    assert "sofie" in company.client.get("/").text
    (record,) = [user for user in company.users.users() if user.name == "sofie"]
    assert (record.source, record.disabled) == ("oidc", False) and record.last_login_at is not None


def test_the_way_there_carries_pkce_a_state_and_a_nonce_and_no_secret(company: Company) -> None:
    first, second = (parse_qs(urlsplit(company.client.get("/login/oidc").headers["location"]).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"] and first["response_type"] == ["code"]
    assert first["redirect_uri"] == ["http://127.0.0.1:8000/login/oidc/callback"]
    assert "code_verifier" not in first and "client_secret" not in first
    for secret in ("state", "nonce", "code_challenge"):
        assert len(first[secret][0]) >= 43 and first[secret] != second[secret]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_token_lets_nobody_in_and_is_on_record(company: Company, forge: str) -> None:
    company.tell(claims=SOFIE, forge=forge)
    response = company.client.get(company.leave())
    assert response.status_code == 403
    assert SESSION not in company.client.cookies and SESSION not in response.cookies
    assert company.kinds() == [("", "", "login-refused")]
    assert "sofie" not in [user.name for user in company.users.users()]


def test_the_same_token_unforged_gets_in(company: Company) -> None:
    company.tell(claims=SOFIE, forge="")
    assert company.client.get(company.leave()).status_code == 200


def test_an_answer_counts_once_and_in_the_browser_that_began_alone(company: Company) -> None:
    company.tell(claims=SOFIE)
    back = company.leave()
    browser = company.client.cookies["allotment_provider"]
    company.client.cookies.clear()
    assert company.client.get(back).status_code == 403  # a link that somebody was sent
    company.client.cookies.set("allotment_provider", "another browser's secret")
    assert company.client.get(back).status_code == 403
    company.client.cookies.clear()
    company.client.cookies.set("allotment_provider", browser)
    assert company.client.get(back).status_code == 200
    company.client.cookies.set("allotment_provider", browser)
    assert company.client.get(back).status_code == 403  # replayed


def test_a_code_of_another_login_is_worth_nothing(company: Company) -> None:
    company.tell(claims=SOFIE)
    stolen = parse_qs(urlsplit(company.leave()).query)["code"][0]
    own = parse_qs(urlsplit(company.leave()).query)
    response = company.client.get("/login/oidc/callback", params={"code": stolen, "state": own["state"][0]})
    assert response.status_code == 403 and SESSION not in company.client.cookies


def test_an_answer_that_comes_too_late_or_from_elsewhere_or_says_no_is_refused(
    company: Company, run_sql: RunSql
) -> None:
    company.tell(claims=SOFIE)
    back = company.leave()
    run_sql("UPDATE gateway.oidc_logins SET created_at = created_at - interval '10 minutes'")
    assert company.client.get(back).status_code == 403
    for more in ("&iss=https%3A%2F%2Felsewhere.example.org", "&error=access_denied"):
        assert company.client.get(company.leave() + more).status_code == 403
    for nothing in ("", "?state=", "?code=x&state=y", "?state=" + "x" * 3000):
        assert company.client.get("/login/oidc/callback" + nothing).status_code == 403
    assert SESSION not in company.client.cookies


@pytest.mark.parametrize(
    "groups",
    [None, [], "", ["nobody-knows"], ["STAFF"], ["sellers", "board"], {"sellers": True}, ["sellers", 5], 7],
)
def test_missing_unknown_and_contradicting_groups_are_no_access_on_record(company: Company, groups: Any) -> None:
    response = company.log_in(groups=groups)
    assert response.status_code == 403 and "no access here" in response.text
    assert SESSION not in company.client.cookies
    assert company.kinds() == [("sofie", "", "login-refused")]
    assert "sofie" not in [user.name for user in company.users.users()]


@pytest.mark.parametrize("groups", ["sellers", ["sellers", "sales-west"], ["unknown", "sales-west"]])
def test_groups_that_agree_on_one_role_are_access(company: Company, groups: Any) -> None:
    assert company.log_in(groups=groups).status_code == 200
    assert company.users.role_of("sofie") == "sales"


def test_who_lost_his_group_loses_sessions_and_keys_at_the_next_login(company: Company) -> None:
    company.log_in()
    token, key = company.client.cookies[SESSION], company.users.create_key("sofie")
    assert company.users.principal_of_key(key) is not None
    assert company.log_in(groups=["left"]).status_code == 403
    assert company.users.principal_of_session(token) is None
    assert company.client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code == 401
    assert ("sofie", "sales", "role-changed") in company.kinds()


def test_a_new_group_is_a_new_role_on_record_first(company: Company) -> None:
    company.log_in()
    company.log_in(groups=["board"], number=6)
    assert company.kinds()[2:] == [
        ("sofie", "sales", "role-changed"),
        ("sofie", "sales", "claims-changed"),
        ("sofie", "director", "logged-in"),
    ]
    company.recorded.broken = True
    assert company.log_in(groups=["staff"]).status_code == 503
    company.recorded.broken = False
    assert company.users.role_of("sofie") == "director"


def test_keys_of_a_user_who_does_not_come_back_stop_working(company: Company, run_sql: RunSql) -> None:
    company.log_in()
    key = company.users.create_key("sofie", expires_days=300)
    run_sql("UPDATE gateway.users SET last_login_at = now() - interval '31 days' WHERE name = 'sofie'")
    found = company.users.find_key(key)
    assert found is not None and "too long ago" in found.fault


def test_nothing_of_the_providers_users_counts_where_it_is_not_declared(company: Company, store: UserStore) -> None:
    company.log_in()
    token, key = company.client.cookies[SESSION], company.users.create_key("sofie")
    assert store.principal_of_session(token) is None and store.principal_of_key(key) is None


@pytest.mark.parametrize(
    "login", ["sofia", "ѕofie", "so fie", "", None, 7, ["sofie"], "x" * 300, "sofie\x00", "../sofie"]
)
def test_a_name_that_is_another_users_or_none_lets_nobody_in(company: Company, login: Any) -> None:
    assert company.log_in(login=login).status_code == 403
    assert company.users.role_of("sofia") == "sales"
    (sofia,) = [user for user in company.users.users() if user.name == "sofia"]
    assert sofia.source == "password"
    assert SESSION not in company.client.cookies


def test_a_user_is_the_providers_identifier_and_not_a_name_he_may_change(company: Company) -> None:
    company.log_in()
    assert company.log_in(sub="s-78").status_code == 403  # somebody else who took the name
    assert company.log_in(login="eva2").status_code == 403  # the same one under another name
    company.users.disable("sofie")
    assert company.log_in().status_code == 403
    assert company.log_in(login="ｓｏｆｉｅ").status_code == 403  # as disabled in wide letters


@pytest.mark.parametrize("number", [{"a": 1}, ["x" * 201], [[1]], "a\x00b", list(range(101))])
def test_a_claim_that_no_row_filter_can_compare_is_no_access(company: Company, number: Any) -> None:
    assert company.log_in(number=number).status_code == 403


def test_a_claim_that_is_not_there_is_none_and_matches_no_row(company: Company) -> None:
    assert company.log_in(number=None).status_code == 200
    assert company.users.kept_claims("sofie") == claims_of({"region": ["north", "south"]})


def test_an_email_nobody_verified_is_no_name(company: Company, settings: IdentityConfig) -> None:
    from allotment.gateway.identity._id_token import LoginRefused
    from allotment.gateway.identity._mapping import name_in

    assert settings.oidc is not None
    config = settings.oidc.model_copy(update={"user_claim": "email"})
    assert name_in(config, {"email": "Sofie@Example.org", "email_verified": True}) == "sofie@example.org"
    for verified in ({}, {"email_verified": False}, {"email_verified": "true"}):
        with pytest.raises(LoginRefused, match="verify"):
            name_in(config, {"email": "sofie@example.org", **verified})


def test_changed_keys_are_fetched_but_not_as_often_as_somebody_likes(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.log_in().status_code == 200
    company.tell(rotate=True)
    assert company.log_in().status_code == 200
    company.tell(rotate=True)
    assert company.log_in().status_code == 403  # ten seconds have not gone by
    monkeypatch.setattr(_provider, "NEW_KEYS_S", 0.0)
    now = _provider.time.monotonic
    monkeypatch.setattr(_provider.time, "monotonic", lambda: now() + 11)
    assert company.log_in().status_code == 200


def test_a_provider_that_is_away_or_names_another_issuer_is_no_login_and_no_crash(
    company: Company, settings: IdentityConfig, state_dsns: tuple[str, str], limiter: Limiter
) -> None:
    company.tell(issuer="https://login.example.org")
    response = company.client.get("/login/oidc")
    assert response.status_code == 503 and "does not work at the moment" in response.text
    assert settings.oidc is not None
    away = IdentityConfig(oidc=settings.oidc.model_copy(update={"issuer": "http://127.0.0.1:1"}))
    with UserStore(state_dsns[0], away) as users:
        app = create_app(
            StandInChain(), users, title="N", ready=list, policy=POLICY, record=Recorded(), limiter=limiter
        )
        with TestClient(app, follow_redirects=False) as client:
            assert client.get("/login/oidc").status_code == 503


def test_a_secret_comes_from_the_environment_or_a_file_and_from_nowhere_else(
    settings: IdentityConfig, tmp_path: Path
) -> None:
    assert settings.oidc is not None
    kept = tmp_path / "secret"
    kept.write_text("from a file\n", encoding="utf-8")
    plain = settings.oidc.model_dump()
    Provider(OidcConfig(**{**plain, "client_secret": f"file:{kept}"}), "http://127.0.0.1:8000")
    for missing in ("env:NOT_SET_ANYWHERE", f"file:{tmp_path / 'nothing'}"):
        with pytest.raises(ProjectError, match="not there"):
            Provider(OidcConfig(**{**plain, "client_secret": missing}), "http://127.0.0.1:8000")
    for written in ("hunter2", "env:", "env:A B", "file:"):
        with pytest.raises(ValueError, match="does not stand in this file"):
            OidcConfig(**{**plain, "client_secret": written})


def test_without_passwords_there_is_no_way_in_but_the_provider(
    company: Company, settings: IdentityConfig, state_dsns: tuple[str, str], password: str, limiter: Limiter
) -> None:
    with UserStore(state_dsns[0], settings.model_copy(update={"passwords": False})) as users:
        app = create_app(
            StandInChain(), users, title="N", ready=list, policy=POLICY, record=Recorded(), limiter=limiter
        )
        with TestClient(app, follow_redirects=False) as client:
            page = client.get("/login").text
            assert "/login/oidc" in page and 'type="password"' not in page
            assert client.post("/login", data={"name": "sofia", "password": password}).status_code == 405
            assert client.get("/set-up").status_code == 404
