"""Names and values as SQL text, alike in SQLite and DuckDB; what is shown is what runs."""

from __future__ import annotations

from collections.abc import Iterable

from allotment.project import Scalar


def name(*parts: str) -> str:
    """A quoted name; several parts with dots between them."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def names(parts: Iterable[str]) -> str:
    """Quoted names with commas between them."""
    return ", ".join(name(part) for part in parts)


def literal(value: Scalar) -> str:
    """A value of ``allotment.yaml``."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def condition(column: str, values: Scalar | tuple[Scalar, ...], collation: str = "") -> str:
    """One row filter. ``collation`` follows the column, so that its own cannot make more values equal."""
    listed = values if isinstance(values, tuple) else (values,)
    return f"{column}{collation} IN ({', '.join(literal(item) for item in listed)})" if listed else "FALSE"
