"""The walk over a parsed statement: every node is known and allowed, every name is resolved, or it is refused."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp, SubLinkType

from allotment.databases.gate._lists import EXPRESSIONS, FUNCTIONS, MAX_DEPTH, OPERATORS, TYPES
from allotment.databases.gate._scope import Catalog, Columns, Scope
from allotment.errors import SqlRefused

_VALUE_FUNCTIONS = {
    SQLValueFunctionOp.SVFOP_CURRENT_DATE,
    SQLValueFunctionOp.SVFOP_CURRENT_TIME,
    SQLValueFunctionOp.SVFOP_CURRENT_TIMESTAMP,
    SQLValueFunctionOp.SVFOP_LOCALTIME,
    SQLValueFunctionOp.SVFOP_LOCALTIMESTAMP,
}
_PLAIN_KINDS = {
    A_Expr_Kind.AEXPR_OP,
    A_Expr_Kind.AEXPR_OP_ANY,
    A_Expr_Kind.AEXPR_OP_ALL,
    A_Expr_Kind.AEXPR_DISTINCT,
    A_Expr_Kind.AEXPR_NOT_DISTINCT,
    A_Expr_Kind.AEXPR_NULLIF,
    A_Expr_Kind.AEXPR_IN,
    A_Expr_Kind.AEXPR_LIKE,
    A_Expr_Kind.AEXPR_ILIKE,
    A_Expr_Kind.AEXPR_BETWEEN,
    A_Expr_Kind.AEXPR_NOT_BETWEEN,
    A_Expr_Kind.AEXPR_BETWEEN_SYM,
    A_Expr_Kind.AEXPR_NOT_BETWEEN_SYM,
}


class Walk:
    """One walk over one statement; collects the tables it reads and writes their schema into the tree."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.tables: set[str] = set()
        self._depth = 0

    def select(self, statement: Any, parent: Scope | None) -> Columns:
        """Check a SELECT in the scope around it; returns the names of its output columns."""
        self._deeper()
        scope = Scope(parent)
        self._refuse_clauses(statement)
        self._with(statement, scope)
        columns = self._set_operation(statement, scope) if statement.larg else self._simple(statement, scope)
        scope.outputs = columns
        for sort in statement.sortClause or ():
            self._output_or_expression(sort.node, scope, columns)
        for node in (statement.limitCount, statement.limitOffset):
            self.expression(node, Scope(parent))
        self._depth -= 1
        return columns

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refusal("the statement is nested too deeply.")

    def _refusal(self, message: str) -> SqlRefused:
        return SqlRefused(message, remedy=self._catalog.offer())

    def _refuse_clauses(self, statement: Any) -> None:
        if type(statement) is not ast.SelectStmt:
            raise self._refusal("only SELECT may run, in a subquery and a WITH query as well.")
        for clause, name in (
            (statement.intoClause, "INTO"),
            (statement.lockingClause, "FOR UPDATE or FOR SHARE"),
            (statement.valuesLists, "VALUES"),
        ):
            if clause:
                raise self._refusal(f"{name} is not allowed.")

    def _with(self, statement: Any, scope: Scope) -> None:
        if statement.withClause is None:
            return
        if statement.withClause.recursive:
            raise self._refusal("WITH RECURSIVE is not allowed.")
        for query in statement.withClause.ctes:
            if type(query) is not ast.CommonTableExpr or query.search_clause or query.cycle_clause:
                raise self._refusal("this kind of WITH is not allowed.")
            columns = self.select(query.ctequery, scope)
            name = str(query.ctename)
            if name in scope.with_queries:
                raise self._refusal(f"the WITH query {name!r} is there twice.")
            scope.with_queries[name] = self._renamed(columns, query.aliascolnames)

    def _set_operation(self, statement: Any, scope: Scope) -> Columns:
        columns = self.select(statement.larg, scope)
        self.select(statement.rarg, scope)
        return columns

    def _simple(self, statement: Any, scope: Scope) -> Columns:
        for item in statement.fromClause or ():
            self._from_item(item, scope)
        statement.targetList = tuple(self._expand(statement.targetList or (), scope))
        if not statement.targetList:
            raise self._refusal("the statement selects nothing.")
        names: list[str] = []
        for target in statement.targetList:
            self._plain_target(target)
            self.expression(target.val, scope)
            names.append(target.name or _name_of(target.val))
        columns = tuple(names)
        self.expression(statement.whereClause, scope)
        self.expression(statement.havingClause, scope)
        for window in statement.windowClause or ():
            self.expression(window, scope)
        for node in (*(statement.groupClause or ()), *(statement.distinctClause or ())):
            self._output_or_expression(node, scope, columns)
        return columns

    def _plain_target(self, target: Any) -> None:
        if type(target) is not ast.ResTarget or target.indirection:
            raise self._refusal("this kind of column list is not allowed.")

    def _output_or_expression(self, node: Any, scope: Scope, outputs: Columns) -> None:
        """ORDER BY, GROUP BY and DISTINCT ON may name an output column."""
        fields = node.fields or () if type(node) is ast.ColumnRef else ()
        if len(fields) == 1:
            name = getattr(fields[0], "sval", None)
            if name is not None and name in outputs:
                return
        self.expression(node, scope)

    # FROM

    def _from_item(self, item: Any, scope: Scope) -> Columns:
        kind = type(item)
        if kind is ast.RangeVar:
            return self._table(item, scope)
        if kind is ast.RangeSubselect:
            return self._subselect(item, scope)
        if kind is ast.JoinExpr:
            return self._join(item, scope)
        raise self._refusal("FROM may hold only tables, subqueries and joins.")

    def _table(self, item: Any, scope: Scope) -> Columns:
        if item.catalogname or not item.inh or (item.alias and item.alias.colnames):
            raise self._refusal("name the table plainly: no ONLY, no database name, no column aliases.")
        name = item.alias.aliasname if item.alias else item.relname
        columns = None if item.schemaname else scope.with_query(item.relname)
        if columns is None:
            table, columns = self._catalog.find(item.schemaname, item.relname)
            item.schemaname = table.schema
            self.tables.add(str(table))
        scope.add(name, columns)
        return columns

    def _subselect(self, item: Any, scope: Scope) -> Columns:
        if item.lateral or item.alias is None:
            raise self._refusal("a subquery in FROM needs an alias and may not be LATERAL.")
        # It sees the WITH queries around it, not its neighbours in FROM.
        outer = Scope(scope.parent, with_queries=dict(scope.with_queries))
        columns = self._renamed(self.select(item.subquery, outer), item.alias.colnames)
        scope.add(item.alias.aliasname, columns)
        return columns

    def _renamed(self, columns: Columns, names: Any) -> Columns:
        given = tuple(name.sval for name in names or ())
        if len(given) > len(columns):
            raise self._refusal("there are more column aliases than columns.")
        return given + columns[len(given) :]

    def _join(self, item: Any, scope: Scope) -> Columns:
        if item.isNatural or item.alias or item.join_using_alias:
            raise self._refusal("NATURAL JOIN and aliases of joins are not allowed; join with ON.")
        left = self._from_item(item.larg, scope)
        right = self._from_item(item.rarg, scope)
        for column in item.usingClause or ():
            if column.sval not in left or column.sval not in right:
                raise self._refusal(f"the column {column.sval!r} cannot be joined on for this account.")
            scope.merged.append(column.sval)
        self.expression(item.quals, scope)
        return left + right

    # columns

    def _expand(self, targets: Any, scope: Scope) -> list[Any]:
        """Write out ``*`` as the columns the account may read; PostgreSQL would take it as all there are."""
        found: list[Any] = []
        for target in targets:
            fields = target.val.fields if type(target) is ast.ResTarget and type(target.val) is ast.ColumnRef else ()
            if not fields or type(fields[-1]) is not ast.A_Star:
                found.append(target)
                continue
            found += [ast.ResTarget(val=_reference(*path)) for path in self._starred(fields, scope)]
        return found

    def _starred(self, fields: Any, scope: Scope) -> list[tuple[str, ...]]:
        if len(fields) == 1:
            merged = list(dict.fromkeys(scope.merged))
            paths: list[tuple[str, ...]] = [(name,) for name in merged]
            for source, columns in scope.sources.items():
                paths += [(source, column) for column in columns if column not in merged]
            return paths
        source = self._source(fields[:-1], scope)
        if source not in scope.sources:
            raise self._refusal(f"there is no table {source!r} in FROM.")
        return [(source, column) for column in scope.sources[source]]

    def _source(self, fields: Any, scope: Scope) -> str:
        names = [getattr(part, "sval", None) for part in fields]
        if len(names) == 2 and names[0] is not None and names[1] is not None:
            self._catalog.find(names[0], names[1])
            names = names[1:]
        if len(names) != 1 or names[0] is None:
            raise self._refusal("name a column as column or table.column.")
        return str(names[0])

    def _column(self, node: Any, scope: Scope) -> None:
        if type(node.fields[-1]) is not ast.String:
            raise self._refusal("* may stand only alone, or in count(*).")
        column = str(node.fields[-1].sval)
        source = self._source(node.fields[:-1], scope) if len(node.fields) > 1 else None
        scope.check_column(source, column, self._catalog)
        if len(node.fields) > 2:
            node.fields = node.fields[-2:]

    # expressions

    def expression(self, node: Any, scope: Scope) -> None:
        """Check an expression, or a tuple of them."""
        if node is None:
            return
        if isinstance(node, tuple):
            for part in node:
                self.expression(part, scope)
            return
        if not isinstance(node, ast.Node):
            return
        name = type(node).__name__
        if name not in EXPRESSIONS:
            raise self._refusal(f"{name} is not allowed.")
        self._deeper()
        self._special(node, name, scope)
        self._depth -= 1

    def _special(self, node: Any, name: str, scope: Scope) -> None:
        if name == "ColumnRef":
            self._column(node, scope)
        elif name == "SubLink":
            self._sublink(node, scope)
        elif name == "TypeName":
            self._type(node)
        else:
            if name == "FuncCall":
                self._function(node)
            elif name == "A_Expr":
                self._operator(node)
            elif name == "SortBy" and node.useOp:
                raise self._refusal("ORDER BY … USING is not allowed.")
            elif name == "SQLValueFunction" and node.op not in _VALUE_FUNCTIONS:
                raise self._refusal("the user, role, catalog and schema may not be read.")
            for attribute in node:
                self.expression(getattr(node, attribute), scope)

    def _sublink(self, node: Any, scope: Scope) -> None:
        if node.subLinkType not in {
            SubLinkType.EXISTS_SUBLINK,
            SubLinkType.ANY_SUBLINK,
            SubLinkType.ALL_SUBLINK,
            SubLinkType.EXPR_SUBLINK,
            SubLinkType.ARRAY_SUBLINK,
        }:
            raise self._refusal("this kind of subquery is not allowed.")
        self._operator_name(node.operName)
        self.expression(node.testexpr, scope)
        self.select(node.subselect, scope)

    def _function(self, node: Any) -> None:
        name = _bare(node.funcname)
        if name is None or name not in FUNCTIONS or node.func_variadic:
            shown = ".".join(part.sval for part in node.funcname)
            raise self._refusal(f"the function {shown}() is not allowed.")

    def _type(self, node: Any) -> None:
        name = _bare(node.names)
        if name is None or name not in TYPES or node.setof or node.pct_type or node.arrayBounds:
            shown = ".".join(part.sval for part in node.names)
            raise self._refusal(f"a cast to {shown} is not allowed.")
        self.expression(node.typmods, Scope())

    def _operator(self, node: Any) -> None:
        if node.kind not in _PLAIN_KINDS:
            raise self._refusal("this operator is not allowed.")
        self._operator_name(node.name)

    def _operator_name(self, name: Any) -> None:
        if name and (len(name) != 1 or name[0].sval not in OPERATORS):
            raise self._refusal(f"the operator {'.'.join(part.sval for part in name)} is not allowed.")


def _bare(names: Any) -> str | None:
    """The name without pg_catalog, where the grammar itself puts it; with any other schema, none."""
    parts = [part.sval for part in names]
    if len(parts) == 2 and parts[0] == "pg_catalog":
        parts = parts[1:]
    return parts[0] if len(parts) == 1 else None


def _reference(*path: str) -> ast.ColumnRef:
    return ast.ColumnRef(fields=tuple(ast.String(sval=name) for name in path))


def _name_of(node: Any) -> str:
    """The name PostgreSQL gives an output column without AS."""
    kind = type(node).__name__
    if kind == "ColumnRef":
        return str(node.fields[-1].sval)
    if kind == "FuncCall":
        return str(node.funcname[-1].sval)
    if kind == "TypeCast":
        inner = _name_of(node.arg)
        return inner if inner != "?column?" else str(node.typeName.names[-1].sval)
    if kind == "SubLink" and node.subLinkType == SubLinkType.EXPR_SUBLINK:
        targets = node.subselect.targetList
        return str(targets[0].name or _name_of(targets[0].val)) if targets else "?column?"
    named = {"CoalesceExpr": "coalesce", "CaseExpr": "case", "A_ArrayExpr": "array"}
    return named.get(kind, "?column?")
