"""The declared tables and views as the database has them, and why one of them cannot be given to an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from allotment.databases._declared import Rule, Table
from allotment.errors import ProjectError

Admin = Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Relation:
    """A table or view that is there."""

    kind: str
    """As in ``pg_class.relkind``."""
    types: Mapping[str, str]
    """Column → its type, as ``pg_type`` names it; empty for a type that is not PostgreSQL's own."""
    options: tuple[str, ...]
    """As in ``pg_class.reloptions``."""

    @property
    def is_view(self) -> bool:
        """Whether its rows are those of other tables."""
        return self.kind == "v"


_RELATION = """SELECT c.relkind::text, coalesce(c.reloptions, '{}')::text[], a.attname::text,
      CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text ELSE '' END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE n.nspname = %s::text AND c.relname = %s::text ORDER BY a.attnum"""

_READ_BY_VIEW = """SELECT DISTINCT n.nspname::text, c.relname::text, a.attname::text
    FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.refobjid <> r.ev_class
    JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
    WHERE r.ev_class = format('%%I.%%I', %s::text, %s::text)::regclass ORDER BY 1, 2, 3"""


def find_relations(admin: Admin, rules: list[Rule]) -> dict[Table, Relation]:
    """Every declared table and view.

    Raises:
        ProjectError: the first that is not there, lacks a column, or whose rows cannot be guarded, and what to do.
    """
    found: dict[Table, Relation] = {}
    for rule in rules:
        if rule.table not in found:
            relation = find_relation(admin, rule.table)
            if relation is not None:
                found[rule.table] = relation
        _require_fit(admin, rule, found.get(rule.table), rules)
    return found


def find_relation(admin: Admin, table: Table) -> Relation | None:
    """A table or view, if it is there."""
    rows = admin.execute(_RELATION, [table.schema, table.name]).fetchall()
    return Relation(rows[0][0], {row[2]: row[3] for row in rows}, tuple(rows[0][1])) if rows else None


def _require_fit(admin: Admin, rule: Rule, relation: Relation | None, rules: list[Rule]) -> None:
    element = f"accounts.{rule.account}.tables.{rule.table.name}"
    if relation is None:
        raise ProjectError("is no table of the database.", element=element, remedy="Name a table that is there.")
    if relation.kind not in "rpv":
        fault = "is no table or view; its rows cannot be guarded by account."
        raise ProjectError(fault, element=element, remedy="Name the table its rows come from.")
    missing = sorted({*rule.grant.columns, *rule.grant.rows} - set(relation.types))
    if missing:
        remedy = f"Its columns are {', '.join(relation.types)}."
        raise ProjectError(f"has no column {', '.join(missing)}.", element=element, remedy=remedy)
    if relation.is_view:
        _require_safe_view(admin, rule, relation, element, rules)


def _require_safe_view(admin: Admin, rule: Rule, relation: Relation, element: str, rules: list[Rule]) -> None:
    """A view must run with the rights of whoever reads it, over tables the account may read by itself."""
    if rule.grant.rows:
        raise ProjectError(
            "is a view, and a view has no row filter of its own.",
            element=f"{element}.rows",
            remedy="Declare the filter on the tables the view reads.",
        )
    if not is_invoker(relation.options):
        name = rule.table.identifier.as_string()
        raise ProjectError(
            "is a view that reads with its owner's rights, so row filters would not hold in it.",
            element=element,
            remedy=f"Run: ALTER VIEW {name} SET (security_invoker = true, security_barrier = true)",
        )
    mine = {other.table: set(other.grant.columns) for other in rules if other.account == rule.account}
    for schema, name, column in admin.execute(_READ_BY_VIEW, [rule.table.schema, rule.table.name]).fetchall():
        table = Table(schema, name)
        if column not in mine.get(table, set()):
            raise ProjectError(
                f"is a view that reads {table}.{column}, which the account may not.",
                element=element,
                remedy=f"Declare that column for accounts.{rule.account}, or leave the view out.",
            )


def is_invoker(options: Iterable[str]) -> bool:
    """Whether a view with these options reads with the rights of whoever asks."""
    return any(option in ("security_invoker=true", "security_invoker=on", "security_invoker=1") for option in options)
