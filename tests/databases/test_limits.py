"""Rows, bytes, time, connections and database seconds: each has a bound, and what is beyond it is said clearly."""

from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from allotment.databases import Databases, GatedSql, QueryResult
from allotment.databases.postgres._connect import connect_account
from allotment.databases.postgres._query import Account, run_query
from allotment.databases.postgres._server import account_dsn
from allotment.databases.postgres._watchdog import Watchdog
from allotment.errors import LimitReached, SqlRefused
from allotment.project import DatabaseLimits
from small_company import grant_of, make_company, open_company

SHOP = """
CREATE TABLE item (id int PRIMARY KEY, name text, made date, price numeric, picture bytea, parts text[]);
INSERT INTO item SELECT i, 'item ' || i, date '2020-01-01' + i, i / 2.0, '\\x00'::bytea, '{a,b}'
  FROM generate_series(1, 4000) i;
CREATE TABLE scroll (id int, body text, raw bytea);
ALTER TABLE scroll ALTER body SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL;
INSERT INTO scroll VALUES (1, repeat('x', 100000000), decode(repeat('00', 50000000), 'hex')), (2, 'short', '\\x01');
"""
TABLES = {
    "item": {"columns": ["id", "name", "made", "price", "picture", "parts"]},
    "scroll": {"columns": ["id", "body", "raw"]},
}
ENDLESS = "SELECT count(*) FROM public.item a, public.item b, public.item c"
Ask = Callable[..., QueryResult]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    project = make_company(tmp_path_factory.mktemp("limits"), {"shop": SHOP}, {"clerk": ("shop", TABLES)})
    with open_company(project) as databases:
        yield databases


@pytest.fixture
def ask(shop: Databases) -> Ask:
    """Runs a statement as if the gate had passed it."""
    dsn = account_dsn(shop.server, "clerk", "shop")

    def run(
        sql: str,
        *,
        rows: int = 200,
        limits: DatabaseLimits | None = None,
        prepare: Callable[[Account], None] | None = None,
    ) -> QueryResult:
        bounds = limits or DatabaseLimits()
        with closing(connect_account(dsn, account="clerk", statement_s=bounds.statement_s, wait_s=0)) as connection:
            return run_query(connection, "clerk", GatedSql(sql, ()), limits=bounds, max_rows=rows, prepare=prepare)

    return run


def _sessions(shop: Databases) -> int:
    with psycopg.connect(shop.admin_dsn("shop")) as admin:
        row = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'clerk' AND state = 'active'")
        return int((row.fetchone() or [0])[0])


# rows and bytes


def test_ten_million_rows_and_more_are_cut_without_reading_them(ask: Ask) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = ask("SELECT a.id, b.name FROM public.item a, public.item b")
    assert (len(result.rows), result.truncated) == (200, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_rows_end_where_their_bytes_do(ask: Ask) -> None:
    limits = DatabaseLimits(answer_bytes=1000)
    result = ask("SELECT name FROM public.item ORDER BY id", rows=4000, limits=limits)
    assert result.truncated and 30 < len(result.rows) < 100
    assert not ask("SELECT name FROM public.item WHERE id < 9", limits=limits).truncated


@pytest.mark.parametrize(
    ("columns", "size"),
    [
        ("body", "100,000,008"),
        ("raw", "50,000,008"),
        ("id, body, raw", "150,000,024"),
        ("ARRAY[left(body, 3000000)] AS a", "3,000,0"),
        ("left(body, 2000000) AS t", "2,000,008"),
        ("id, (SELECT string_agg(name, ',') FROM public.item i) || body AS t", "100,0"),
    ],
)
def test_a_row_too_large_for_the_answer_never_leaves_the_database(ask: Ask, columns: str, size: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SqlRefused, match=f"holds {size}"):
        ask(f"SELECT {columns} FROM public.scroll")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_beside_a_row_that_is_too_large_small_ones_can_be_had(ask: Ask) -> None:
    assert ask("SELECT body, raw FROM public.scroll WHERE id = 2").rows == (("short", "1 bytes"),)
    assert ask("SELECT left(body, 3) AS l, length(body) AS n FROM public.scroll ORDER BY id").rows == (
        ("xxx", 100_000_000),
        ("sho", 5),
    )


@pytest.mark.skipif(sys.platform != "linux", reason="bounded on Linux alone")
def test_a_value_that_grows_past_the_servers_memory_ends_its_statement_alone(shop: Databases, ask: Ask) -> None:
    grows = "SELECT length(string_agg(s.body, '')) AS n FROM public.scroll s, public.item i WHERE i.id <= 9"
    with psycopg.connect(account_dsn(shop.server, "clerk", "shop")) as other:
        with pytest.raises(SqlRefused, match="more memory than there is"):
            ask(grows, limits=DatabaseLimits(statement_s=60))
        assert other.execute("SELECT count(id) FROM public.item").fetchone() == (4000,)  # a crash would have cut it


def test_values_names_and_order_are_what_the_statement_says(ask: Ask) -> None:
    result = ask(
        "SELECT id, id, name AS \"a 'b' 😀\", made, price, picture, parts FROM public.item ORDER BY id DESC", rows=2
    )
    assert result.columns == ("id", "id", "a 'b' 😀", "made", "price", "picture", "parts")
    assert result.rows[0] == (4000, 4000, "item 4000", "2030-12-14", 2000, "1 bytes", "{a, b}")
    assert result.rows[1][0] == 3999


def test_an_empty_answer_still_has_its_columns(ask: Ask) -> None:
    result = ask("SELECT id, name FROM public.item WHERE id < 0")
    assert (result.columns, result.rows, result.truncated) == (("id", "name"), (), False)


def test_what_python_has_no_value_for_is_text(ask: Ask) -> None:
    columns = "made + 10000000 AS a, 'infinity'::timestamp AS b, time '24:00' AS c, date '0044-03-15 BC' AS d"
    numbers = "'NaN'::numeric AS e, power(10::numeric, 5000) AS f, interval '5000000 years' AS g"
    (row,) = ask(f"SELECT {columns}, {numbers} FROM public.item WHERE id = 1").rows
    assert row[:5] == ("29399-01-27", "infinity", "24:00:00", "0044-03-15 BC", "NaN")
    assert str(row[5]).startswith("10000") and row[6] == "5000000 years"


# the session


def test_what_runs_before_the_statement_shares_its_read_only_transaction(ask: Ask) -> None:
    seen: list[object] = []

    def prepare(connection: Account) -> None:
        seen.append(connection.execute("SHOW transaction_read_only").fetchone())

    assert ask("SELECT id FROM public.item WHERE id = 1", prepare=prepare).rows == ((1,),)
    assert seen == [("on",)]


def test_settings_somebody_kept_with_the_role_or_the_database_do_not_reach_a_query(shop: Databases, ask: Ask) -> None:
    kept = {"search_path": "public", "statement_timeout": "0", "default_transaction_read_only": "off"}
    kept |= {"DateStyle": "German", "standard_conforming_strings": "off", "bytea_output": "escape"}
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:
        for name, value in kept.items():
            admin.execute(f"ALTER ROLE clerk SET {name} = '{value}'".encode())
            admin.execute(f"ALTER ROLE clerk IN DATABASE shop SET {name} = '{value}'".encode())
    found: dict[str, str] = {}

    def prepare(connection: Account) -> None:
        for name in kept:
            found[name] = str((connection.execute(f"SHOW {name}".encode()).fetchone() or [""])[0])

    ask("SELECT id FROM public.item", prepare=prepare)
    shop.provision()
    assert found == {
        "search_path": "pg_catalog",
        "statement_timeout": "5s",
        "default_transaction_read_only": "on",
        "DateStyle": "ISO, MDY",
        "standard_conforming_strings": "on",
        "bytea_output": "hex",
    }


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1) AS a; COMMIT; SELECT * FROM (SELECT 2"])
def test_two_statements_are_refused_by_the_server_itself(ask: Ask, sql: str) -> None:
    with pytest.raises(SqlRefused, match="cannot run"):
        ask(sql)


def test_nothing_is_left_of_a_query(shop: Databases, ask: Ask) -> None:
    ask("SELECT id FROM public.item", prepare=lambda c: c.execute("SET work_mem = '1MB'"))
    values: list[object] = []
    ask("SELECT id FROM public.item", prepare=lambda c: values.append(c.execute("SHOW work_mem").fetchone()))
    assert values == [("4MB",)]


# time


def test_a_statement_is_stopped_by_the_database(ask: Ask) -> None:
    with pytest.raises(SqlRefused, match="too long"):
        ask(ENDLESS, limits=DatabaseLimits(statement_s=0.2))


def test_a_session_that_took_its_limit_away_is_stopped_by_the_watchdog(shop: Databases, ask: Ask) -> None:
    def prepare(connection: Account) -> None:
        connection.execute("SET statement_timeout = 0")

    with pytest.raises(SqlRefused, match="too long"):
        ask(ENDLESS, limits=DatabaseLimits(statement_s=0.2), prepare=prepare)
    assert _sessions(shop) == 0


def test_the_watchdog_is_one_thread_however_many_it_watches(shop: Databases) -> None:
    dsn = account_dsn(shop.server, "clerk", "shop")
    watchdog = Watchdog()
    before = set(threading.enumerate())
    with closing(connect_account(dsn, account="clerk", statement_s=60, wait_s=0)) as connection:
        for _ in range(50):
            with watchdog.over(connection, 60) as outer, watchdog.over(connection, 60) as inner:
                pass
        assert not outer.ended and not inner.ended
        with watchdog.over(connection, 0.05) as watch, pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(ENDLESS.encode())
        assert watch.ended
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"database-watchdog"}
    assert watchdog._watches == set()


def test_a_cancel_that_comes_between_two_statements_is_not_the_last(shop: Databases) -> None:
    dsn = account_dsn(shop.server, "clerk", "shop")
    opening = closing(connect_account(dsn, account="clerk", statement_s=60, wait_s=0))
    with opening as connection, Watchdog().over(connection, 0.0) as watch:
        while not watch.ended:  # nothing runs yet, so the first request ends nothing
            pass
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(ENDLESS.encode())
    assert _sessions(shop) == 0


def test_what_does_not_take_a_cancel_is_cut(shop: Databases) -> None:
    dsn = account_dsn(shop.server, "clerk", "shop")
    opening = closing(connect_account(dsn, account="clerk", statement_s=60, wait_s=0))
    with opening as connection, Watchdog().over(connection, 60) as watch:
        watch.ended, watch.cut_at = True, 0.0  # as if cancel requests had been sent in vain
        watch.act()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


# database seconds and connections


def test_who_spent_his_seconds_is_refused_before_the_database_is_asked(shop: Databases) -> None:
    project = make_company(
        shop._project.root, {"shop": SHOP}, {"clerk": ("shop", TABLES)}, {"database_s_per_minute": 1e-9}
    )
    poor = Databases(project, shop._workspace)
    assert poor.query(grant_of(project, "clerk"), "SELECT id FROM item WHERE id = 1").rows == ((1,),)
    with pytest.raises(LimitReached, match="seconds of the databases"):
        poor.query(grant_of(project, "clerk"), "SELECT id FROM item WHERE id = 1")
    assert poor.query(grant_of(project, "clerk", "bob"), "SELECT id FROM item WHERE id = 1").rows == ((1,),)


def test_when_other_processes_hold_all_connections_of_a_role_the_refusal_is_clear(shop: Databases) -> None:
    dsn = account_dsn(shop.server, "clerk", "shop")
    held = [psycopg.connect(dsn) for _ in range(20)]
    try:
        with pytest.raises(LimitReached, match="too many questions at once") as caught:
            connect_account(dsn, account="clerk", statement_s=5, wait_s=0)
        assert "FATAL" not in str(caught.value) and "role" not in str(caught.value)
        assert shop.check() == []  # the login is right, only busy
    finally:
        for connection in held:
            connection.close()
