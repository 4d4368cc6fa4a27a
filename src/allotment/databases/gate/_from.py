"""The walk over FROM: tables, WITH queries, subqueries and joins, and the columns each of them gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType

from allotment.databases.gate._calls import parts_of
from allotment.databases.gate._catalog import Columns
from allotment.databases.gate._context import Context
from allotment.databases.gate._expressions import Expressions
from allotment.databases.gate._scope import Relation, Scope, Visible


class FromClause:
    """Checks FROM items and adds them to a scope; ``select`` checks the subqueries in them."""

    def __init__(
        self, context: Context, expressions: Expressions, select: Callable[[Any, Scope | None], Relation]
    ) -> None:
        self._context = context
        self._expressions = expressions
        self._select = select

    def add(self, item: Any, scope: Scope) -> list[Visible]:
        """Check one FROM item and add it; returns the columns that may be named without it.

        Raises:
            SqlRefused: it is no table of the account, subquery or join.
        """
        kind = type(item)
        if kind is ast.JoinExpr:
            with self._context:
                return self._join(item, scope)
        self._context.count_source()
        if kind is ast.RangeVar:
            return self._table(item, scope)
        if kind is ast.RangeSubselect:
            return self._subquery(item, scope)
        raise self._context.refusal("FROM may hold only tables, subqueries and joins.")

    def _table(self, item: Any, scope: Scope) -> list[Visible]:
        if item.catalogname or not item.inh:
            raise self._context.refusal("name the table plainly: no ONLY, no database name.")
        alias = item.alias.aliasname if item.alias else item.relname
        names = item.alias.colnames if item.alias else None
        relation = None if item.schemaname else scope.with_query(item.relname)
        if relation is not None:
            return scope.add(alias, Relation(self.renamed(relation.columns, names), relation.growth))
        table, columns = self._context.catalog.find(item.schemaname, item.relname)
        if names:
            # They would count all columns of the table, also those that are not the account's.
            raise self._context.refusal("a table takes no column aliases.", "Give an alias to each selected column.")
        item.schemaname = table.schema
        self._context.read(table)
        return scope.add(alias, Relation(columns))

    def _subquery(self, item: Any, scope: Scope) -> list[Visible]:
        if item.lateral:
            raise self._context.refusal("LATERAL is not allowed.", "Use a window function, or join with ON.")
        if item.alias is None:
            raise self._context.refusal("a subquery in FROM needs an alias.", "Write (SELECT …) AS x.")
        relation = self._select(item.subquery, scope.around())
        columns = self.renamed(relation.columns, item.alias.colnames)
        return scope.add(item.alias.aliasname, Relation(columns, relation.growth))

    def renamed(self, columns: Columns, names: Any) -> Columns:
        """Columns under the aliases given to the first of them.

        Raises:
            SqlRefused: there are too many aliases.
        """
        given = tuple(name.sval for name in names or ())
        if len(given) > len(columns):
            raise self._context.refusal("there are more column aliases than columns.")
        return given + columns[len(given) :]

    def _join(self, item: Any, scope: Scope) -> list[Visible]:
        if item.isNatural or item.alias or item.join_using_alias:
            raise self._context.refusal("NATURAL JOIN and aliases of joins are not allowed.", "Join with ON.")
        here = scope.around()
        left = self.add(item.larg, here)
        right = self.add(item.rarg, here)
        for name, relation in here.sources.items():
            scope.add(name, relation)
        if item.usingClause:
            return self._using(item, left, right)
        here.visible = left + right
        self._expressions.check(item.quals, here)
        return left + right

    def _using(self, item: Any, left: list[Visible], right: list[Visible]) -> list[Visible]:
        """Written as ON: what USING joins on is decided here, by the columns of the account alone."""
        if item.jointype is JoinType.JOIN_FULL:
            raise self._context.refusal("FULL JOIN with USING is not allowed.", "Join with ON.")
        names = [str(name) for name in parts_of(item.usingClause)]
        pairs = [(self._one(left, name), self._one(right, name)) for name in names]
        equal = tuple(
            ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, name=(ast.String(sval="="),), lexpr=reference(a), rexpr=reference(b))
            for a, b in pairs
        )
        item.usingClause = None
        item.quals = equal[0] if len(equal) == 1 else ast.BoolExpr(boolop=BoolExprType.AND_EXPR, args=equal)
        merged = [b if item.jointype is JoinType.JOIN_RIGHT else a for a, b in pairs]
        return merged + [entry for entry in left + right if entry.name not in names]

    def _one(self, side: list[Visible], name: str) -> Visible:
        found = [entry for entry in side if entry.name == name]
        if len(found) != 1:
            raise self._context.refusal(f"the column {name!r} cannot be joined on for this account.")
        return found[0]


def reference(column: Visible) -> ast.ColumnRef:
    """The column as a statement names it."""
    return ast.ColumnRef(fields=(ast.String(sval=column.source), ast.String(sval=column.name)))
