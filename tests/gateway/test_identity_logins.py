"""Passwords and tries: what may be chosen, what is counted, and that a wrong try tells nothing."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import Recorded
from hypothesis import given
from hypothesis import strategies as st

from allotment.errors import ProjectError
from allotment.gateway import UserStore
from allotment.gateway.identity._addresses import MAX_NAMES, counted_address
from allotment.gateway.identity._passwords import common_passwords, require_password
from allotment.gateway.storage._database import Database

RunSql = Callable[..., int]
OFFICE, ELSEWHERE = "203.0.113.5", "198.51.100.7"
WRONG = "wrong wrong wrong"


@contextmanager
def work_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement and every verification of this thread, by kind; both are done as ever."""
    done: list[str] = []
    mine = threading.get_ident()

    def counted(owner: type[Any], name: str, said: Callable[..., str]) -> None:
        original = getattr(owner, name)

        def call(self: Any, *arguments: Any) -> Any:
            if threading.get_ident() == mine:
                done.append(said(*arguments))
            return original(self, *arguments)

        patch.setattr(owner, name, call)

    with monkeypatch.context() as patch:
        for name in ("row", "rows", "run"):
            counted(Database, name, lambda statement, *_: " ".join(statement.split()))
        counted(PasswordHasher, "verify", lambda stored, _: "argon2 " + stored.split("$")[3])
        yield done


def test_every_wrong_login_is_the_same_work_whoever_is_named(store: UserStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.invite("invited", "sales")
    store.disable("ghost")
    assert store.keep_provider_user("olga", "sales", "https://login.example.org", "s-1", ())
    works = []
    for name in ("sofia", "nobody", "invited", "ghost", "olga", "ѕоfia", ""):
        with work_counted(monkeypatch) as done:
            assert store.authenticate(name, WRONG, OFFICE) is None
        works.append(done)
    assert all(work == works[0] for work in works)
    assert sum(step.startswith("argon2") for step in works[0]) == 1
    for _ in range(5):
        store.authenticate("sofia", WRONG, OFFICE)
        store.authenticate("nobody", WRONG, OFFICE)
    works = []
    for name in ("sofia", "nobody"):
        with work_counted(monkeypatch) as done:
            assert store.authenticate(name, WRONG, OFFICE) is None
        works.append(done)
    assert works[0] == works[1] and not any(step.startswith("argon2") for step in works[0])


def test_one_address_cannot_try_many_names_and_locks_nobody_elsewhere_out(
    store: UserStore, password: str, run_sql: RunSql
) -> None:
    assert store.authenticate("dana", password, OFFICE) is not None
    for number in range(MAX_NAMES):
        assert store.authenticate(f"guess{number}", WRONG, OFFICE) is None
    assert store.authenticate("sofia", password, OFFICE) is None
    assert 0 < store.locked_for("sofia", OFFICE) <= 600
    assert run_sql("SELECT 1 FROM gateway.login_addresses WHERE name = 'sofia'") == 0  # a paused address adds nothing
    assert run_sql("SELECT 1 FROM gateway.login_tries WHERE name = 'sofia'") == 0  # nor to the count of the name
    assert store.locked_for("sofia", ELSEWHERE) == store.locked_for("dana", OFFICE) == 0
    assert store.authenticate("sofia", password, ELSEWHERE) is not None
    assert store.authenticate("dana", password, OFFICE) is not None  # she got in from there before
    run_sql("UPDATE gateway.login_addresses SET failed_at = failed_at - interval '10 minutes'")
    assert store.authenticate("sofia", password, OFFICE) is not None


def test_a_person_who_mistypes_his_own_name_pauses_nobody(store: UserStore, password: str) -> None:
    for _ in range(MAX_NAMES + 5):
        store.authenticate("eva", WRONG, OFFICE)
    assert store.authenticate("sofia", password, OFFICE) is not None


def test_an_ipv6_customer_is_one_address_and_a_mapped_one_is_ipv4() -> None:
    assert counted_address("2001:db8:1:2::5") == counted_address("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert counted_address("2001:db8:1:3::5") != counted_address("2001:db8:1:2::5")
    assert counted_address("::ffff:203.0.113.5") == OFFICE
    assert [counted_address(other) for other in (None, "", "unix", "fe80::1%eth0")] == [None, None, None, "fe80::/64"]


def test_a_paused_address_is_told_so_and_fills_no_record(
    app: FastAPI, csrf_in: Callable[[str], str], recorded: Recorded, password: str
) -> None:
    with TestClient(app, follow_redirects=False, client=(OFFICE, 1)) as office:
        csrf = csrf_in(office.get("/login").text)
        names = [f"guess{number}" for number in range(MAX_NAMES + 3)]
        statuses = [
            office.post("/login", data={"name": name, "password": WRONG, "csrf": csrf}).status_code for name in names
        ]
        assert statuses[:MAX_NAMES] == [401] * MAX_NAMES and statuses[MAX_NAMES:] == [429] * 3
        forwarded = office.post(
            "/login",
            data={"name": "sofia", "password": password, "csrf": csrf},
            headers={"x-forwarded-for": ELSEWHERE, "forwarded": f"for={ELSEWHERE}"},
        )
        assert forwarded.status_code == 429 and int(forwarded.headers["retry-after"]) > 60
    assert recorded.events == [(f"guess{number}", "", "login-refused") for number in range(MAX_NAMES)]


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "PassWord123",
        "1234567890",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "abababababab",
        "ｐａｓｓｗｏｒｄ１２３",
    ],
)
def test_a_password_that_is_guessed_first_is_refused_in_any_spelling(password: str) -> None:
    with pytest.raises(ProjectError, match="first to be guessed"):
        require_password("sofia", password)


def test_the_list_of_common_passwords_holds_those_that_could_be_chosen() -> None:
    assert len(common_passwords()) > 1000 and all(len(each) >= 10 for each in common_passwords())


@pytest.mark.parametrize("password", ["bartholomew", "BARTHOLOMEW ", "ｂartholomew"])
def test_the_own_name_is_no_password_nor_the_first_part_of_an_address(password: str) -> None:
    for name in ("bartholomew", "bartholomew@example.org"):
        with pytest.raises(ProjectError, match="is the user's name"):
            require_password(name, password)


@given(st.text(min_size=12, max_size=60).filter(lambda text: len(set(text.casefold())) > 8))
def test_a_password_is_judged_alike_however_the_keyboard_composes_it(text: str) -> None:
    def verdict(password: str) -> str:
        try:
            require_password("sofia", password)
        except ProjectError as error:
            return error.message
        return ""

    assert verdict(unicodedata.normalize("NFD", text)) == verdict(unicodedata.normalize("NFC", text))


def test_a_password_typed_composed_and_decomposed_is_the_same(store: UserStore) -> None:
    store.add("otto", "sales", unicodedata.normalize("NFD", "größere-wünsche-7"))
    assert store.authenticate("otto", unicodedata.normalize("NFC", "größere-wünsche-7")) is not None
