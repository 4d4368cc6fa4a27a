"""PostgreSQL's SQL in SQLite's words.

SQLite seldom says no: it compares numbers with text, adds dates like numbers and divides what is no number. What
PostgreSQL would refuse, or answer differently, is rewritten with the types at hand, or refused here.
"""

from __future__ import annotations

from sqlglot import exp

from allotment.databases.files._dialect import ColumnTypes, Rewrite, read, refused, rewrite, write
from allotment.databases.files._typing import Kind, is_number, kind_of
from allotment.databases.files.sqlite._casts import cast, coerced
from allotment.databases.files.sqlite._dates import add, extract, subtract, to_char, truncate
from allotment.databases.files.sqlite._grouping import refuse_loose_columns
from allotment.databases.gate import GatedSql


def to_sqlite(gated: GatedSql, types: ColumnTypes) -> tuple[str, tuple[Kind, ...]]:
    """A gated statement as SQLite runs it, and what each column of the answer is.

    Raises:
        SqlRefused: SQLite cannot answer it as PostgreSQL would.
    """
    tree = read(gated, types)
    for select in tree.find_all(exp.Select):
        refuse_loose_columns(select)
    kinds = tuple(kind_of(column) for column in tree.selects)
    rewrite(tree, _RULES)
    return write(tree, "sqlite"), kinds


def _table(node: exp.Table) -> None:
    node.set("db", None)


def _divide(node: exp.Div) -> exp.Expr:
    _numbers(node)
    whole = kind_of(node.this) == kind_of(node.expression) == "integer"
    left = node.this if whole else exp.Cast(this=node.this, to=exp.DataType.build("REAL"))
    left.type = left.type or node.type
    return exp.Div(this=left, expression=_not_zero(node.expression, node.this), typed=True)


def _remainder(node: exp.Mod) -> exp.Expr:
    if not kind_of(node.this) == kind_of(node.expression) == "integer":
        raise refused("% works on whole numbers here.", "Cast both sides to int first.")
    return exp.Mod(this=node.this, expression=_not_zero(node.expression, node.this))


def _not_zero(divisor: exp.Expr, dividend: exp.Expr) -> exp.Expr:
    """PostgreSQL refuses to divide a number by zero, SQLite makes it NULL."""
    if divisor.is_number and float(divisor.name or 0):
        return divisor
    checked = exp.Anonymous(this="allotment_not_zero", expressions=[divisor, dividend.copy()])
    checked.type = divisor.type
    return checked


def _numbers(node: exp.Expr) -> None:
    sides = [side for side in (node.args.get("this"), node.args.get("expression")) if side is not None]
    for side in sides:
        inner = side.expressions[0] if isinstance(side, exp.Distinct) else side
        if not is_number(inner) and not isinstance(inner, exp.Null):
            shown = inner.sql(dialect="postgres")
            raise refused(f"{shown} is not known to be a number, so it cannot be counted with.", "Use a number column.")


def _ilike(node: exp.ILike) -> exp.Expr:
    sides = [exp.Lower(this=side) for side in (node.this, node.expression)]
    return exp.Like(this=sides[0], expression=sides[1], negate=node.args.get("negate"))


def _compare(node: exp.Expr) -> None:
    left, right = coerced(node.this, node.expression)
    node.set("this", left)
    node.set("expression", right)


def _between(node: exp.Between) -> None:
    for bound in ("low", "high"):
        this, changed = coerced(node.this, node.args[bound])
        node.set("this", this)
        node.set(bound, changed)


def _in(node: exp.In) -> None:
    node.set("expressions", [coerced(node.this, item)[1] for item in node.expressions])


def _called(name: str) -> Rewrite:
    """The function of that name that ``_functions`` brings."""

    def call(node: exp.Func) -> exp.Expr:
        return exp.Anonymous(this=name, expressions=list(node.iter_expressions()))

    return call


def _no(what: str, remedy: str) -> Rewrite:
    def refuse(_node: exp.Expr) -> exp.Expr:
        raise refused(f"{what} is not there in a SQLite file.", remedy)

    return refuse


_RULES: dict[type[exp.Expr], Rewrite] = {
    exp.Table: _table,
    exp.Div: _divide,
    exp.Mod: _remainder,
    exp.Mul: _numbers,
    exp.Neg: _numbers,
    exp.Sum: _numbers,
    exp.Avg: _numbers,
    exp.Add: add,
    exp.Sub: subtract,
    exp.Cast: cast,
    exp.Extract: extract,
    exp.TimestampTrunc: truncate,
    exp.DateTrunc: truncate,
    exp.TimeToStr: to_char,
    exp.ILike: _ilike,
    exp.In: _in,
    exp.Between: _between,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _compare),
    exp.Concat: _called("concat"),
    exp.Left: _called("allotment_left"),
    exp.Right: _called("allotment_right"),
    exp.Greatest: _called("greatest"),
    exp.Least: _called("least"),
    exp.RegexpLike: _no("the operator ~", "Use LIKE."),
    exp.RegexpILike: _no("the operator ~*", "Use ILIKE."),
    exp.Distinct: lambda node: (
        _no("DISTINCT ON", "Use row_number() in a subquery.")(node) if node.args.get("on") else None
    ),
}
