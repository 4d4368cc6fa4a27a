"""The walk over a parsed SELECT: every clause is known, every name is resolved and written out, or it is refused."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, MinMaxOp, SubLinkType

from allotment.databases.gate._calls import parts_of
from allotment.databases.gate._catalog import Catalog, Columns
from allotment.databases.gate._context import Context
from allotment.databases.gate._expressions import Expressions
from allotment.databases.gate._from import FromClause, reference
from allotment.databases.gate._scope import Relation, Scope, Visible

_CLAUSES = {
    "all", "distinctClause", "fromClause", "groupClause", "groupDistinct", "havingClause", "intoClause", "larg",
    "limitCount", "limitOffset", "limitOption", "lockingClause", "op", "rarg", "sortClause", "targetList",
    "valuesLists", "whereClause", "windowClause", "withClause",
}  # fmt: skip
"""Clauses of a SELECT the walk knows, also those it refuses; a later grammar may have more."""
_NAMED_BY_THEMSELVES = {ast.ColumnRef, ast.FuncCall}
"""What gives CASE its name when it stands behind ELSE."""


class Walk:
    """One walk over one statement; writes schemas, sources of columns and names of outputs into the tree.

    After it no name in the text depends on columns of a table that the account may not see.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._context = Context(catalog)
        self._expressions = Expressions(self._context, self.select)
        self._from = FromClause(self._context, self._expressions, self.select)

    @property
    def tables(self) -> set[str]:
        """The declared tables it reads."""
        return self._context.tables

    def select(self, statement: Any, parent: Scope | None) -> Relation:
        """Check a SELECT in the scope around it; returns what it gives.

        Raises:
            SqlRefused: it may not run.
        """
        with self._context:
            scope = Scope(parent)
            self._refuse_clauses(statement)
            self._with(statement, scope)
            relation = self._set_operation(statement, scope) if statement.larg else self._simple(statement, scope)
            for sort in statement.sortClause or ():
                if not _is_output(sort.node, relation.columns):
                    self._expressions.check(sort, scope)
                elif sort.useOp:
                    raise self._context.refusal("ORDER BY … USING is not allowed.")
            for node in (statement.limitCount, statement.limitOffset):
                self._expressions.check(node, scope.around())
        return relation

    def _refuse_clauses(self, statement: Any) -> None:
        if type(statement) is not ast.SelectStmt:
            raise self._context.refusal("only SELECT may run, in a subquery and a WITH query as well.")
        unknown = {clause for clause in statement if getattr(statement, clause)} - _CLAUSES
        if unknown:
            raise self._context.refusal(f"the clause {unknown.pop()} is not allowed.")
        for clause, name in (
            (statement.intoClause, "INTO"),
            (statement.lockingClause, "FOR UPDATE or FOR SHARE"),
            (statement.valuesLists, "VALUES"),
        ):
            if clause:
                raise self._context.refusal(f"{name} is not allowed.")

    def _with(self, statement: Any, scope: Scope) -> None:
        if statement.withClause is None:
            return
        if statement.withClause.recursive:
            raise self._context.refusal("WITH RECURSIVE is not allowed.", "Join the table with itself, level by level.")
        for query in statement.withClause.ctes:
            if type(query) is not ast.CommonTableExpr or query.search_clause or query.cycle_clause:
                raise self._context.refusal("this kind of WITH is not allowed.")
            relation = self.select(query.ctequery, scope.around())
            name = str(query.ctename)
            # The server looks a name that is no WITH query up in its own catalog, where all names start like this.
            if name in scope.with_queries or name.startswith("pg_"):
                raise self._context.refusal(f"the WITH query {name!r} is there twice.", "Give it another name.")
            columns = self._from.renamed(relation.columns, query.aliascolnames)
            scope.with_queries[name] = Relation(columns, relation.growth)

    def _set_operation(self, statement: Any, scope: Scope) -> Relation:
        left = self.select(statement.larg, scope)
        right = self.select(statement.rarg, scope)
        return Relation(left.columns, max(left.growth, right.growth))

    def _simple(self, statement: Any, scope: Scope) -> Relation:
        for item in statement.fromClause or ():
            scope.visible += self._from.add(item, scope)
        targets = self._expand(statement.targetList or (), scope)
        if not targets:
            raise self._context.refusal("the statement selects nothing.")
        statement.targetList = tuple(targets)
        growth, names = 1, []
        for target in targets:
            if type(target) is not ast.ResTarget or target.indirection:
                raise self._context.refusal("this kind of column list is not allowed.")
            growth = max(growth, self._expressions.check(target.val, scope))
            names.append(self._named(target))
        columns = scope.outputs = tuple(names)
        for clause in (statement.whereClause, statement.havingClause, statement.windowClause):
            self._expressions.check(clause, scope)
        if statement.groupClause:
            statement.groupClause = tuple(self._group(node, scope, columns) for node in statement.groupClause)
        for node in statement.distinctClause or ():
            if not _is_output(node, columns):
                self._expressions.check(node, scope)
        return Relation(columns, growth)

    def _named(self, target: Any) -> str:
        """The output's name, written out where PostgreSQL's choice is not plain to see."""
        name = target.name or _name_of(target.val)
        if name != "?column?" and type(target.val) not in (ast.ColumnRef, ast.FuncCall):
            target.name = name
        return str(name)

    def _group(self, node: Any, scope: Scope, outputs: Columns) -> Any:
        """GROUP BY takes a name as a column of FROM first, also as one the account may not see: write the place."""
        if _is_output(node, outputs) and not scope.is_input(node.fields[0].sval):
            return ast.A_Const(isnull=False, val=ast.Integer(ival=outputs.index(node.fields[0].sval) + 1))
        if type(node) is ast.GroupingSet:
            node.content = tuple(self._group(part, scope, outputs) for part in node.content or ()) or None
            return node
        self._expressions.check(node, scope)
        return node

    def _expand(self, targets: Any, scope: Scope) -> list[Any]:
        """Write out ``*`` as the columns the account may read; PostgreSQL would take it as all there are."""
        found: list[Any] = []
        for target in targets:
            fields = target.val.fields if type(target) is ast.ResTarget and type(target.val) is ast.ColumnRef else ()
            if not fields or type(fields[-1]) is not ast.A_Star:
                found.append(target)
                continue
            columns = self._starred(fields, scope)
            if len(set(columns)) < len(columns):
                raise self._context.refusal("two columns under * have one name.", "Give each an alias with AS.")
            found += [ast.ResTarget(val=reference(column)) for column in columns]
        return found

    def _starred(self, fields: Any, scope: Scope) -> list[Visible]:
        if len(fields) == 1:
            return scope.visible
        source = self._expressions.source(parts_of(fields[:-1]))
        if source not in scope.sources:
            raise self._context.refusal(f"there is no table {source!r} in FROM.")
        return [Visible(column, source) for column in scope.sources[source].columns]


def _is_output(node: Any, outputs: Columns) -> bool:
    """Whether a node is nothing but the name of an output column."""
    path = parts_of(node.fields) if type(node) is ast.ColumnRef else []
    return len(path) == 1 and path[0] in outputs


def _name_of(node: Any) -> str:
    """The name PostgreSQL gives an output column without AS."""
    kind = type(node).__name__
    if kind == "ColumnRef":
        return str(node.fields[-1].sval)
    if kind == "FuncCall":
        return str(node.funcname[-1].sval)
    if kind == "A_Indirection":
        return _name_of(node.arg)
    if kind == "TypeCast":
        inner = _name_of(node.arg)
        return inner if inner != "?column?" else str(node.typeName.names[-1].sval)
    if kind == "CaseExpr":
        return _name_of(node.defresult) if type(node.defresult) in _NAMED_BY_THEMSELVES else "case"
    if kind == "SubLink":
        return _name_of_subquery(node)
    if kind == "MinMaxExpr":
        return "greatest" if node.op == MinMaxOp.IS_GREATEST else "least"
    if kind == "SQLValueFunction":
        return str(node.op.name.removeprefix("SVFOP_").removesuffix("_N").lower())
    if kind == "A_Expr" and node.kind == A_Expr_Kind.AEXPR_NULLIF:
        return "nullif"
    named = {"CoalesceExpr": "coalesce", "A_ArrayExpr": "array", "RowExpr": "row", "GroupingFunc": "grouping"}
    return named.get(kind, "?column?")


def _name_of_subquery(node: Any) -> str:
    named = {SubLinkType.EXISTS_SUBLINK: "exists", SubLinkType.ARRAY_SUBLINK: "array"}
    if node.subLinkType != SubLinkType.EXPR_SUBLINK:
        return named.get(node.subLinkType, "?column?")
    select = node.subselect
    while select.larg:
        select = select.larg
    target = select.targetList[0]
    return str(target.name or _name_of(target.val))
