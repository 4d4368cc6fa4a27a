"""A parsed statement as a list of SELECTs with what their names mean: the ground every mending stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pglast import ast

from allotment.databases import SchemaCard, Table, TableCard

AGGREGATES = frozenset(
    {
        "avg", "bool_and", "bool_or", "corr", "count", "every", "max", "min", "mode", "percentile_cont",
        "percentile_disc", "stddev", "stddev_pop", "stddev_samp", "string_agg", "array_agg", "sum", "var_pop",
        "var_samp", "variance",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One item of FROM: a table of the account, or a subquery or WITH query by its output columns."""

    name: str
    table: TableCard | None
    columns: dict[str, str]
    """Column → type; empty where a subquery does not tell."""


@dataclass
class Query:
    """One SELECT and what its names mean."""

    statement: Any
    parent: Query | None
    sources: dict[str, Source] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    """Name of an output column given with AS → its expression."""

    def source(self, alias: str) -> Source | None:
        """The item of FROM of that name, here or further out."""
        found = self.sources.get(alias)
        return found or (self.parent.source(alias) if self.parent else None)

    def holders(self, column: str) -> list[Source]:
        """Items of FROM that have a column, here; further out where none has."""
        here = [source for source in self.sources.values() if column in source.columns]
        return here or (self.parent.holders(column) if self.parent else [])

    def type_of(self, reference: Any) -> str:
        """Type of a column reference, empty where unknown."""
        path = names_of(reference)
        if len(path) > 1:
            source = self.source(path[-2])
            return source.columns.get(path[-1], "") if source else ""
        holders = self.holders(path[0]) if path else []
        return holders[0].columns[path[0]] if holders else ""


def queries_of(statement: Any, card: SchemaCard) -> list[Query]:
    """Every SELECT of a statement, inner ones first, with sources resolved as far as names are known."""
    return list(_Resolver(card).select(statement, None, {}))


def names_of(reference: Any) -> list[str]:
    """``a.b`` as its names; empty for ``*``."""
    parts = [getattr(part, "sval", None) for part in reference.fields]
    return [str(part) for part in parts] if all(part is not None for part in parts) else []


def reference(*path: str) -> Any:
    """A reference to a column."""
    return ast.ColumnRef(fields=tuple(ast.String(sval=part) for part in path))


def function_name(node: Any) -> str:
    """The bare name of a function call; empty for any other node."""
    return last_name(node.funcname) if type(node) is ast.FuncCall else ""


def last_name(parts: Any) -> str:
    """The last of dotted names: of ``pg_catalog.date_part`` the second, of an operator's its sign."""
    return str(parts[-1].sval) if parts else ""


def all_nodes(node: Any) -> Iterator[Any]:
    """A node and all below it."""
    if isinstance(node, tuple):
        for part in node:
            yield from all_nodes(part)
    elif isinstance(node, ast.Node):
        yield node
        for attribute in node:
            yield from all_nodes(getattr(node, attribute))


def own_nodes(node: Any) -> Iterator[Any]:
    """A node and all below it, without those of SELECTs inside it."""
    if isinstance(node, tuple):
        for part in node:
            yield from own_nodes(part)
    elif isinstance(node, ast.Node) and type(node) is not ast.SelectStmt:
        yield node
        for attribute in node:
            yield from own_nodes(getattr(node, attribute))


def rewrite(node: Any, change: Callable[[Any], Any]) -> Any:
    """``node`` with ``change`` made to it and to all below it, inner ones first, not inside SELECTs within it."""
    if isinstance(node, tuple):
        return tuple(rewrite(part, change) for part in node)
    if not isinstance(node, ast.Node) or type(node) is ast.SelectStmt:
        return node
    for attribute in node:
        value = getattr(node, attribute)
        if isinstance(value, tuple | ast.Node):
            setattr(node, attribute, rewrite(value, change))
    return change(node)


CLAUSES = ("targetList", "fromClause", "whereClause", "groupClause", "havingClause", "sortClause", "distinctClause")


def rewrite_query(query: Query, change: Callable[[Any], Any], clauses: tuple[str, ...] = CLAUSES) -> None:
    """``rewrite`` in the clauses of one SELECT."""
    for clause in clauses:
        value = getattr(query.statement, clause)
        if value:
            setattr(query.statement, clause, rewrite(value, change))


class _Resolver:
    def __init__(self, card: SchemaCard) -> None:
        self._tables = {table.table: table for table in card.tables}

    def select(self, statement: Any, parent: Query | None, outer: dict[str, dict[str, str]]) -> Iterator[Query]:
        if type(statement) is not ast.SelectStmt:
            return
        known = dict(outer)
        query = Query(statement, parent)
        for with_query in (statement.withClause.ctes or ()) if statement.withClause else ():
            yield from self.select(with_query.ctequery, None, known)
            known[str(with_query.ctename)] = self._columns(with_query.ctequery, known)
        if statement.larg:
            yield from self.select(statement.larg, parent, known)
            yield from self.select(statement.rarg, parent, known)
            return
        for item in statement.fromClause or ():
            yield from self._from_item(item, query, known)
        query.outputs = {str(t.name): t.val for t in statement.targetList or () if getattr(t, "name", None)}
        for clause in CLAUSES:
            for node in own_nodes(getattr(statement, clause)):
                if type(node) is ast.SubLink:
                    yield from self.select(node.subselect, query, known)
        yield query

    def _from_item(self, item: Any, query: Query, known: dict[str, dict[str, str]]) -> Iterator[Query]:
        if type(item) is ast.RangeVar:
            source = self._table(item, known)
            query.sources.setdefault(source.name, source)
        elif type(item) is ast.RangeSubselect:
            yield from self.select(item.subquery, query.parent, known)
            if item.alias:
                columns = self._columns(item.subquery, known)
                query.sources.setdefault(str(item.alias.aliasname), Source(str(item.alias.aliasname), None, columns))
        elif type(item) is ast.JoinExpr:
            yield from self._from_item(item.larg, query, known)
            yield from self._from_item(item.rarg, query, known)

    def _table(self, item: Any, known: dict[str, dict[str, str]]) -> Source:
        alias = str(item.alias.aliasname if item.alias else item.relname)
        if not item.schemaname and item.relname in known:
            return Source(alias, None, known[item.relname])
        table = self._tables.get(Table(item.schemaname or "public", item.relname))
        return Source(alias, table, {column.name: column.type for column in table.columns} if table else {})

    def _columns(self, statement: Any, known: dict[str, dict[str, str]]) -> dict[str, str]:
        """Output columns of a subquery with the types that are plain to see; empty where ``*`` hides them."""
        if type(statement) is not ast.SelectStmt:
            return {}
        while statement.larg:
            statement = statement.larg
        inner = Query(statement, None)
        for item in statement.fromClause or ():
            for _ in self._from_item(item, inner, known):
                pass
        found: dict[str, str] = {}
        for target in statement.targetList or ():
            value = target.val
            if type(value) is ast.ColumnRef and not names_of(value):
                return {}
            found[str(target.name or output_name(value))] = inner.type_of(value) if type(value) is ast.ColumnRef else ""
        return found


def output_name(value: Any) -> str:
    """The name PostgreSQL gives an output column without AS, for columns and functions."""
    if type(value) is ast.ColumnRef:
        return names_of(value)[-1]
    return function_name(value) or "?column?"
