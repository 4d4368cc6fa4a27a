"""What an account sees of its database, for a model that writes SQL and for people."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.databases._declared import Table


@dataclass(frozen=True)
class ColumnCard:
    """A column the account may read."""

    name: str
    type: str
    """Short name of its type: ``text``, ``integer``, ``numeric``, ``date``, ``timestamp``, ``boolean`` …"""
    comment: str = ""
    """What the database's owner says of it."""
    values: tuple[str, ...] = ()
    """Its values in the first rows the account may see, where they are few and short; else none."""


@dataclass(frozen=True)
class TableCard:
    """A table the account may read columns of."""

    table: Table
    columns: tuple[ColumnCard, ...]
    comment: str = ""

    @property
    def name(self) -> str:
        """Its name as a statement may say it: without the schema ``public``."""
        return self.table.name if self.table.schema == "public" else str(self.table)


@dataclass(frozen=True)
class Key:
    """A column that points to a column of another table; both are visible."""

    table: Table
    column: str
    far_table: Table
    far_column: str


@dataclass(frozen=True)
class SchemaCard:
    """Tables, columns and keys of one account, cut down to what is declared and granted."""

    tables: tuple[TableCard, ...]
    keys: tuple[Key, ...] = ()

    def text(self) -> str:
        """One line for each table, then the keys, then the values of columns that have few."""
        names = {card.table: card.name for card in self.tables}
        lines = [f"{card.name}({', '.join(f'{c.name} {c.type}' for c in card.columns)})" for card in self.tables]
        lines += [f"{names[k.table]}.{k.column} = {names[k.far_table]}.{k.far_column}" for k in self.keys]
        for card in self.tables:
            for column in card.columns:
                if column.values:
                    lines.append(f"{card.name}.{column.name}: {', '.join(repr(value) for value in column.values)}")
        return "\n".join(lines)
