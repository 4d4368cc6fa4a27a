"""The account alone, without the gate: what PostgreSQL itself refuses to somebody who holds the login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors

from allotment.access import Grant
from allotment.databases import Databases
from allotment.databases.postgres._server import account_dsn

REFUSED = {
    "an undeclared table": "SELECT customer_id FROM public.customers",
    "an undeclared column": "SELECT freight FROM public.orders",
    "all columns": "SELECT * FROM public.orders",
    "a system column": "SELECT ctid FROM public.orders",
    "set_config": "SELECT set_config('app.role', 'boss', false)",
    "another role": "SET ROLE allotment_admin",
    "SQL in a text": "SELECT query_to_xml('select 1', true, true, '')",
    "a large object": "SELECT lo_create(0)",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "COPY from a program": "COPY public.orders TO PROGRAM 'cat'",
    "end other sessions": "SELECT pg_terminate_backend(1)",
    "other sessions' statements": "SELECT query FROM pg_stat_activity",
    "row policies": "SELECT polname FROM pg_policy",
    "counts of hidden rows": "SELECT reltuples FROM pg_class",
    "the roles": "SELECT rolname FROM pg_roles",
    "an advisory lock": "SELECT pg_advisory_lock(1)",
    "notify": "SELECT pg_notify('a', 'b')",
    "a function of its own": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a table of its own": "CREATE TABLE public.t (a int)",
    "a passing table": "CREATE TEMP TABLE t (a int)",
    "a block of code": "DO $$ BEGIN PERFORM 1; END $$",
    "DELETE": "DELETE FROM public.orders",
    "the limit on files": "SET temp_file_limit = -1",
    "no row policies": "SET row_security = off; SELECT count(order_id) FROM public.orders",
}


@pytest.fixture
def warehouse(postgres: Databases, grants: dict[str, Grant]) -> Iterator[Connection[tuple[Any, ...]]]:
    with postgres.account_connection(grants["warehouse"]) as connection:
        connection.autocommit = True
        # The account may do this, so it must not matter.
        connection.execute("SET default_transaction_read_only = off")
        yield connection


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_the_database_refuses_the_account(warehouse: Connection[tuple[Any, ...]], sql: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        warehouse.execute(sql)


def test_the_account_sees_only_the_rows_of_its_countries(warehouse: Connection[tuple[Any, ...]]) -> None:
    rows = warehouse.execute("SELECT DISTINCT ship_country FROM public.orders ORDER BY 1").fetchall()
    assert rows == [("Austria",), ("Germany",), ("Switzerland",)]


@pytest.mark.parametrize(
    "setting", ["SET row_security = on", "SET session_replication_role = replica", "SET search_path = public"]
)
def test_no_setting_shows_more_rows(warehouse: Connection[tuple[Any, ...]], setting: str) -> None:
    with suppress(errors.InsufficientPrivilege):
        warehouse.execute(setting)
    rows = warehouse.execute("SELECT DISTINCT ship_country FROM public.orders ORDER BY 1").fetchall()
    assert rows == [("Austria",), ("Germany",), ("Switzerland",)]


@pytest.mark.parametrize("database", ["postgres", "template1", "allotment"])
def test_the_account_reaches_no_other_database(postgres: Databases, database: str) -> None:
    dsn = account_dsn(postgres.server, "northwind_warehouse", database)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(dsn)


def test_a_second_statement_in_the_extended_protocol_is_refused_by_the_server(
    warehouse: Connection[tuple[Any, ...]],
) -> None:
    with pytest.raises(errors.SyntaxError, match="multiple commands"):
        list(warehouse.cursor().stream("SELECT 1; COMMIT"))


def test_a_long_query_is_stopped_by_the_role_s_own_limit(postgres: Databases, grants: dict[str, Grant]) -> None:
    with postgres.account_connection(grants["warehouse"]) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("5s",)
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
