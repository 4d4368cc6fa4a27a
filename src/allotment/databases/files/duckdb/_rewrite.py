"""PostgreSQL's SQL in DuckDB's words. DuckDB is strict about types, so little is left to tell it."""

from __future__ import annotations

from sqlglot import exp

from allotment.databases.files._dialect import ColumnTypes, Rewrite, read, refused, rewrite, write
from allotment.databases.files._typing import is_number, kind_of
from allotment.databases.gate import GatedSql


def to_duckdb(gated: GatedSql, types: ColumnTypes) -> str:
    """A gated statement as DuckDB runs it.

    Raises:
        SqlRefused: DuckDB cannot answer it as PostgreSQL would.
    """
    tree = read(gated, types)
    rewrite(tree, _RULES)
    return write(tree, "duckdb")


def _divide(node: exp.Div) -> exp.Expr | None:
    """PostgreSQL divides whole numbers without a fraction, DuckDB's ``/`` never does."""
    for side in (node.this, node.expression):
        if not is_number(side):
            shown = side.sql(dialect="postgres")
            raise refused(f"{shown} is not known to be a number, so it cannot be divided.", "Cast it to numeric.")
    if kind_of(node.this) == kind_of(node.expression) == "integer":
        return exp.IntDiv(this=node.this, expression=node.expression)
    return None


def _cast(node: exp.Cast) -> None:
    """A numeric without a size has any number of digits in PostgreSQL, and three in DuckDB."""
    if node.to.is_type("decimal") and not node.to.expressions:
        node.set("to", exp.DataType.build("DOUBLE"))


_RULES: dict[type[exp.Expr], Rewrite] = {exp.Div: _divide, exp.Cast: _cast}
