"""What PostgreSQL refuses and SQLite answers by chance: a column beside an aggregate that it is not grouped by."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from allotment.databases.files._dialect import refused


def refuse_loose_columns(select: exp.Select) -> None:
    """Refuse a column that is neither grouped by nor inside an aggregate.

    Raises:
        SqlRefused: SQLite would take its value from any row of the group.
    """
    group = select.args.get("group")
    grouped = list(group.expressions) if group else []
    having, order = select.args.get("having"), select.args.get("order")
    parts = [*select.expressions, *([having] if having else []), *(order.expressions if order else [])]
    aggregated = any(True for part in parts for _ in _aggregates(part))
    if not group and not having and not aggregated:
        return
    outputs = {column.alias: column.unalias() for column in select.selects}
    for part in parts:
        # ORDER BY may say an output column's expression again.
        known = [*grouped, *outputs.values()] if isinstance(part, exp.Ordered) else grouped
        for column in _loose(part, known):
            if column.table or column.name not in outputs:
                raise refused(
                    f"the column {column.name!r} must be grouped by or stand in an aggregate.", "Add it to GROUP BY."
                )


def _aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Query | exp.Window):
        return
    if isinstance(node, exp.AggFunc):
        yield node
    for child in node.iter_expressions():
        yield from _aggregates(child)


def _loose(node: exp.Expr, grouped: list[exp.Expr]) -> Iterator[exp.Column]:
    is_aggregate = isinstance(node, exp.AggFunc | exp.Filter | exp.WithinGroup) and not isinstance(
        node.parent, exp.Window
    )
    if node in grouped or is_aggregate or isinstance(node, exp.Query):
        return
    if isinstance(node, exp.Column):
        yield node
    for child in node.iter_expressions():
        yield from _loose(child, grouped)
