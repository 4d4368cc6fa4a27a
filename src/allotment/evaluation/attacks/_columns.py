"""Columns of the tables that a project's SQL files create, for rows that are to be planted there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import ConstrType
from pglast.parser import ParseError

from allotment.project import Project

_CREATE = re.compile(r"^CREATE TABLE .*?^\s*\);", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_NEEDED = (ConstrType.CONSTR_NOTNULL, ConstrType.CONSTR_PRIMARY)
_TEXTS = {"text", "varchar", "bpchar"}
_NUMBERS = {"int2", "int4", "int8", "float4", "float8", "numeric"}
_ROOM = 10_000


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    kind: str
    """``text``, ``number``, ``date`` or ``other``."""
    length: int
    """Most characters of a text."""
    needed: bool
    """Whether a row must have it."""


def columns_of(project: Project, database: str) -> dict[str, tuple[Column, ...]]:
    """Table → columns; nothing for a database that is not loaded from a file that can be read."""
    load = project.databases[database].load
    try:
        text = (project.root / load).read_text(encoding="utf-8") if load else ""
    except (OSError, ValueError):
        return {}
    return dict(_tables(text))


def _tables(text: str) -> Iterator[tuple[str, tuple[Column, ...]]]:
    for match in _CREATE.finditer(text):
        try:
            (raw,) = parse_sql(match.group())
        except ParseError:
            continue
        found: Any = raw.stmt
        if isinstance(raw.stmt, ast.CreateStmt):
            name = f"{found.relation.schemaname}." if found.relation.schemaname not in (None, "public") else ""
            rows = [item for item in found.tableElts or () if isinstance(item, ast.ColumnDef)]
            yield f"{name}{found.relation.relname}", tuple(_column(row) for row in rows)


def _column(row: Any) -> Column:
    kind = row.typeName.names[-1].sval
    sizes = [_number(size) for size in row.typeName.typmods or () if isinstance(size, ast.A_Const)]
    needed = row.is_not_null or any(rule.contype in _NEEDED for rule in row.constraints or ())
    length = sizes[0] if sizes and kind in _TEXTS else _ROOM
    return Column(row.colname, _kind(kind), length, bool(needed))


def _number(size: Any) -> int:
    return int(size.val.ival)


def _kind(name: str) -> str:
    if name in _TEXTS:
        return "text"
    if name in _NUMBERS:
        return "number"
    return "date" if name in ("date", "timestamp", "timestamptz") else "other"
