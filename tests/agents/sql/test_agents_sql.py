"""The agent's one tool: SQL by the model, through the gate, on the agent's own account."""

from __future__ import annotations

import pytest
from sql_parts import Writer, grant_of

from allotment.access import AdapterFacts, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.agents import ask_database
from allotment.agents.sql._ask import only_statement
from allotment.databases import Databases
from allotment.errors import NotGranted
from allotment.project import Project


def test_rows_come_from_the_account_with_the_statement_that_ran(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_sales", "sales", "sales")
    writer = Writer("```sql\nSELECT count(*) FROM customers WHERE country = 'Germany';\n```")
    found = ask_database(writer, postgres, grant, "How many customers are in Germany?")
    assert found.result is not None
    assert found.result.rows == ((11,),)
    assert found.result.account == "northwind_sales"
    told = writer.asked[0][-1].content
    assert "CREATE TABLE customers (" in told
    assert "employees" not in told


def test_a_refused_statement_is_mended_from_its_error(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    writer = Writer("SELECT count(*) FROM pg_roles", "SELECT count(*) FROM orders WHERE ship_country = 'Austria'")
    found = ask_database(writer, postgres, grant, "How many orders were shipped to Austria?")
    assert found.result is not None
    assert found.result.rows == ((40,),)
    assert len(found.refusals) == 1
    assert "pg_roles" in writer.asked[1][-1].content


def test_a_model_that_never_learns_gets_no_rows(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    writer = Writer("SELECT * FROM employees", "DROP TABLE orders", "SELECT pg_sleep(9)")
    found = ask_database(writer, postgres, grant, "Which orders were shipped last?")
    assert found.outcome == "no_statement"
    assert found.result is None
    assert len(found.refusals) == 3


def test_without_an_account_in_the_grant_the_model_is_not_even_asked(postgres: Databases, northwind: Project) -> None:
    facts = AdapterFacts("sales", "v1", frozenset({"sales"}), False)
    grant = mint(decide(Policy.of(northwind), Principal("u", "sales"), Request("sales", facts)), 1)
    writer = Writer("SELECT 1")
    with pytest.raises(NotGranted):
        ask_database(writer, postgres, grant, "How many orders?")
    assert writer.asked == []


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("```sql\nSELECT 1;\n```\nThis counts.", "SELECT 1"),
        ("Here:\n```\nSELECT 1", "SELECT 1"),
        ("SELECT 1; DROP TABLE x;", "SELECT 1"),
        ("", ""),
    ],
)
def test_only_the_first_statement_of_an_answer_is_taken(text: str, statement: str) -> None:
    assert only_statement(text) == statement


def test_a_statement_that_uses_no_name_of_the_question_is_written_anew(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_sales", "sales", "sales")
    writer = Writer(
        "SELECT count(*) FROM customers",
        "SELECT count(*) FROM customers WHERE country = 'Germany'",
    )
    found = ask_database(writer, postgres, grant, "How many customers are there in Germany?")
    assert found.result is not None
    assert found.result.rows == ((11,),)
    assert "'Germany' stands in customers.country" in writer.asked[1][-1].content


def test_rows_in_doubt_are_given_where_nothing_better_comes(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_sales", "sales", "sales")
    found = ask_database(Writer("SELECT count(*) FROM customers"), postgres, grant, "How many customers in Germany?")
    assert found.outcome == "answered"
    assert len(found.statements) == 1


def test_a_filter_no_row_fits_is_written_anew_with_what_was_wrong(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_sales", "sales", "sales")
    writer = Writer(
        "SELECT count(*) FROM customers WHERE country = 'Germoney'",
        "SELECT count(*) FROM customers WHERE country = 'Germany'",
    )
    found = ask_database(writer, postgres, grant, "How many customers are there in Germoney?")
    assert found.result is not None
    assert found.result.rows == ((11,),)
    assert "no row has 'Germoney' in customers.country" in writer.asked[1][-1].content
