"""What is kept beside a copy: what it was made of, for which declaration, and what it was when it was whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from allotment.databases._difference import Difference
from allotment.project import TableGrant

Kind = Literal["sqlite", "duckdb"]


class _Sealed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CopiedTable(_Sealed):
    """One table of a copy."""

    rows: int
    """How many rows it holds."""
    view: bool
    """Whether it was a view; the copy holds its rows as they were."""


class CopiedKey(_Sealed):
    """A column that points to a column of another table; both are in the copy. Tables as ``schema.name``."""

    table: str
    column: str
    far_table: str
    far_column: str


class Manifest(_Sealed):
    """The seal of one copy."""

    version: Literal[1] = 1
    kind: Kind
    source: str
    """The file it was made of, as declared."""
    source_sha256: str
    copy_file: str
    """Name of the copy in the manifest's folder."""
    copy_sha256: str
    made_at: datetime
    """When its source was read."""
    declared: dict[str, TableGrant]
    """The account's tables as they were declared then."""
    tables: dict[str, CopiedTable]
    keys: tuple[CopiedKey, ...]


def declared_differences(
    account: str, declared: Mapping[str, TableGrant], copied: Mapping[str, TableGrant]
) -> Iterator[Difference]:
    """Where a copy was made for another declaration than today's."""
    for table in sorted(declared.keys() | copied.keys()):
        element = f"{account}: {table}"
        wanted, found = declared.get(table), copied.get(table)
        if wanted is None or found is None:
            yield Difference(element, _is_there(wanted), _is_there(found), "")
            continue
        for column in sorted(set(wanted.columns) ^ set(found.columns)):
            expected, actual = _is_there(column in wanted.columns), _is_there(column in found.columns)
            yield Difference(f"{element}.{column}", expected, actual, "")
        if wanted.rows != found.rows:
            yield Difference(f"{element}: rows", _shown(wanted), _shown(found), "")


def _is_there(thing: object) -> str:
    return "in the copy" if thing else "not in the copy"


def _shown(grant: TableGrant) -> str:
    return ", ".join(f"{column} = {value!r}" for column, value in grant.rows.items()) or "every row"
