"""PostgreSQL's SQL in the words of another database: what passed the gate, read again with the type of every part.

The gate knows PostgreSQL's grammar alone, and so does the model that writes the SQL. sqlglot carries a statement over;
the types tell where the two databases would give different answers to the same text, which is rewritten or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from allotment.databases._declared import Table
from allotment.databases.files._typing import TYPES
from allotment.databases.gate import GatedSql
from allotment.errors import SqlRefused

ColumnTypes = Mapping[Table, Mapping[str, exp.DataType]]
"""Table → column → its type."""
Rewrite = Callable[[Any], exp.Expr | None]
"""A node → what takes its place; none keeps it. Raises ``SqlRefused``."""

_SAFE_FORMAT = re.compile(r"(?:%[YmdHMS]|[^%A-Za-z])*\Z")


def refused(message: str, remedy: str = "Write it another way.") -> SqlRefused:
    """The refusal of a statement that this kind of database cannot answer as PostgreSQL would."""
    return SqlRefused(message, remedy=remedy)


def read(gated: GatedSql, types: ColumnTypes) -> exp.Query:
    """The tree of a gated statement; every column has its source, every part its type.

    Raises:
        SqlRefused: sqlglot cannot make sense of it.
    """
    nested: dict[str, Any] = {}
    for table, columns in types.items():
        nested.setdefault(table.schema, {})[table.name] = columns
    schema = MappingSchema(nested, dialect="postgres", normalize=False)
    try:
        tree = parse_one(gated.sql, read="postgres")
        rewrite(tree, _PLAIN)
        tree = qualify(tree, schema=schema, dialect="postgres", expand_stars=False)
        tree = annotate_types(tree, schema=schema, dialect="postgres", expression_metadata=TYPES)
    except SqlglotError as error:
        raise _not_carried(error) from None
    if not isinstance(tree, exp.Query):
        raise refused("this kind of statement cannot be carried over.")
    return tree


def _plain_function(node: exp.Dot) -> exp.Expr | None:
    """What PostgreSQL's parser calls by its own names, like btrim() for trim()."""
    if node.this.name != "pg_catalog" or not isinstance(node.expression, exp.Anonymous):
        return None
    return exp.func(node.expression.name, *node.expression.expressions, dialect="postgres")


def _plain_interval(node: exp.Cast) -> exp.Expr | None:
    if not node.this.is_string:
        return None
    if isinstance(node.to.this, exp.Interval):
        return exp.Interval(this=exp.Literal.string(f"{node.this.name} {node.to.this.args['unit'].name}"))
    return exp.Interval(this=node.this) if node.to.is_type("interval") else None


def _plain_any(node: exp.EQ) -> exp.Expr | None:
    """``= ANY (ARRAY[…])`` is IN."""
    listed = node.expression.this.unnest() if isinstance(node.expression, exp.Any) else None
    if not isinstance(listed, exp.Array):
        return None
    return exp.In(this=node.this, expressions=listed.expressions)


def _plain_to_char(node: exp.TimeToStr) -> None:
    """Numbers alone: names of months have widths of PostgreSQL's own, and an unknown letter would be printed."""
    form = node.args["format"]
    if not form.is_string or not _SAFE_FORMAT.match(form.name):
        raise refused("to_char knows only YYYY, MM, DD, HH24, MI and SS here.", "Use these, or extract().")


def _plain_like(node: exp.Like | exp.ILike) -> exp.Expr:
    """LIKE with its escape, which PostgreSQL has without being told, and others have not."""
    like, pattern = node.copy(), node.expression
    if isinstance(pattern, exp.Anonymous) and pattern.name == "like_escape":
        like.set("expression", pattern.expressions[0].copy())
        return exp.Escape(this=like, expression=pattern.expressions[1].copy())
    return exp.Escape(this=like, expression=exp.Literal.string("\\"))


_PLAIN: dict[type[exp.Expr], Rewrite] = {
    exp.Cast: _plain_interval,
    exp.Dot: _plain_function,
    exp.EQ: _plain_any,
    exp.ILike: _plain_like,
    exp.Like: _plain_like,
    exp.TimeToStr: _plain_to_char,
}


def rewrite(tree: exp.Expr, rules: Mapping[type[exp.Expr], Rewrite]) -> None:
    """Apply each node's rule, the innermost first; a replacement keeps the type unless the rule gave it one."""
    for node in reversed(list(tree.walk(bfs=True))):
        rule = rules.get(type(node))
        replacement = rule(node) if rule else None
        if replacement is not None and replacement is not node:
            if replacement.type is None:
                replacement.type = node.type
            node.replace(replacement)


def write(tree: exp.Query, dialect: str) -> str:
    """The statement in another dialect, every name quoted.

    Raises:
        SqlRefused: that dialect has no words for it.
    """
    try:
        return tree.sql(dialect=dialect, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise _not_carried(error) from None


def _not_carried(error: SqlglotError) -> SqlRefused:
    first = str(error).splitlines()[0].rstrip(". ")
    return refused(f"the statement cannot be carried over to this database ({first}).", "Give expressions an alias.")
