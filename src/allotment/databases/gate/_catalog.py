"""What an account has, and how a refusal tells it: nearest names first, and never a name it may not see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from allotment.databases._declared import Table, table_of
from allotment.databases.gate._lists import MAX_OFFER
from allotment.errors import SqlRefused
from allotment.project import AccountConfig, TableGrant

Columns = tuple[str, ...]
_ENOUGH = 5


@dataclass(frozen=True)
class Catalog:
    """The tables and columns of one account: all there is, as far as the gate knows."""

    tables: Mapping[str, TableGrant]
    """As declared: ``name`` for the schema ``public``, or ``schema.name``."""

    @classmethod
    def of(cls, account: AccountConfig) -> Catalog:
        """What the project declares of an account."""
        return cls(account.tables)

    def find(self, schema: str | None, name: str) -> tuple[Table, Columns]:
        """A table by its name in a statement.

        Raises:
            SqlRefused: the account has no such table.
        """
        table = Table(schema or "public", name)
        # A table's own name may hold a dot; as a declared name the same text means a schema and a table.
        for key in (str(table), name) if table.schema == "public" else (str(table),):
            if key in self.tables and table_of(key) == table:
                return table, self.tables[key].columns
        shown = name if schema is None else str(table)
        near = self._near_tables(shown)
        raise SqlRefused(f"there is no table {shown!r} for this account.", remedy=f"{_meant(near)}{self.offer(near)}")

    def offer(self, near: Iterable[str] = ()) -> str:
        """The tables and columns in words; with very many, the nearest only."""
        first = [key for key in dict.fromkeys(near) if key in self.tables]
        listed: list[str] = []
        length, whole = 0, True
        for key in self._in_order(first):
            text = f"{_plain(table_of(key))}({', '.join(self.tables[key].columns)})"
            length += len(text)
            if length > MAX_OFFER and listed:
                whole = False
                break
            listed.append(text)
        told = "; ".join(listed)
        if whole:
            return f"You may use only these tables and columns: {told}."
        return f"Of the {len(self.tables)} tables you may use, these are nearest: {told}."

    def no_column(self, shown: str, column: str, here: Iterable[str], tables: Iterable[str]) -> SqlRefused:
        """The refusal of a column: whose it is instead, or which name is like it."""
        owners = [_plain(table_of(key)) for key, grant in self.tables.items() if column in grant.columns][:_ENOUGH]
        near = get_close_matches(column, dict.fromkeys(here), n=3, cutoff=0.6)
        hint = f"It is a column of {' and '.join(sorted(owners))}. " if owners else _meant(near)
        used = [*tables, *owners]
        return SqlRefused(
            f"there is no column {shown!r} here for this account.", remedy=f"{hint}{self.offer([*used, *near])}"
        )

    def _in_order(self, first: list[str]) -> Iterator[str]:
        yield from first
        yield from sorted(self.tables.keys() - set(first)) if len(self.tables) < 1000 else ()

    def _near_tables(self, shown: str) -> list[str]:
        bare = {table_of(key).name: key for key in self.tables}
        near = get_close_matches(shown, self.tables, n=_ENOUGH, cutoff=0.5)
        near += [bare[name] for name in get_close_matches(shown, bare, n=_ENOUGH, cutoff=0.5)]
        return list(dict.fromkeys(near))[:_ENOUGH]


def _meant(near: Iterable[str]) -> str:
    names = " or ".join(near)
    return f"Did you mean {names}? " if names else ""


def _plain(table: Table) -> str:
    return table.name if table.schema == "public" else str(table)
