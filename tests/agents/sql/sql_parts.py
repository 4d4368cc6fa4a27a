"""A model that writes what it is told, grants without the chain before them, and cards without a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allotment.access import Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.databases import ColumnCard, Key, QueryResult, SchemaCard, Table, TableCard
from allotment.models import Completion, Message
from allotment.project import Project


class Writer:
    """A model that writes what it is told, in order, the last again and again, and keeps what it was asked."""

    name = "writer"

    def __init__(self, *statements: str) -> None:
        self._statements = list(statements)
        self.asked: list[Sequence[Message]] = []

    def complete(self, messages: Sequence[Message], **_: Any) -> Completion:
        self.asked.append(list(messages))
        text = self._statements.pop(0) if len(self._statements) > 1 else self._statements[0]
        return Completion(text, 10, 5, "stop")

    def stream(self, messages: Sequence[Message], **_: Any) -> Any:
        raise NotImplementedError


def grant_of(project: Project, account: str, agent: str, role: str) -> Grant:
    """A grant for an account; these tests are about what comes after it."""
    return mint(decide(Policy.of(project), Principal("u", role), Request(agent, account=account)), 1)


def table(name: str, columns: str, **values: Sequence[str]) -> TableCard:
    """A card from ``"id integer, name text"``; ``values`` are those of columns that have few."""
    named = [column.strip().split(" ", 1) for column in columns.split(",")]
    cards = tuple(ColumnCard(column, kind, "", tuple(values.get(column, ()))) for column, kind in named)
    schema, _, bare = name.rpartition(".")
    return TableCard(Table(schema or "public", bare), cards)


def card(*tables: TableCard, keys: Sequence[Key] = ()) -> SchemaCard:
    """A schema of tables."""
    return SchemaCard(tuple(tables), tuple(keys))


def no_rows(_: str) -> QueryResult:
    """A database in which no value is found."""
    return QueryResult(("place",), (), False, "", "nobody")
