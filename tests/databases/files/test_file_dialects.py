"""The same SELECT gives the same rows in PostgreSQL, in a SQLite copy and in a DuckDB copy, or it is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from file_shop import KINDS, databases_of, grant_for
from hypothesis import HealthCheck, assume, given, settings
from select_strategy import SELECTS

from allotment.databases import QueryResult
from allotment.errors import SqlRefused
from allotment.project import Project

Ask = Callable[[str], QueryResult]
AskPostgres = Callable[[str], list[tuple[Any, ...]]]


def _rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers to twelve digits: PostgreSQL's numeric is exact, the others' floats are not."""
    return tuple(
        float(f"{value:.12g}") if isinstance(value, int | float) and not isinstance(value, bool) else value
        for value in row
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sql=SELECTS)
def test_a_copy_answers_a_simple_select_as_postgresql_does(
    kind: str, ask_file: dict[str, Ask], ask_postgres: AskPostgres, sql: str
) -> None:
    try:
        expected = [_rounded(row) for row in ask_postgres(sql)]
    except psycopg.Error:  # PostgreSQL itself refuses it
        assume(False)
    found = [_rounded(row) for row in ask_file[kind](sql).rows]
    if ", o.id" in sql:  # ordered to the last row
        assert found == expected
    else:
        assert Counter(found) == Counter(expected)


TRAPS = {
    "whole numbers are divided whole": "SELECT id / 2, -7 / 2, id / 2.0 FROM orders ORDER BY id",
    "sums of whole numbers as well": "SELECT sum(id) / 2, sum(id) / count(*) FROM customers",
    "sums of nullif as well": "SELECT sum(3 / nullif(customer_id, 0)) / count(*) FROM orders",
    "LIKE knows capitals": "SELECT name FROM customers WHERE name LIKE 'a%' OR name LIKE 'E%' ORDER BY id",
    "ILIKE knows no capitals": "SELECT name FROM customers WHERE name ILIKE 'É%' OR name ILIKE 'ALF%' ORDER BY id",
    "LIKE has an escape": r"SELECT id FROM customers WHERE note LIKE '50\%%' OR note LIKE '%f\_' ORDER BY id",
    "LIKE may have another escape": "SELECT id FROM customers WHERE note LIKE '50!%%' ESCAPE '!' ORDER BY id",
    "letters beyond ASCII have capitals": "SELECT upper(name), lower(name) FROM customers ORDER BY id",
    "NULL comes last": "SELECT weight FROM orders ORDER BY weight",
    "NULL comes first from behind": "SELECT weight FROM orders ORDER BY weight DESC",
    "a month later": "SELECT day + interval '1 month', day - interval '1 year' FROM orders ORDER BY id",
    "dates are days apart": "SELECT day - date '2024-01-01' FROM orders ORDER BY id",
    "a date is midnight": "SELECT id FROM orders WHERE placed = day ORDER BY id",
    "a float rounds to the even": "SELECT weight::int, 2.5::int, 3.5::int FROM orders ORDER BY id",
    "yes and no": "SELECT vip, NOT vip, id > 3, vip IS TRUE FROM customers ORDER BY id",
    "greatest passes NULL over": "SELECT greatest(weight, 1), least(NULL, id) FROM orders ORDER BY id",
    "concat passes NULL over": "SELECT concat(name, note), name || note FROM customers ORDER BY id",
    "a number in ORDER BY is a column, a cast is not": "SELECT id FROM customers ORDER BY 2::int, id DESC",
    "a name of a column of the answer": "SELECT id AS name, name AS id FROM customers ORDER BY id",
    "a condition in an aggregate": "SELECT count(*) FILTER (WHERE vip), count(DISTINCT country) FROM customers",
    "NOT binds after =": "SELECT id FROM customers WHERE NOT vip = true AND id > 2 OR id = 1 ORDER BY id",
    "any of a list": "SELECT id FROM customers WHERE country = ANY (ARRAY['Austria', 'Sweden']) ORDER BY id",
    "trim in a pattern": "SELECT id FROM customers WHERE trim(name) LIKE '%e%' ORDER BY id",
    "weeks are ISO's": "SELECT extract(week from day), extract(dow from day) FROM orders ORDER BY id",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sql", TRAPS.values(), ids=TRAPS.keys())
def test_what_the_databases_do_differently_is_done_as_postgresql_does(
    ask_file: dict[str, Ask], ask_postgres: AskPostgres, kind: str, sql: str
) -> None:
    assert [_rounded(row) for row in ask_file[kind](sql).rows] == [_rounded(row) for row in ask_postgres(sql)]


REFUSED_IN_SQLITE = {
    "adding text": ("SELECT name + 1 FROM customers", "numbers"),
    "the sum of text": ("SELECT sum(name) FROM customers", "number"),
    "dividing text": ("SELECT name / 2 FROM customers", "number"),
    "a date less a number with a point": ("SELECT day - 1.5 FROM orders", "date"),
    "comparing text with a number": ("SELECT id FROM customers WHERE name = 1", "compare"),
    "comparing a number with a word": ("SELECT id FROM customers WHERE id = 'one'", "'one' is no integer"),
    "a date in another form": ("SELECT id FROM orders WHERE day > '1.2.2024'", "no date"),
    "a date that never was": ("SELECT id FROM orders WHERE day > '2024-02-30'", "no date"),
    "text as a number": ("SELECT name::int FROM customers", "cast"),
    "a column that is not grouped by": ("SELECT country, name, count(*) FROM customers GROUP BY country", "'name'"),
    "a column beside an aggregate": ("SELECT name, max(id) FROM customers", "'name'"),
    "an order that is not grouped by": ("SELECT country FROM customers GROUP BY country ORDER BY id", "'id'"),
    "names of months": ("SELECT to_char(day, 'Month') FROM orders", "to_char"),
    "a letter to_char lacks": ("SELECT to_char(day, 'YYYY-Q') FROM orders", "to_char"),
    "a remainder of parts": ("SELECT total % 2 FROM orders", "whole numbers"),
    "regular expressions": ("SELECT name FROM customers WHERE name ~ '^A'", "LIKE"),
    "DISTINCT ON": ("SELECT DISTINCT ON (country) country, id FROM customers", "DISTINCT ON"),
    "a function SQLite lacks": ("SELECT corr(total, weight) FROM orders", "SQLite"),
}


@pytest.mark.parametrize(("sql", "told"), REFUSED_IN_SQLITE.values(), ids=REFUSED_IN_SQLITE.keys())
def test_what_sqlite_would_answer_wrongly_or_not_at_all_is_refused(
    ask_file: dict[str, Ask], sql: str, told: str
) -> None:
    with pytest.raises(SqlRefused) as caught:
        ask_file["sqlite"](sql)
    assert told in str(caught.value) and caught.value.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_says_what_the_model_can_do(ask_file: dict[str, Ask], kind: str) -> None:
    with pytest.raises(SqlRefused) as caught:
        ask_file[kind]("SELECT count FROM (SELECT count(*) FROM orders) AS q")
    assert "alias" in caught.value.remedy


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("divided", ["1 / (id - 10)", "total / 0", "weight / (id - 10)", "id % 0", "1 / 0.0"])
def test_a_division_by_zero_is_no_answer(ask_file: dict[str, Ask], kind: str, divided: str) -> None:
    with pytest.raises(SqlRefused, match="cannot run"):
        ask_file[kind](f"SELECT {divided} FROM orders")


def test_duckdb_s_error_does_not_quote_a_value(ask_file: dict[str, Ask]) -> None:
    with pytest.raises(SqlRefused) as caught:
        ask_file["duckdb"]("SELECT id FROM customers WHERE name::int = 1")
    assert "Conversion" in str(caught.value) and "Alfreds" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_have_the_names_postgresql_gives_them(ask_file: dict[str, Ask], kind: str) -> None:
    result = ask_file[kind](
        "SELECT count(*), max(id), id::text, 1 AS one FROM customers GROUP BY id ORDER BY 2 LIMIT 1"
    )
    assert result.columns == ("count", "max", "id", "one")
    assert len(result.rows) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_more_rows_than_the_cap_are_cut_and_said_to_be(shops: dict[str, Project], kind: str) -> None:
    databases, grant = databases_of(shops[kind]), grant_for(shops[kind], "clerk")
    result = databases.query(grant, "SELECT id FROM customers ORDER BY id", max_rows=2)
    assert (result.rows, result.truncated) == (((1,), (2,)), True)
    assert not databases.query(grant, "SELECT id FROM customers", max_rows=6).truncated
