"""Each layer alone against each known way out: the gate, then the agent's own login without it, on two versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attacked_company import ACCOUNT, CANARY, CANARY_NUMBER, Attacked, attacked_company
from attacks import ATTACKS, NOT_CLOSED, WAYS, Attack
from own_server import DEBIAN_15
from psycopg import Connection, errors

import allotment
from allotment.databases import check_sql
from allotment.errors import DatabaseUnavailable, SqlRefused
from allotment.project import load_project

WAREHOUSE = load_project(Path(allotment.__file__).parent / "examples" / "northwind").accounts[ACCOUNT]

READING = (
    "SELECT count(*), min(order_id), string_agg(DISTINCT ship_country, ' ' ORDER BY ship_country) FROM orders",
    "SELECT count(*), sum(units_in_stock) FROM products",
    "SELECT count(*), max(phone) FROM suppliers",
    "SELECT region, value FROM readings",
)
"""What the agent reads of its tables."""

# Everything a statement could leave behind for others or for later.
FINGERPRINT = """SELECT md5(string_agg(part, ';' ORDER BY part)) FROM (
    SELECT concat('c', oid, relname, relacl, relrowsecurity, relowner) FROM pg_class WHERE relnamespace >= 16384
      OR relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat('f', oid, proname, proacl) FROM pg_proc
    UNION ALL SELECT concat('p', oid, polname, polrelid) FROM pg_policy
    UNION ALL SELECT concat('r', rolname, rolsuper, rolbypassrls, rolconnlimit, rolpassword) FROM pg_authid
    UNION ALL SELECT concat('m', roleid, member) FROM pg_auth_members
    UNION ALL SELECT concat('s', setdatabase, setrole, setconfig) FROM pg_db_role_setting
    UNION ALL SELECT concat('n', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_t'
    UNION ALL SELECT concat('t', typname, typnamespace) FROM pg_type
    UNION ALL SELECT concat('a', attrelid, attname, attacl) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT concat('l', oid) FROM pg_largeobject_metadata
    UNION ALL SELECT concat('d', oid, defaclacl) FROM pg_default_acl
    UNION ALL SELECT concat('x', extname) FROM pg_extension
    UNION ALL SELECT concat('o', slot_name) FROM pg_replication_slots
    UNION ALL SELECT concat('e', objoid, description) FROM pg_description WHERE objoid >= 16384
    UNION ALL SELECT concat('g', objoid, description) FROM pg_shdescription
    UNION ALL SELECT concat('b', datname, datacl) FROM pg_database
    UNION ALL SELECT concat('q', last_value) FROM public.order_numbers
    UNION ALL SELECT concat('k', locktype, objid) FROM pg_locks WHERE locktype = 'advisory'
) AS parts (part)"""


@pytest.fixture(scope="module", params=["18", "15"])
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    programs = DEBIAN_15 if request.param == "15" else None
    if programs is not None and not programs.is_dir():
        pytest.skip(f"PostgreSQL 15 is not installed in {DEBIAN_15}")
    with attacked_company(tmp_path_factory.mktemp("attacked"), programs) as company:
        assert company.version.startswith(request.param)
        yield company


def _names(attack: Attack) -> str:
    return attack.name


def _of(*outcomes: str) -> Any:
    chosen = [attack for attack in ATTACKS if attack.outcome in outcomes]
    return pytest.mark.parametrize("attack", chosen, ids=_names)


def _reading(company: Attacked) -> list[Any]:
    return [company.databases.query(company.grant, sql).rows for sql in READING]


def _fingerprint(company: Attacked) -> str:
    with company.owner() as owner:
        row = owner.execute(FINGERPRINT).fetchone()
    assert row is not None
    return str(row[0])


def _run(connection: Connection[tuple[Any, ...]], sql: str) -> list[Any]:
    cursor = connection.cursor()
    if sql.startswith("COPY"):
        with cursor.copy(sql.encode()) as copy:
            return list(copy.rows())
    cursor.execute(sql.encode())
    return cursor.fetchall() if cursor.description else []


def _assert_nothing_hidden(shown: object) -> None:
    assert CANARY not in str(shown) and CANARY_NUMBER not in str(shown)


def test_every_way_out_is_tried_or_named_as_not_closed() -> None:
    assert WAYS.keys() == set(range(1, 47))
    assert WAYS.keys() - {attack.row for attack in ATTACKS} == {44, 45, 46}
    assert NOT_CLOSED.keys() <= WAYS.keys()
    assert {attack.row for attack in ATTACKS if attack.outcome == "open"} <= NOT_CLOSED.keys()


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.gate], ids=_names)
def test_the_gate_alone_refuses(attack: Attack) -> None:
    with pytest.raises(SqlRefused) as caught:
        check_sql(attack.sql, WAREHOUSE)
    _assert_nothing_hidden(caught.value)


@_of("refused")
def test_the_privileges_alone_refuse(company: Attacked, attack: Attack) -> None:
    before = _fingerprint(company)
    with company.login() as login, pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)) as caught:
        _run(login, attack.sql)
    _assert_nothing_hidden(caught.value)
    assert _fingerprint(company) == before


@_of("absent")
def test_there_is_nothing_to_use(company: Attacked, attack: Attack) -> None:
    missing = (errors.UndefinedFunction, errors.UndefinedTable, errors.UndefinedObject)
    with company.login() as login, pytest.raises(missing):
        _run(login, attack.sql)


@_of("rows")
def test_the_row_policies_alone_let_only_the_account_s_rows_through(company: Attacked, attack: Attack) -> None:
    with company.login() as login:
        assert _run(login, attack.sql) == list(attack.rows)
    if not attack.gate:
        assert company.databases.query(company.grant, attack.sql).rows == attack.rows


@_of("protocol")
def test_the_protocol_alone_takes_one_statement(company: Attacked, attack: Attack) -> None:
    with company.login() as login, pytest.raises(errors.SyntaxError, match="multiple commands"):
        list(login.cursor().stream(attack.sql.encode()))


@_of("limit")
def test_the_time_limit_alone_ends_it(company: Attacked, attack: Attack) -> None:
    with company.login() as login:
        login.execute("SET statement_timeout = '200ms'")
        with pytest.raises(errors.QueryCanceled):
            _run(login, attack.sql)


@_of("harmless", "open")
def test_what_postgresql_lets_the_login_do_shows_and_leaves_nothing(company: Attacked, attack: Attack) -> None:
    before, reading = _fingerprint(company), _reading(company)
    with company.login() as login:
        _assert_nothing_hidden(_run(login, attack.sql))
        if not login.info.transaction_status:
            for table in ("customers", "secrets"):
                with pytest.raises(errors.InsufficientPrivilege):
                    login.execute(f"SELECT count(*) FROM public.{table}".encode())
            assert _run(login, "SELECT count(order_id) FROM public.orders") == [(reading[0][0][0],)]
    assert _fingerprint(company) == before
    assert _reading(company) == reading


@_of("kept")
def test_what_stays_is_named_by_the_self_check_and_shows_nothing_more(company: Attacked, attack: Attack) -> None:
    before, reading = _fingerprint(company), _reading(company)
    with company.login() as login:
        _run(login, attack.sql)
    try:
        assert _fingerprint(company) != before
        assert any(ACCOUNT in difference.element for difference in company.databases.check())
        try:
            assert _reading(company) == reading
        except DatabaseUnavailable:
            assert "PASSWORD" in attack.sql
    finally:
        company.databases.provision()
    assert company.databases.check() == []
    assert _reading(company) == reading


@_of("held")
def test_what_an_owner_adds_shows_the_login_no_more_rows(company: Attacked, attack: Attack) -> None:
    with company.login() as login, company.owner() as owner:
        login.execute("SET search_path = public, pg_catalog")
        before = [_run(login, sql) for sql in READING]
        owner.execute(attack.sql.encode())
        try:
            assert [_run(login, sql) for sql in READING] == before
        finally:
            owner.execute("DROP POLICY more ON public.orders")


@_of("owner", "held")
def test_an_owner_s_mistake_is_named_by_the_self_check(company: Attacked, attack: Attack) -> None:
    reading = _reading(company)
    with company.owner() as owner:
        owner.execute(attack.sql.encode())
    try:
        assert company.databases.check() != []
    finally:
        company.databases.provision()
    assert company.databases.check() == []
    assert _reading(company) == reading
