"""What a statement adds to its question is left out, and what makes its rows readable is put in."""

from __future__ import annotations

import pytest
from sql_parts import card, no_rows, table

from allotment.agents.sql._keys import join_keys
from allotment.agents.sql._link import link
from allotment.agents.sql._wording import Wording
from allotment.agents.sql.mending import mend

FLIGHTS = card(
    table("airline", "airline_code text, airline_name text"),
    table("flight", "flight_id integer, airline_code text, origin text, meal text", origin=("ORD", "LAX")),
    table("carrier_pair", "main_airline text, airline_code text"),
    table("flight_stop", "flight_id integer, stop_airport text"),
    table(
        "fare",
        "fare_id integer, flight_id integer, cost integer, country text, round_trip text, refundable text",
        country=("UK", "CA", "DE"),
        round_trip=("yes", "no"),
        refundable=("yes", "no"),
    ),
    table("paper", "pid integer, title text, year integer"),
    table("writes", "aid integer, pid integer"),
)
KEYS = join_keys(FLIGHTS)


def mended(question: str, sql: str) -> str:
    """The statement mended for its question, on one line."""
    linked = link(question, FLIGHTS, no_rows)
    return " ".join(mend(sql, FLIGHTS, KEYS, lambda *_: True, Wording(question, linked)).sql.split())


@pytest.mark.parametrize(
    ("question", "condition"),
    [
        ("What is the cost of each fare?", "country = 'CA'"),
        ("What is the cost of each fare?", "country IN ('CA', 'UK')"),
        ("What is the cost of each fare?", "country ILIKE '%de%'"),
        ("What is the cost of each fare?", "refundable = 'no'"),
    ],
)
def test_a_condition_on_a_value_nobody_said_is_left_out(question: str, condition: str) -> None:
    assert mended(question, f"SELECT cost FROM fare WHERE {condition}") == "SELECT cost FROM fare"
    kept = mended(question, f"SELECT cost FROM fare WHERE cost > 5 AND {condition}")
    assert kept == "SELECT cost FROM fare WHERE cost > 5"


@pytest.mark.parametrize(
    ("question", "condition"),
    [
        ("What is the cost of each fare in CA?", "country = 'CA'"),
        ("What is the cost of each fare in California?", "country = 'CA'"),
        ("What is the cost of each British fare?", "country = 'UK'"),
        ("Was kostet jeder Tarif in Deutschland?", "country = 'DE'"),
        ("Kolik stojí jízdné ve Velké Británii?", "country = 'UK'"),
        ("What is the cost of each round trip fare?", "round_trip = 'yes'"),
        ("What is the cost of each fare?", "cost > 5"),
    ],
)
def test_a_condition_the_question_may_mean_stays(question: str, condition: str) -> None:
    assert condition in mended(question, f"SELECT cost FROM fare WHERE {condition}")


def test_a_join_of_a_table_nobody_said_is_left_out_where_nothing_uses_it() -> None:
    sql = "SELECT f.origin FROM flight f JOIN flight_stop s ON f.flight_id = s.flight_id"
    assert mended("What are the origins?", sql) == "SELECT f.origin FROM flight AS f"
    assert "flight_stop" in mended("What are the origins of flights with a stop?", sql)
    assert "flight_stop" in mended("What are the origins of the hopping flights?", sql)
    assert "flight_stop" in mended("What are the origins?", sql.replace("f.origin", "s.stop_airport"))
    assert "flight_stop" in mended("What are the origins?", sql.replace("f.origin", "*"))


def test_a_table_nobody_said_between_two_that_a_key_joins_is_left_out() -> None:
    sql = (
        "SELECT a.airline_name, count(*) FROM airline a JOIN carrier_pair p ON a.airline_code = p.main_airline"
        " JOIN flight f ON p.airline_code = f.airline_code GROUP BY a.airline_name"
    )
    assert mended("How many flights has each airline?", sql) == (
        "SELECT a.airline_name, count(*) FROM airline AS a INNER JOIN flight AS f ON a.airline_code = f.airline_code"
        " GROUP BY a.airline_name"
    )


def test_without_the_question_nothing_is_left_out() -> None:
    sql = "SELECT cost FROM fare WHERE country = 'CA'"
    assert mend(sql, FLIGHTS, KEYS, lambda *_: True).sql == sql


@pytest.mark.parametrize(
    ("sql", "selected"),
    [
        ("SELECT count(*) FROM flight GROUP BY origin", "origin, count(*)"),
        ("SELECT avg(flight_id) FROM flight f GROUP BY f.airline_code, f.origin", "f.origin, avg(flight_id)"),
        ("SELECT avg(flight_id) FROM flight GROUP BY airline_code", "airline_code, avg(flight_id)"),
        ("SELECT f.meal, count(*) FROM flight f GROUP BY f.origin", "f.origin, f.meal, count(*)"),
        ("SELECT origin FROM flight GROUP BY origin ORDER BY count(*) DESC LIMIT 5", "origin, count(*)"),
        ("SELECT title FROM paper ORDER BY year LIMIT 3", "title, year"),
    ],
)
def test_groups_and_what_ranks_them_are_selected(sql: str, selected: str) -> None:
    assert mended("What are they?", sql).startswith(f"SELECT {selected} FROM")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT origin, count(*) FROM flight GROUP BY origin, airline_code",
        "SELECT title FROM paper ORDER BY year ASC LIMIT 1",
        "SELECT title FROM paper ORDER BY year ASC",
        "SELECT * FROM paper ORDER BY year ASC LIMIT 3",
        "SELECT title, year FROM paper ORDER BY 2 ASC LIMIT 3",
        "SELECT title, year AS y FROM paper ORDER BY y ASC LIMIT 3",
        "SELECT max(n) FROM (SELECT count(*) AS n FROM flight GROUP BY origin) AS x",
        "SELECT origin FROM flight WHERE flight_id IN (SELECT max(flight_id) FROM flight GROUP BY origin)",
    ],
)
def test_what_says_enough_is_not_added_to(sql: str) -> None:
    assert mended("What are they?", sql) == sql


@pytest.mark.parametrize("part", ["EXTRACT(YEAR FROM year)", "date_part('year', year)", "YEAR(year)"])
def test_the_year_of_a_year_is_itself(part: str) -> None:
    assert mended("What are they?", f"SELECT {part} FROM paper") == "SELECT year FROM paper"


def test_a_bare_name_that_a_mending_join_makes_ambiguous_is_told_apart() -> None:
    sql = mended("What are they?", "SELECT count(pid), count(aid) FROM paper")
    assert sql == "SELECT count(paper.pid), count(writes.aid) FROM paper INNER JOIN writes ON paper.pid = writes.pid"
