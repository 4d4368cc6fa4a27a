"""Whether a column has a row of a value, asked on the account's own login and remembered for one question."""

from __future__ import annotations

from allotment.agents.sql._quoting import literal, name
from allotment.agents.sql._values import Query
from allotment.databases import SchemaCard, Table
from allotment.errors import SqlRefused

_MOST = 16
"""Look-ups for one question; a value beyond them is taken to be there."""


class Lookup:
    """Answers ``holds`` of the mending; what the schema card lists needs no query."""

    def __init__(self, card: SchemaCard, query: Query) -> None:
        self._query = query
        self._values = {(table.table, c.name): c.values for table in card.tables for c in table.columns if c.values}
        self._known: dict[tuple[Table, str, str, str], bool] = {}

    def holds(self, table: Table, column: str, operator: str, text: str) -> bool:
        """Whether a visible row's ``column`` compares with ``text`` under ``=`` or ``ILIKE``; true where unknown."""
        if operator == "=" and (table, column) in self._values:
            return text in self._values[table, column]
        asked = (table, column, operator, text)
        if asked not in self._known:
            self._known[asked] = len(self._known) >= _MOST or self._ask(*asked)
        return self._known[asked]

    def _ask(self, table: Table, column: str, operator: str, text: str) -> bool:
        source = f"{name(table.schema)}.{name(table.name)}"
        try:
            found = self._query(
                f"SELECT 1 AS one FROM {source} AS t WHERE t.{name(column)} {operator} {literal(text)} LIMIT 1"  # noqa: S608
            )
        except SqlRefused:
            return True
        return bool(found.rows)
