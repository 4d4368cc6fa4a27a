"""Questions asked of accounts that lack a table they need, with a writer that writes the gold query all the same.

No model is asked: the writer is the best a model could be, and the worst for the account. Whatever is answered would be
about other tables than were meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pglast import ast, parse_sql
from support.sql_project import grant_for
from support.sql_results import variants

from allotment.access import Grant
from allotment.agents import ask_database
from allotment.agents.sql._queries import all_nodes
from allotment.databases import Databases, QueryResult, SchemaCard
from allotment.databases.gate import check_sql
from allotment.models import Completion, Message
from allotment.project import AccountConfig, Project


class GoldWriter:
    """Writes one statement, whatever it is told."""

    name = "gold"

    def __init__(self, statement: str) -> None:
        self._statement = statement

    def complete(self, messages: Sequence[Message], **_: Any) -> Completion:
        return Completion(self._statement, 0, 0, "stop")

    def stream(self, messages: Sequence[Message], **_: Any) -> Iterator[str]:
        yield self._statement


class Narrowed:
    """Databases whose account was declared without some tables: neither card nor gate knows them."""

    def __init__(self, databases: Databases, account: AccountConfig, without: set[str]) -> None:
        tables = {name: grant for name, grant in account.tables.items() if name not in without}
        self._account = AccountConfig(database=account.database, tables=tables)
        self._databases = databases
        self._without = without

    def schema_card(self, grant: Grant) -> SchemaCard:
        card = self._databases.schema_card(grant)
        kept = {table.table for table in card.tables if table.name not in self._without}
        keys = tuple(key for key in card.keys if {key.table, key.far_table} <= kept)
        return SchemaCard(tuple(table for table in card.tables if table.table in kept), keys)

    def query(self, grant: Grant, sql: str, *, max_rows: int = 200) -> QueryResult:
        return self._databases.query(grant, check_sql(sql, self._account).sql, max_rows=max_rows)


def hidden_outcomes(
    questions: Sequence[dict[str, Any]], project: Project, databases: Databases
) -> dict[str, dict[str, int]]:
    """What came of every question: with nothing hidden, with one needed table hidden, and with all of them."""
    counts: dict[str, Counter[str]] = {"nothing": Counter(), "one_table": Counter(), "all_tables": Counter()}
    for question in questions:
        account = project.accounts[f"{question['db_name']}_reader"]
        statement = variants(question["query"])[0]
        needed = sorted(_tables(statement) & account.tables.keys())
        for name, hidden in (("nothing", set()), ("one_table", set(needed[:1])), ("all_tables", set(needed))):
            if len(hidden) < len(account.tables):
                narrowed: Any = Narrowed(databases, account, hidden)
                grant = grant_for(project, question["db_name"])
                found = ask_database(GoldWriter(statement), narrowed, grant, question["question"])
                counts[name][found.outcome] += 1
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def _tables(statement: str) -> set[str]:
    nodes = (node for node in all_nodes(parse_sql(statement)[0].stmt) if type(node) is ast.RangeVar)
    return {f"{node.schemaname}.{node.relname}" if node.schemaname else str(node.relname) for node in nodes}
