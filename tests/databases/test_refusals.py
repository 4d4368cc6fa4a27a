"""What is told of a statement that cannot run: enough to mend it, and never a value of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.databases import Databases, GatedSql, QueryResult
from allotment.databases.postgres._connect import connect_account
from allotment.databases.postgres._query import run_query
from allotment.databases.postgres._server import account_dsn
from allotment.errors import AllotmentError, DatabaseUnavailable, SqlRefused
from allotment.project import DatabaseLimits
from small_company import grant_of, make_company, open_company

CANARIES = ("canaryword", "8675309", "90210", "1873-02-28", "1873")
SHOP = """
CREATE TABLE item (id int, name text, price numeric, made date, at timestamp, big bigint, ratio float8, tags text[]);
COMMENT ON TABLE item IS 'what is sold';
INSERT INTO item VALUES
  (8675309, 'canaryword(', 8675309.90210, '1873-02-28', '1873-02-28 08:00', 8675309867530990210, 90210, '{canaryword}'),
  (90210, 'canaryword 8675309', 90210, '1873-02-28', '1873-02-28 09:00', 90210, 8675309, '{}');
CREATE TABLE sale (id int, item_id int);
INSERT INTO sale VALUES (1, 8675309), (1, 90210);
CREATE TABLE hidden (id int);
"""
TABLES = {
    "item": {"columns": ["id", "name", "price", "made", "at", "big", "ratio", "tags"]},
    "sale": {"columns": ["id", "item_id"]},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    project = make_company(
        tmp_path_factory.mktemp("refusals"),
        {"shop": SHOP},
        {"clerk": ("shop", TABLES)},
        {"database_s_per_minute": 10_000},
    )
    with open_company(project) as databases:
        yield databases


@pytest.fixture(scope="module")
def past_the_gate(shop: Databases) -> Callable[[str], QueryResult]:
    dsn = account_dsn(shop.server, "clerk", "shop")

    def run(sql: str) -> QueryResult:
        with closing(connect_account(dsn, account="clerk", statement_s=5, wait_s=5)) as connection:
            return run_query(connection, "clerk", GatedSql(sql, ()), limits=DatabaseLimits(), max_rows=5)

    return run


@pytest.mark.parametrize(
    ("sql", "told", "remedy"),
    [
        ("SELECT sum(name) FROM item", 'function sum(text) does not exist, at "sum(name)"', "Cast the arguments"),
        ("SELECT id + name FROM item", 'operator does not exist: integer + text, at "+"', "Cast the arguments"),
        ("SELECT id, count(*) FROM item", "must appear in the GROUP BY clause", "GROUP BY"),
        ("SELECT id FROM item WHERE name", "must be type boolean, not type text", "Make the types equal"),
        ("SELECT DISTINCT name FROM item ORDER BY id", "must appear in select list", "list of columns"),
        ("SELECT id FROM item i JOIN sale s ON i.id = s.item_id", 'reference "id" is ambiguous', "table.column"),
        ("SELECT name FROM item WHERE id = 'abc'", "cannot be cast to the type asked for, at \"'abc'\"", "Mend"),
        ("SELECT name::int FROM item", 'cannot be cast to the type asked for, in "CAST(name AS integer)"', "Mend"),
        ("SELECT name::date FROM item", 'no date or time of the form asked for, in "CAST(name AS date)"', "Mend"),
        ("SELECT id * 1000 FROM item", "a number is too large for its type: cast to numeric", "Mend"),
        ("SELECT 1 / (id - id) FROM item", "nullif", "Mend"),
        ("SELECT id FROM item WHERE 'x' ~ name", "a regular expression is not valid", "Mend"),
        ("SELECT (SELECT item_id FROM sale) FROM item", "gave several rows", "Mend"),
        ("SELECT id FROM item LIMIT -1", "LIMIT is negative", "Mend"),
        ("SELECT date_trunc(name, at) FROM item", "does not take one of the values", "Mend"),
    ],
)
def test_the_one_who_wrote_it_learns_what_to_mend(shop: Databases, sql: str, told: str, remedy: str) -> None:
    with pytest.raises(SqlRefused) as caught:
        shop.query(grant_of(shop._project, "clerk"), sql)
    shown = str(caught.value).replace("item.", "").replace("sale.", "")
    assert told in shown and remedy in shown
    assert not any(canary in str(caught.value) for canary in CANARIES)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT to_tsquery('simple', name || '&') FROM public.item",
        "SELECT (name || ' :')::tsquery FROM public.item",
        "SELECT name::jsonpath FROM public.item",
        "SELECT name::json FROM public.item",
        "SELECT name::int[] FROM public.item",
        "SELECT (name || id)::inet FROM public.item",
        "SELECT at AT TIME ZONE name FROM public.item",
        "SELECT format(name || '%z') FROM public.item",
        "SELECT name::uuid FROM public.item",
        "SELECT big * big FROM public.item",
        "SELECT int4range(id, 1) FROM public.item",
        "SELECT make_date(id, 1, 1) FROM public.item",
        "SELECT name::regclass FROM public.item",
        "SELECT id FROM public.item GROUP BY id HAVING (SELECT i.name FROM public.item i LIMIT 1)::int > 0",
    ],
)
def test_an_error_that_quotes_a_row_past_the_gate_does_not_reach_who_asked(
    past_the_gate: Callable[[str], QueryResult], sql: str
) -> None:
    with pytest.raises(AllotmentError) as caught:
        past_the_gate(sql)
    assert not any(canary in str(caught.value) for canary in CANARIES)


_VALUE = st.sampled_from(
    ["id", "name", "price", "made", "at", "big", "ratio", "tags[1]", "tags", "name || id", "1", "'a'"]
)
_TYPE = st.sampled_from(
    ["int", "int2", "date", "timestamp", "interval", "bool", "numeric(3)", "float4", "json", "uuid", "tsquery", "inet"]
)
_EXPRESSION = st.recursive(
    _VALUE,
    lambda inner: st.one_of(
        st.builds("({})::{}".format, inner, _TYPE),
        st.builds(
            "(({}) {} ({}))".format, inner, st.sampled_from(["+", "*", "/", "%", "||", "~", "=", "-", "<"]), inner
        ),
        st.builds("to_date({}, 'YYYY-MM-DD')".format, inner),
        st.builds("to_number({}, '9')".format, inner),
        st.builds("to_timestamp({}, name)".format, inner),
        st.builds("date_trunc(name, {})".format, inner),
        st.builds("power({}, {})".format, inner, inner),
        st.builds("substring(name, 1, ({})::int)".format, inner),
        st.builds("substring(name from {})".format, inner),
        st.builds("(SELECT {} FROM public.item)".format, inner),
        st.builds("CASE WHEN {} THEN 1 ELSE {} END".format, inner, inner),
        st.builds("width_bucket({}, 1, 1, 1)".format, inner),
        st.builds("string_agg({}, ',')".format, inner),
        st.builds("make_interval(secs => {})".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_EXPRESSION, st.sampled_from(["", " WHERE ({})::bool", " ORDER BY {}", " GROUP BY {}", " LIMIT ({})::int"]))
def test_no_error_of_any_statement_holds_a_value_of_a_row(
    past_the_gate: Callable[[str], QueryResult], expression: str, tail: str
) -> None:
    try:
        past_the_gate(f"SELECT {expression} AS a FROM public.item{tail.format(expression)}")
    except AllotmentError as error:
        for canary in CANARIES:
            assert canary not in str(error)


def test_a_table_that_was_dropped_is_told_as_a_fault_of_the_database(shop: Databases) -> None:
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:
        admin.execute("ALTER TABLE sale RENAME TO sold")
    with pytest.raises(DatabaseUnavailable, match="not as declared") as caught:
        shop.query(grant_of(shop._project, "clerk"), "SELECT id FROM sale")
    assert "allotment database check" in caught.value.remedy
    assert shop.query(grant_of(shop._project, "clerk"), "SELECT count(*) FROM item").rows == ((2,),)
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:
        admin.execute("ALTER TABLE sold RENAME TO sale")


def test_what_the_gate_would_miss_the_account_refuses(past_the_gate: Callable[[str], QueryResult]) -> None:
    with pytest.raises(SqlRefused, match="refuses this to the account"):
        past_the_gate("SELECT id FROM public.hidden")


def test_more_than_the_account_may_keep_on_disk_is_told_as_such(past_the_gate: Callable[[str], QueryResult]) -> None:
    numbers = "generate_series(1, 10000000)"
    with pytest.raises(SqlRefused, match="sorts, groups or joins more rows"):
        past_the_gate(f"SELECT g FROM {numbers} g ORDER BY g::text DESC")
