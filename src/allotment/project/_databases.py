"""Databases, and what an account of an agent sees of one."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from allotment.project._base import Name, Scalar, Strict, check_name

USER = "user."
"""How a row filter's value begins that is a claim of the user who asks: ``user.employee_id``."""


class DatabaseConfig(Strict):
    """A PostgreSQL database, embedded and loaded from a file or your own by URL; or a SQLite or DuckDB file."""

    load: Path | None = None
    """SQL file the embedded server loads once, relative to ``allotment.yaml``."""
    url: str | None = None
    """Administrative URL of your own server, or ``env:NAME`` to read it from the environment."""
    file: Path | None = None
    """SQLite or DuckDB file, relative to ``allotment.yaml``; each account gets a copy of what it may read of it."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.load, self.url, self.file)) != 1:
            raise ValueError(
                "give exactly one of load: FILE.sql (embedded), url: (your own server), file: (SQLite or DuckDB)"
            )
        return self


class TableGrant(Strict):
    """What one account sees of one table."""

    columns: tuple[str, ...] = Field(min_length=1)
    """Columns it may read, by name."""
    rows: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)
    """Row filter kept by the database: column → value, list of values, or ``user.CLAIM``: what is known of the user
    who asks (``user.name`` is the login name). Empty: every row. Not for views: those keep to their tables' filters."""

    @model_validator(mode="after")
    def _claims_are_named(self) -> Self:
        for value in self.rows.values():
            if isinstance(value, tuple) and any(isinstance(item, str) and item.startswith(USER) for item in value):
                raise ValueError("user.CLAIM stands alone, not in a list; a claim may hold several values itself")
        for claim in self.claims.values():
            check_name(claim)
        return self

    @property
    def claims(self) -> dict[str, str]:
        """Column → claim of the user it is compared with."""
        return {
            column: value.removeprefix(USER)
            for column, value in self.rows.items()
            if isinstance(value, str) and value.startswith(USER)
        }


class AccountConfig(Strict):
    """A PostgreSQL login role of an agent's own."""

    database: Name
    """The database it logs in to."""
    tables: dict[str, TableGrant] = Field(min_length=1)
    """Table or view (``name`` or ``schema.name``) → what may be read of it."""
