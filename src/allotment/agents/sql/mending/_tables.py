"""Table names: the schema that was left out, and a misspelt name with one that is near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pglast import ast

from allotment.agents.sql._queries import all_nodes
from allotment.agents.sql.mending._near import nearest
from allotment.databases import SchemaCard, Table

_SURE = 88.0
"""Likeness of spelling: ``flight`` is no misspelt ``flight_leg``, which may be all the account sees of flights."""


def mend_tables(statement: Any, card: SchemaCard) -> None:
    """Give every table in FROM the schema and the spelling it has on the card, where only one can be meant."""
    known = [table.table for table in card.tables]
    nodes = list(all_nodes(statement))
    with_queries = {str(node.ctename) for node in nodes if type(node) is ast.CommonTableExpr}
    for node in nodes:
        if type(node) is ast.RangeVar and (node.schemaname or node.relname not in with_queries):
            _mend(node, known)


def _mend(node: Any, known: Sequence[Table]) -> None:
    said = Table(node.schemaname or "public", node.relname)
    meant = said if said in known else _meant(said, known)
    if meant is None or meant == said:
        return
    if node.alias is None and node.relname != meant.name:
        node.alias = ast.Alias(aliasname=node.relname)  # columns are still called by the name that was written
    node.schemaname = None if meant.schema == "public" else meant.schema
    node.relname = meant.name


def _meant(said: Table, known: Sequence[Table]) -> Table | None:
    name = (
        said.name
        if any(table.name == said.name for table in known)
        else nearest(said.name, {t.name for t in known}, least=_SURE)
    )
    found = [table for table in known if table.name == name]
    return found[0] if len(found) == 1 else None
