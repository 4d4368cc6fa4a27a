"""Row filters that ask who is asking: the answer can be neither forged, kept, nor taken from somebody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, errors, sql

from allotment.access import Grant, Policy, Principal, Request, claims_of, decide
from allotment.access._grant import mint
from allotment.databases import Databases
from allotment.databases.postgres._claims import tell_claims
from allotment.databases.postgres._server import account_dsn, claim_secret
from allotment.errors import PolicyError, ProjectError, SqlRefused
from allotment.project import Project, load_project
from allotment.workspace import Workspace

PROJECT = """
name: Payroll
roles: {clerk: asks, boss: asks}
users: {ada: clerk, bob: clerk}
claims: {ada: {employee_id: 1, branch: [north, south]}, bob: {employee_id: 2, branch: north}}
documents: {all: {path: documents, readers: [clerk, boss]}}
databases: {payroll: {load: payroll.sql}}
accounts:
  payroll_clerk:
    database: payroll
    tables:
      pay: {columns: [id, employee_id, amount, branch], rows: {employee_id: user.employee_id, open: true}}
      visit: {columns: [id, branch, code], rows: {branch: user.branch}}
      login: {columns: [who, kind], rows: {who: user.name}}
      mood: {columns: [feeling], rows: {feeling: user.mood}}
      pay_slip: {columns: [id, amount]}
  payroll_boss:
    database: payroll
    tables:
      pay: {columns: [id, employee_id, amount], rows: {employee_id: user.employee_id}}
agents:
  clerk: {roles: [clerk], documents: [all], account: payroll_clerk}
  boss: {roles: [boss], documents: [all], account: payroll_boss}
"""

PAYROLL = """
CREATE TABLE pay (id int PRIMARY KEY, employee_id int, amount int, branch char(5), open bool);
INSERT INTO pay VALUES (1, 1, 100, 'north', true), (2, 2, 200, 'north', true), (3, 1, 300, 'south', false);
CREATE TABLE visit (id int PRIMARY KEY, branch char(5), code varchar(3));
INSERT INTO visit VALUES (1, 'north', 'a'), (2, 'south', 'b'), (3, 'nort', 'c'), (4, 'west', 'd');
CREATE TABLE login (who text, kind text);
INSERT INTO login VALUES ('ada', 'web'), ('bob', 'web'), ('Ada', 'web');
CREATE TYPE feeling AS ENUM ('glad', 'sad');
CREATE TABLE mood (feeling feeling);
INSERT INTO mood VALUES ('glad'), ('sad');
CREATE VIEW pay_slip WITH (security_invoker = true) AS SELECT id, amount FROM pay WHERE amount > 0;
"""


@pytest.fixture(scope="module")
def payroll(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Databases]]:
    root = tmp_path_factory.mktemp("payroll")
    (root / "documents").mkdir()
    (root / "payroll.sql").write_text(PAYROLL, encoding="utf-8")
    (root / "allotment.yaml").write_text(PROJECT, encoding="utf-8")
    project = load_project(root)
    with Databases(project, Workspace(root)) as databases:
        databases.provision()
        yield project, databases


def grant_of(project: Project, user: str, role: str = "clerk", **claims: Any) -> Grant:
    """A grant for the account of the role's agent; these tests are about what comes after it."""
    policy = Policy.of(project)
    principal = policy.known(Principal(user, role, claims_of(claims)))
    return mint(decide(policy, principal, Request(role, account=f"payroll_{role}")), 1)


def rows(payroll: tuple[Project, Databases], grant: Grant, statement: str) -> list[tuple[Any, ...]]:
    return sorted(payroll[1].query(grant, statement).rows)


def test_each_user_sees_his_own_rows(payroll: tuple[Project, Databases]) -> None:
    ada, bob = (grant_of(payroll[0], name) for name in ("ada", "bob"))
    assert rows(payroll, ada, "SELECT id, amount FROM pay") == [(1, 100)]
    assert rows(payroll, bob, "SELECT id, amount FROM pay") == [(2, 200)]


def test_a_claim_with_several_values_gives_the_rows_of_all_of_them(payroll: tuple[Project, Databases]) -> None:
    assert rows(payroll, grant_of(payroll[0], "ada"), "SELECT id FROM visit") == [(1,), (2,)]
    assert rows(payroll, grant_of(payroll[0], "bob"), "SELECT id FROM visit") == [(1,)]


def test_the_login_name_is_a_claim_that_is_always_there(payroll: tuple[Project, Databases]) -> None:
    assert rows(payroll, grant_of(payroll[0], "ada"), "SELECT who FROM login") == [("ada",)]


def test_a_claim_is_compared_whole_even_where_the_column_is_shorter(payroll: tuple[Project, Databases]) -> None:
    longer = grant_of(payroll[0], "carl", branch="northern")
    assert rows(payroll, longer, "SELECT id FROM visit") == []


def test_a_type_of_the_database_s_own_can_be_compared(payroll: tuple[Project, Databases]) -> None:
    assert rows(payroll, grant_of(payroll[0], "carl", mood="sad"), "SELECT feeling FROM mood") == [("sad",)]


def test_a_user_without_the_claim_sees_nothing(payroll: tuple[Project, Databases]) -> None:
    assert rows(payroll, grant_of(payroll[0], "carl"), "SELECT id FROM pay") == []
    assert rows(payroll, grant_of(payroll[0], "carl", branch="north"), "SELECT id FROM pay") == []


def test_a_claim_that_is_no_value_of_the_column_is_refused_and_tells_nothing(
    payroll: tuple[Project, Databases],
) -> None:
    with pytest.raises(SqlRefused, match="cannot be cast"):
        rows(payroll, grant_of(payroll[0], "carl", employee_id="1 OR true"), "SELECT id FROM pay")


def test_a_view_keeps_to_the_filters_of_its_tables(payroll: tuple[Project, Databases]) -> None:
    assert rows(payroll, grant_of(payroll[0], "bob"), "SELECT id, amount FROM pay_slip") == [(2, 200)]


def test_the_sample_values_of_the_card_are_those_the_user_may_see(payroll: tuple[Project, Databases]) -> None:
    card = payroll[1].schema_card(grant_of(payroll[0], "bob"))
    shown = {(table.name, column.name): column.values for table in card.tables for column in table.columns}
    assert shown["login", "who"] == ("bob",)


def test_other_claims_than_the_declared_ones_are_refused_before_anything_is_reached(
    payroll: tuple[Project, Databases],
) -> None:
    policy = Policy.of(payroll[0])
    forged = Principal("ada", "clerk", claims_of({"employee_id": 2}))
    assert decide(policy, forged, Request("clerk", account="payroll_clerk")).reason == "claims-not-declared"
    with pytest.raises(PolicyError, match="claims kept"):
        policy.require_declared(forged)


# -- the account's own login, without the gate --------------------------------------------------


@pytest.fixture
def clerk(payroll: tuple[Project, Databases]) -> Iterator[Connection[tuple[Any, ...]]]:
    """Somebody who holds the account's login and may send any SQL."""
    with psycopg.connect(account_dsn(payroll[1].server, "payroll_clerk", "payroll")) as connection:
        yield connection


def _tell(payroll: tuple[Project, Databases], connection: Connection[tuple[Any, ...]], **claims: Any) -> None:
    listed = {name: (value,) for name, value in claims.items()}
    tell_claims(connection, "payroll_clerk", claim_secret(payroll[1].server, "payroll_clerk"), listed)


def _seen(connection: Connection[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(connection.execute("SELECT id FROM public.pay").fetchall())


def _token(connection: Connection[tuple[Any, ...]]) -> str:
    row = connection.execute("SHOW allotment.claims").fetchone()
    assert row is not None
    return str(row[0])


def _set(connection: Connection[tuple[Any, ...]], token: str) -> None:
    connection.execute(sql.SQL("SET allotment.claims = {}").format(sql.Literal(token)))


def test_without_a_token_there_are_no_rows(clerk: Connection[tuple[Any, ...]]) -> None:
    assert _seen(clerk) == []


def test_with_its_token_there_are_the_user_s_rows(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]]
) -> None:
    _tell(payroll, clerk, employee_id=1)
    assert _seen(clerk) == [(1,)]


def test_a_token_ends_with_its_transaction_even_if_it_was_kept(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]]
) -> None:
    _tell(payroll, clerk, employee_id=1)
    token = _token(clerk)
    clerk.commit()
    _set(clerk, token)
    assert _seen(clerk) == []


def test_a_token_is_worth_nothing_in_another_session(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]]
) -> None:
    with psycopg.connect(account_dsn(payroll[1].server, "payroll_clerk", "payroll")) as other:
        _tell(payroll, other, employee_id=2)
        assert _seen(other) == [(2,)]
        _set(clerk, _token(other))
        assert _seen(clerk) == []


def test_a_token_of_another_account_is_worth_nothing(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]]
) -> None:
    secret = claim_secret(payroll[1].server, "payroll_boss")
    tell_claims(clerk, "payroll_boss", secret, {"employee_id": (2,)})
    assert _seen(clerk) == []
    tell_claims(clerk, "payroll_clerk", secret, {"employee_id": (2,)})
    assert _seen(clerk) == []


def test_a_token_whose_claims_were_changed_is_worth_nothing(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]]
) -> None:
    _tell(payroll, clerk, employee_id=1)
    body, mark = _token(clerk).split(".")
    told = json.loads(base64.b64decode(body))
    told["claims"]["employee_id"] = ["2"]
    _set(clerk, base64.b64encode(json.dumps(told).encode()).decode() + "." + mark)
    assert _seen(clerk) == []


@pytest.mark.parametrize("key", [b"", b"\0" * 64, b"payroll_clerk"], ids=["no key", "zeros", "the account's name"])
def test_a_token_signed_with_a_guessed_key_is_worth_nothing(clerk: Connection[tuple[Any, ...]], key: bytes) -> None:
    row = clerk.execute("SELECT (EXTRACT(epoch FROM transaction_timestamp()) * 1000000)::bigint").fetchone()
    told = {
        "account": "payroll_clerk",
        "backend": clerk.info.backend_pid,
        "transaction": row[0] if row else None,
        "claims": {"employee_id": ["2"]},
    }
    body = base64.b64encode(json.dumps(told).encode()).decode()
    _set(clerk, f"{body}.{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}")
    assert _seen(clerk) == []


@pytest.mark.parametrize("token", ["", ".", "x", "e30=.", ".0", "null", "a.b.c", "💥.💥", "." * 100_000])
def test_what_is_no_token_gives_no_rows_and_no_error(clerk: Connection[tuple[Any, ...]], token: str) -> None:
    _set(clerk, token)
    assert _seen(clerk) == []


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_a_token(clerk: Connection[tuple[Any, ...]], token: str) -> None:
    _set(clerk, token)
    assert _seen(clerk) == []


@given(st.integers(min_value=0), st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_character_of_a_token_goes_unnoticed(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]], place: int, byte: int
) -> None:
    clerk.rollback()
    _tell(payroll, clerk, employee_id=1)
    token = _token(clerk)
    place %= len(token)
    changed = token[:place] + chr(0x21 + byte % 94) + token[place + 1 :]
    _set(clerk, changed)
    assert _seen(clerk) == ([(1,)] if changed == token else [])


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM allotment.claim_key",
        "SELECT allotment.claim('employee_id')",
        "SELECT set_config('allotment.claims', 'x', false)",
        "SELECT current_setting('allotment.claims')",
        "CREATE FUNCTION allotment.claim(text) RETURNS text[] LANGUAGE sql AS 'SELECT ARRAY[''2'']'",
        "CREATE OR REPLACE FUNCTION public.claim(text) RETURNS text[] LANGUAGE sql AS 'SELECT ARRAY[''2'']'",
        "ALTER FUNCTION allotment.claim(text) RESET search_path",
        "UPDATE allotment.claim_key SET inner_key = ''",
        "SET SESSION AUTHORIZATION payroll_boss",
        "SET ROLE allotment_admin",
        "ALTER POLICY allotment_payroll_clerk_rows ON public.pay USING (true)",
    ],
)
def test_the_account_reaches_neither_the_keys_nor_the_function_nor_another_login(
    clerk: Connection[tuple[Any, ...]], statement: str
) -> None:
    clerk.autocommit = True
    clerk.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        clerk.execute(statement.encode())


@pytest.mark.parametrize(
    "setting",
    ["search_path = public", "row_security = on", "bytea_output = 'escape'", "standard_conforming_strings = off"],
)
def test_no_setting_of_the_session_makes_another_s_token_count(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]], setting: str
) -> None:
    with psycopg.connect(account_dsn(payroll[1].server, "payroll_clerk", "payroll")) as other:
        _tell(payroll, other, employee_id=2)
        token = _token(other)
    _set(clerk, token)
    clerk.execute(f"SET {setting}".encode())
    assert _seen(clerk) == []


def test_the_account_cannot_keep_a_token_for_its_later_sessions(
    payroll: tuple[Project, Databases], clerk: Connection[tuple[Any, ...]]
) -> None:
    _tell(payroll, clerk, employee_id=1)
    token = _token(clerk)
    clerk.commit()
    clerk.autocommit = True
    clerk.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        clerk.execute(sql.SQL("ALTER ROLE payroll_clerk SET allotment.claims = {}").format(sql.Literal(token)))


# -- the self-check and the declaration ---------------------------------------------------------

CHANGES = {
    "another function": (
        "CREATE OR REPLACE FUNCTION allotment.claim(claim text) RETURNS text[] LANGUAGE sql STABLE"
        " SECURITY DEFINER AS 'SELECT ARRAY[''2'']'",
        "allotment.claim",
    ),
    "the function with its caller's rights": (
        "ALTER FUNCTION allotment.claim(text) SECURITY INVOKER",
        "allotment.claim",
    ),
    "the function with any search path": ("ALTER FUNCTION allotment.claim(text) RESET search_path", "allotment.claim"),
    "the function for everybody": ("GRANT EXECUTE ON FUNCTION allotment.claim(text) TO PUBLIC", "allotment.claim"),
    "another key": ("UPDATE allotment.claim_key SET inner_key = '\\x00' WHERE account = 'payroll_clerk'", "claims"),
    "a key taken away": ("DELETE FROM allotment.claim_key WHERE account = 'payroll_clerk'", "claims"),
    "a key too many": ("INSERT INTO allotment.claim_key VALUES ('somebody', '', '')", "somebody"),
    "a reader of the keys": ("GRANT SELECT (inner_key) ON allotment.claim_key TO allotment_app", "claim_key"),
    "a view with its owner's rights": ("ALTER VIEW pay_slip SET (security_invoker = false)", "pay_slip"),
}


@pytest.mark.parametrize(("statement", "element"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_what_row_filters_trust_is_found_and_can_be_mended(
    payroll: tuple[Project, Databases], statement: str, element: str
) -> None:
    with psycopg.connect(payroll[1].admin_dsn("payroll"), autocommit=True) as owner:
        owner.execute(statement.encode())
        found = payroll[1].check()
        assert any(element in difference.element for difference in found)
        if "pay_slip" in statement:  # a view is its owner's to mend
            with pytest.raises(ProjectError, match="owner's rights"):
                payroll[1].provision()
            owner.execute("ALTER VIEW pay_slip SET (security_invoker = true)")
        if "allotment_app" in statement:
            owner.execute(next(item.mending_sql for item in found if element in item.element).encode())
    payroll[1].provision()
    assert payroll[1].check() == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("{employee_id: user.employee_id, open: true}", "{employee_id: [user.employee_id, 3]}", "stands alone"),
        ("user.employee_id, open", "user.Employee-, open", "is not a name"),
        ("pay_slip: {columns: [id, amount]}", "pay_slip: {columns: [id], rows: {id: 1}}", "no row filter of its own"),
        ("columns: [id, employee_id, amount, branch]", "columns: [id]", "reads public.pay.amount"),
    ],
)
def test_a_declaration_that_could_not_hold_is_refused(
    payroll: tuple[Project, Databases], tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in PROJECT
    (tmp_path / "documents").mkdir()
    (tmp_path / "payroll.sql").write_text(PAYROLL, encoding="utf-8")
    (tmp_path / "allotment.yaml").write_text(PROJECT.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ProjectError, match=told), Databases(load_project(tmp_path), Workspace(tmp_path)) as databases:
        databases.provision()


def test_the_statements_that_are_shown_hold_no_key(payroll: tuple[Project, Databases]) -> None:
    with psycopg.connect(payroll[1].admin_dsn("payroll"), autocommit=True) as owner:
        owner.execute("DELETE FROM allotment.claim_key WHERE account = 'payroll_clerk'")
    shown = "\n".join(payroll[1].provision(dry_run=True))
    assert "claim_key VALUES ('payroll_clerk', ..., ...)" in shown
    payroll[1].provision()


def test_a_row_filter_of_a_user_can_use_the_column_s_index(payroll: tuple[Project, Databases]) -> None:
    with psycopg.connect(payroll[1].admin_dsn("payroll"), autocommit=True) as owner:
        owner.execute("CREATE TABLE big AS SELECT n AS id, n AS employee_id FROM generate_series(1, 50000) n")
        owner.execute("CREATE INDEX ON big (employee_id)")
        owner.execute("ANALYZE big")
        plan = owner.execute(
            "EXPLAIN SELECT id FROM big WHERE employee_id = ANY (((SELECT allotment.claim('x')))::pg_catalog.int4[])"
        ).fetchall()
        owner.execute("DROP TABLE big")
    assert any("Index" in line[0] for line in plan)
    assert any("InitPlan" in line[0] for line in plan)


def test_a_column_dropped_with_its_filter_is_a_difference_of_its_account_not_the_end_of_the_check(
    payroll: tuple[Project, Databases],
) -> None:
    with psycopg.connect(payroll[1].admin_dsn("payroll"), autocommit=True) as owner:
        owner.execute("ALTER TABLE mood DROP COLUMN feeling CASCADE")
        found = payroll[1].check()
        assert {difference.account for difference in found} == {"payroll_clerk"}
        assert any("allotment_payroll_clerk_rows" in difference.expected for difference in found)
        owner.execute("ALTER TABLE mood ADD COLUMN feeling feeling")
    payroll[1].provision()
    assert payroll[1].check() == []
