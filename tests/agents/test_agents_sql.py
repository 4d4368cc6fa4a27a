"""The agent's one tool: SQL by the model, through the gate, on the agent's own account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from allotment.access import AdapterFacts, Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.agents import ask_database
from allotment.agents.sql._ask import only_statement
from allotment.databases import Databases
from allotment.errors import NotGranted
from allotment.models import Completion, Message
from allotment.project import Project


class Writer:
    """A model that writes what it is told, in order, and keeps what it was asked."""

    name = "writer"

    def __init__(self, *statements: str) -> None:
        self._statements = list(statements)
        self.asked: list[Sequence[Message]] = []

    def complete(self, messages: Sequence[Message], **_: Any) -> Completion:
        self.asked.append(list(messages))
        return Completion(self._statements.pop(0), 10, 5, "stop")

    def stream(self, messages: Sequence[Message], **_: Any) -> Any:
        raise NotImplementedError


def grant_of(project: Project, account: str, agent: str, role: str) -> Grant:
    """A grant for an account; these tests are about what comes after it."""
    return mint(decide(Policy.of(project), Principal("u", role), Request(agent, account=account)), 1)


def test_rows_come_from_the_account_with_the_statement_that_ran(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_sales", "sales", "sales")
    writer = Writer("```sql\nSELECT count(*) FROM customers WHERE country = 'Germany';\n```")
    found = ask_database(writer, postgres, grant, "How many customers are in Germany?")
    assert found.result is not None
    assert found.result.rows == ((11,),)
    assert found.result.account == "northwind_sales"
    card = writer.asked[0][0].content
    assert "customers(" in card
    assert "employees" not in card


def test_a_refused_statement_is_mended_from_its_error(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    writer = Writer("SELECT count(*) FROM customers", "SELECT count(*) FROM orders WHERE ship_country = 'Sweden'")
    found = ask_database(writer, postgres, grant, "How many orders were shipped to Sweden?")
    assert found.result is not None
    assert found.result.rows == ((0,),)
    assert len(found.refusals) == 1
    assert "refused" in writer.asked[1][-1].content


def test_a_model_that_never_learns_gets_no_rows(postgres: Databases, northwind: Project) -> None:
    grant = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    writer = Writer("SELECT * FROM employees", "DROP TABLE orders", "SELECT pg_sleep(9)")
    found = ask_database(writer, postgres, grant, "Who earns most?")
    assert found.result is None
    assert len(found.refusals) == 3


def test_without_an_account_in_the_grant_the_model_is_not_even_asked(postgres: Databases, northwind: Project) -> None:
    facts = AdapterFacts("sales", "v1", frozenset({"sales"}), False)
    grant = mint(decide(Policy.of(northwind), Principal("u", "sales"), Request("sales", facts)), 1)
    writer = Writer()
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
