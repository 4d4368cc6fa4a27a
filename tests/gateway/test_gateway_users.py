"""Users, sessions and keys in PostgreSQL."""

from __future__ import annotations

import timeit
from collections.abc import Callable

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.access import Principal, claims_of
from allotment.errors import DatabaseUnavailable, ProjectError
from allotment.gateway import UserStore
from allotment.gateway.identity._passwords import clean_name, hash_password, verify_password

RunSql = Callable[..., int]


def test_a_right_password_gives_the_user_and_his_role(store: UserStore, password: str) -> None:
    assert store.authenticate("Sofia", password) == Principal("sofia", "sales")


@pytest.mark.parametrize("name", ["sofia", "nobody", "ѕоfia", "", "a b", "x" * 500])
def test_a_wrong_password_and_an_unknown_name_are_both_nobody(store: UserStore, name: str) -> None:
    assert store.authenticate(name, "not the password") is None


@pytest.mark.parametrize("name", ["sofia", "nobody"])
def test_five_wrong_tries_lock_a_name_for_a_minute_whether_it_exists_or_not(
    store: UserStore, password: str, run_sql: RunSql, name: str
) -> None:
    for _ in range(5):
        store.authenticate(name, "wrong wrong wrong")
    assert store.authenticate(name, password) is None
    assert 0 < store.locked_for(name) <= 60
    run_sql("UPDATE gateway.login_tries SET last_at = last_at - interval '61 s'")
    assert store.locked_for(name) == 0
    assert (store.authenticate(name, password) is not None) == (name == "sofia")


def test_the_fifth_try_may_still_be_right_and_starts_the_count_again(store: UserStore, password: str) -> None:
    for _ in range(4):
        store.authenticate("eva", "wrong wrong wrong")
    assert store.authenticate("eva", password) is not None
    for _ in range(4):
        store.authenticate("eva", "wrong wrong wrong")
    assert store.authenticate("eva", password) is not None


def test_tries_on_one_name_do_not_lock_another(store: UserStore, password: str) -> None:
    for _ in range(6):
        store.authenticate("eva", "wrong wrong wrong")
    assert store.authenticate("dana", password) is not None


def test_a_password_is_stored_as_an_argon2id_hash_only(store: UserStore, run_sql: RunSql, password: str) -> None:
    assert run_sql("SELECT 1 FROM gateway.users WHERE password_hash LIKE '$argon2id$%%'") == 4
    assert run_sql("SELECT 1 FROM gateway.users u WHERE u::text LIKE %s", f"%{password}%") == 0


def test_an_unknown_name_takes_as_long_as_a_wrong_password(password: str) -> None:
    def quickest_s(stored: str | None) -> float:
        return min(timeit.repeat(lambda: verify_password(stored, "wrong wrong wrong"), number=1, repeat=5))

    assert quickest_s(None) > quickest_s(hash_password(password)) / 2


@pytest.mark.parametrize("password", ["short", "123456789", "x" * 257])
def test_a_password_outside_the_rules_is_refused_with_the_rule(store: UserStore, password: str) -> None:
    with pytest.raises(ProjectError, match="Choose 10 to 256 characters"):
        store.add("otto", "sales", password)


def test_the_own_name_is_no_password(store: UserStore) -> None:
    with pytest.raises(ProjectError, match="is the user's name"):
        store.add("bartholomew", "sales", "Bartholomew")


def test_a_name_is_given_once(store: UserStore, password: str) -> None:
    with pytest.raises(ProjectError, match="already"):
        store.add("SOFIA", "director", password)
    assert store.role_of("sofia") == "sales"


@given(st.text(max_size=60))
def test_a_name_is_plain_ascii_or_no_name_at_all(text: str) -> None:
    name = clean_name(text)
    assert name is None or (name.isascii() and name == name.lower() and clean_name(name) == name)


def test_a_session_is_its_users_until_it_ends(store: UserStore) -> None:
    token = store.start_session("sofia")
    assert store.principal_of_session(token) == Principal("sofia", "sales")
    store.end_session(token)
    assert store.principal_of_session(token) is None


def test_a_session_is_stored_without_its_token(store: UserStore, run_sql: RunSql) -> None:
    token = store.start_session("sofia")
    assert len(token) >= 43
    assert run_sql("SELECT 1 FROM gateway.sessions s WHERE s::text LIKE %s", f"%{token}%") == 0


@pytest.mark.parametrize("column, age", [("seen_at", "8 hours"), ("created_at", "24 hours")])
def test_a_session_expires_when_idle_and_when_old(store: UserStore, run_sql: RunSql, column: str, age: str) -> None:
    token = store.start_session("sofia")
    run_sql(f"UPDATE gateway.sessions SET {column} = now() - interval '{age}' + interval '1 minute'")
    assert store.principal_of_session(token) is not None
    run_sql(f"UPDATE gateway.sessions SET {column} = now() - interval '{age}'")
    assert store.principal_of_session(token) is None


def test_a_used_session_does_not_become_idle(store: UserStore, run_sql: RunSql) -> None:
    token = store.start_session("sofia")
    run_sql("UPDATE gateway.sessions SET seen_at = now() - interval '7 hours'")
    store.principal_of_session(token)
    assert run_sql("SELECT 1 FROM gateway.sessions WHERE seen_at > now() - interval '1 minute'") == 1


def test_disabling_a_user_ends_his_sessions_keys_and_logins_at_once(store: UserStore, password: str) -> None:
    token, key = store.start_session("eva"), store.create_key("eva")
    store.disable("eva")
    assert store.principal_of_session(token) is None
    assert store.principal_of_key(key) is None
    assert store.authenticate("eva", password) is None
    assert store.role_of("eva") is None


def test_a_new_role_counts_in_a_session_that_is_open(store: UserStore, password: str) -> None:
    store.add("otto", "employee", password)
    token = store.start_session("otto")
    store.set_role("otto", "sales")
    assert store.principal_of_session(token) == Principal("otto", "sales")


def test_claims_come_with_every_way_in_and_count_from_the_next_request(store: UserStore, password: str) -> None:
    token, key = store.start_session("dana"), store.create_key("dana")
    store.set_claims("dana", {"employee_id": 5, "region": ("north", "south")})
    known = claims_of({"employee_id": 5, "region": ["north", "south"]})
    ways = (store.authenticate("dana", password), store.principal_of_session(token), store.principal_of_key(key))
    assert [principal.claims for principal in ways if principal] == [known] * 3
    store.set_claims("dana", {})
    session = store.principal_of_session(token)
    assert session is not None and session.claims == ()


def test_a_new_password_ends_the_sessions(store: UserStore, password: str) -> None:
    store.add("otto", "employee", password)
    token = store.start_session("otto")
    store.set_password("otto", "another-meadow-43")
    assert store.principal_of_session(token) is None
    assert store.authenticate("otto", "another-meadow-43") is not None


def test_a_key_works_until_it_is_revoked(store: UserStore) -> None:
    key = store.create_key("sofia")
    assert key.startswith("al-")
    assert store.principal_of_key(key) == Principal("sofia", "sales")
    (record,) = store.keys("sofia")
    assert key.startswith(record.start) and not record.revoked
    assert store.revoke_key(record.id)
    assert store.principal_of_key(key) is None
    assert store.keys("sofia")[0].revoked


def test_a_key_is_stored_without_itself(store: UserStore, run_sql: RunSql) -> None:
    key = store.create_key("sofia")
    assert run_sql("SELECT 1 FROM gateway.api_keys k WHERE k::text LIKE %s", f"%{key[8:]}%") == 0


@pytest.mark.parametrize("change", ["disable", "set_role", "set_password", "create_key"])
def test_a_change_to_a_user_who_is_not_there_is_an_error(store: UserStore, change: str) -> None:
    arguments = {"set_role": ("sales",), "set_password": ("another-meadow-43",)}.get(change, ())
    with pytest.raises(ProjectError, match="no such user"):
        getattr(store, change)("zoe", *arguments)


def test_the_applications_own_login_can_neither_delete_users_nor_change_tables(
    store: UserStore, state_dsns: tuple[str, str]
) -> None:
    for statement in ("DELETE FROM gateway.users", "DROP TABLE gateway.users", "CREATE TABLE gateway.more (a int)"):
        with psycopg.connect(state_dsns[0]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_migrating_twice_changes_nothing(store: UserStore, state_dsns: tuple[str, str]) -> None:
    before = store.users()
    store.migrate(state_dsns[1])
    assert store.users() == before


def test_a_database_that_does_not_answer_is_an_error_with_a_remedy() -> None:
    nowhere = "host=/nonexistent dbname=allotment user=nobody connect_timeout=1"
    with UserStore(nowhere) as away, pytest.raises(DatabaseUnavailable, match="does not answer"):
        away.migrate(nowhere)
