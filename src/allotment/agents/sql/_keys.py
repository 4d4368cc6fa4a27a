"""Which columns join which tables: the keys the database declares, and those that names tell where it declares none."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations, pairwise

from allotment.agents.sql._vocabulary import stem, words
from allotment.databases import ColumnCard, Key, SchemaCard, Table, TableCard

_MARKS = frozenset({"id", "code", "key", "no", "nr", "num", "number", "ref"})
_SAYS_NOTHING = frozenset(
    {"id", "name", "title", "code", "type", "status", "description", "number", "key", "no", "num"}
)
_TIMES = frozenset({"date", "time", "at", "ts", "timestamp", "year", "month", "day"})
_PERSONS = frozenset({"first", "last", "middle", "full", "user", "contact", "display"})
"""With ``name`` these name a person; two people of one name are not one person."""
_WIDEST = 60
"""Of tables that share a column name, how many are paired with each other."""


def join_keys(card: SchemaCard) -> tuple[Key, ...]:
    """Declared keys first, then those told by names, each pair of columns once."""
    found = {_pair(key): key for key in card.keys}
    joined = {frozenset((key.table, key.far_table)) for key in card.keys}
    for key in _named_keys(card):
        if frozenset((key.table, key.far_table)) not in joined:
            found.setdefault(_pair(key), key)
    return tuple(found.values())


def _pair(key: Key) -> frozenset[tuple[Table, str]]:
    return frozenset({(key.table, key.column), (key.far_table, key.far_column)})


def _named_keys(card: SchemaCard) -> Iterator[Key]:
    by_stem: dict[str, list[TableCard]] = {}
    for table in card.tables:
        by_stem.setdefault(stem("".join(words(table.table.name))), []).append(table)
    for table in card.tables:
        for column in table.columns:
            yield from _to_a_named_table(table, column, by_stem)
    by_column: dict[str, list[tuple[TableCard, ColumnCard]]] = {}
    for table in card.tables:
        for column in table.columns:
            if _identifies(column):
                by_column.setdefault(column.name, []).append((table, column))
    for sharing in by_column.values():
        for (near, column), (far, other) in combinations(sharing[:_WIDEST], 2):
            if family(column.type) == family(other.type):
                yield Key(near.table, column.name, far.table, other.name)


def _to_a_named_table(table: TableCard, column: ColumnCard, by_stem: dict[str, list[TableCard]]) -> Iterator[Key]:
    """``restaurant_id`` to ``restaurant.id``; ``from_airport`` to ``airport.airport_code``."""
    parts = words(column.name)
    marked = bool(parts) and parts[-1] in _MARKS
    if marked:
        parts = parts[:-1]
    for begin in range(len(parts)):
        for far in by_stem.get(stem("".join(parts[begin:])), ()):
            target = _own_key(far)
            if far.table != table.table and target and family(target.type) == family(column.type):
                if marked or begin > 0:
                    yield Key(table.table, column.name, far.table, target.name)
                return


def _own_key(table: TableCard) -> ColumnCard | None:
    """The column that names the table's own rows: ``id``, ``<table>_id``, or a first one like ``mid``."""
    own = stem("".join(words(table.table.name)))
    for column in table.columns:
        parts = words(column.name)
        if parts[-1:] and parts[-1] in _MARKS and (len(parts) == 1 or stem("".join(parts[:-1])) == own):
            return column
    first = table.columns[0]
    return first if first.name.casefold().endswith(("id", "code", "key")) else None


def is_key_name(column: str) -> bool:
    """Whether a column's name says that it identifies a row rather than names it: ``id``, ``aid``, ``airport_code``."""
    parts = words(column)
    return bool(parts) and (parts[-1] in _MARKS or (len(parts) == 1 and parts[0].endswith("id") and len(parts[0]) < 5))


def references(card: SchemaCard, keys: Iterable[Key]) -> dict[tuple[Table, str], Key]:
    """Columns that point to the table whose rows they name: a declared key, or a shared name with one plain owner."""
    declared = set(card.keys)
    found: dict[tuple[Table, str], Key] = {}
    tables = {table.table: table for table in card.tables}
    for key in keys:
        turned = Key(key.far_table, key.far_column, key.table, key.column)
        for one in (key, turned):
            far = tables[one.far_table]
            if (one == key and key in declared) or _owns(far, one.far_column) > _owns(tables[one.table], one.column):
                found.setdefault((one.table, one.column), one)
    return found


def _owns(table: TableCard, column: str) -> int:
    """How plainly a column names its own table's rows: ``author.author_id`` 3, ``author.aid`` 2, ``author.id`` 1."""
    parts, own = words(column), words(table.table.name)
    if len(parts) > 1 and parts[-1] in _MARKS and stem("".join(parts[:-1])) == stem("".join(own)):
        return 3
    initials = "".join(word[0] for word in own)
    if len(parts) == 1 and parts[0].endswith("id") and initials and parts[0][:-2] in (initials, own[0][0]):
        return 2 if len(own) == 1 or parts[0][:-2] == initials else 0
    return 1 if parts == ["id"] else 0


def _identifies(column: ColumnCard) -> bool:
    """Whether a column of the same name in another table is likely to hold the same things."""
    parts = words(column.name)
    if not parts or set(parts) & _TIMES or set(parts) <= _SAYS_NOTHING:
        return False
    if family(column.type) not in {"whole", "text"}:
        return False
    marked = parts[-1] in _MARKS or (len(parts) == 1 and parts[0].endswith("id") and len(parts[0]) <= 5)
    named = len(parts) > 1 and parts[-1] == "name" and not set(parts) & _PERSONS
    return marked or (named and family(column.type) == "text")


def family(kind: str) -> str:
    """A coarse type: whole, number, text, date, timestamp, time, boolean, interval, or the name itself."""
    name = kind.partition("(")[0].strip()
    return _FAMILIES.get(name, name)


_FAMILIES = {
    "integer": "whole", "bigint": "whole", "smallint": "whole", "int4": "whole", "int8": "whole", "int2": "whole",
    "numeric": "number", "real": "number", "float": "number", "double precision": "number", "float8": "number",
    "float4": "number", "text": "text", "varchar": "text", "bpchar": "text", "char": "text", "date": "date",
    "character varying": "text", "character": "text",
    "timestamp": "timestamp", "timestamptz": "timestamp", "boolean": "boolean", "bool": "boolean",
}  # fmt: skip


def connected(chosen: Collection[Table], keys: Iterable[Key]) -> frozenset[Table]:
    """``chosen`` and the tables on shortest paths of keys between them; what no key reaches stays alone."""
    neighbours: dict[Table, list[Table]] = {}
    for key in keys:
        neighbours.setdefault(key.table, []).append(key.far_table)
        neighbours.setdefault(key.far_table, []).append(key.table)
    order = list(dict.fromkeys(chosen))
    tree: set[Table] = set(order[:1])
    for table in order[1:]:
        tree.update(_path(table, tree, neighbours) or (table,))
    return frozenset(tree)


def path(begin: Table, ends: Collection[Table], keys: Iterable[Key]) -> list[Key]:
    """Keys of a shortest path from ``begin`` to one of ``ends``, each turned to lead there; empty where none leads."""
    turned: dict[Table, list[Key]] = {}
    for key in keys:
        turned.setdefault(key.table, []).append(key)
        turned.setdefault(key.far_table, []).append(Key(key.far_table, key.far_column, key.table, key.column))
    neighbours = {table: [key.far_table for key in all_keys] for table, all_keys in turned.items()}
    tables = _path(begin, set(ends), neighbours) or [begin]
    return [next(key for key in turned[near] if key.far_table == far) for near, far in pairwise(tables)]


def _path(begin: Table, ends: set[Table], neighbours: dict[Table, list[Table]]) -> list[Table] | None:
    before: dict[Table, Table | None] = {begin: None}
    waiting = deque([begin])
    while waiting:
        table = waiting.popleft()
        if table in ends:
            found: list[Table] = []
            step: Table | None = table
            while step is not None:
                found.append(step)
                step = before[step]
            return found[::-1]
        for neighbour in neighbours.get(table, ()):
            if neighbour not in before:
                before[neighbour] = table
                waiting.append(neighbour)
    return None
