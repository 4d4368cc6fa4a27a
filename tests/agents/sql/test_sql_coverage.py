"""A question about what the account does not see is refused before the model is asked; others are not."""

from __future__ import annotations

import pytest
from sql_parts import Writer, card, grant_of, no_rows, table

from allotment.agents import ask_database
from allotment.agents.sql._coverage import what_is_missing
from allotment.agents.sql._link import link
from allotment.databases import Databases
from allotment.project import Project

SHOP = card(
    table("customers", "customer_id integer, company_name text, city text"),
    table("orders", "order_id integer, customer_id integer, order_date date, freight numeric"),
)


def missing(question: str) -> tuple[str, ...]:
    return what_is_missing(question, link(question, SHOP, no_rows))


@pytest.mark.parametrize(
    "question",
    [
        "How many employees are there?",
        "What is the average salary of each customer?",
        "Which suppliers delivered the orders?",
        "Who earns most?",
        "What is the weather like?",
    ],
)
def test_what_is_nowhere_on_the_card_is_missing(question: str) -> None:
    assert missing(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many clients are there in each town?",
        "What was the average freight paid per month in 1997?",
        "Which customers have not ordered anything since May?",
        "What is the share of orders placed on weekends?",
        "How many people ordered twice?",
        "Kolik zákazníků je v Praze?",
        "Wie viele Kunden gibt es in Graz?",
        "?",
    ],
)
def test_what_may_be_answered_is_not_refused(question: str) -> None:
    assert missing(question) == ()


def test_the_model_is_not_asked_about_what_the_account_does_not_see(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    writer = Writer("SELECT count(*) FROM orders")
    found = ask_database(writer, postgres, grant, "How many employees were hired?")
    assert found.outcome == "not_here"
    assert writer.asked == []


def test_a_model_that_says_it_cannot_is_believed(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    found = ask_database(Writer("SELECT 'cannot';"), postgres, grant, "How many orders were late?")
    assert (found.outcome, found.result) == ("not_here", None)
