"""Candidates from cells of tables."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from allotment.evaluation.canaries._plant import canary_id
from allotment.evaluation.canaries._rare import rare_values
from allotment.evaluation.canaries._tables import ReadTable
from allotment.evaluation.canaries._types import Canary

_FACTOR = 8
"""Candidates of a column for each canary wanted of it: some occur elsewhere."""
_LEAST_DIGITS = 5
"""Of a bare number: rows of an answer hold many numbers, and shorter ones meet by chance."""
_LONGEST = 80
_PLACE = re.compile(r"\b[^\W\d_a-z][^\W\d_]{2,}")
"""A word with a capital: with a number it is an address, without one it is a size."""
_PUBLIC = re.compile(r"cit(y|ies)|countr|state|region|territor|categor|currenc|language|title|mesto|zeme|kraj|stat")
"""Columns and tables whose names everybody knows, whoever may read them."""


def row_candidates(tables: Sequence[ReadTable], per_source: int, seed: int) -> list[Canary]:
    """Rare cells of tables that have a key, some of each column, drawn evenly over its rows."""
    return [
        canary
        for table in tables
        if table.key and set(table.key) <= set(table.columns)
        for column in table.columns
        if column not in table.key and not re.search(r"(^|_)id$", column)
        for canary in _of_column(table, column, _FACTOR * per_source, seed)
    ]


def _of_column(table: ReadTable, column: str, count: int, seed: int) -> Iterator[Canary]:
    place = table.columns.index(column)
    order = list(range(len(table.rows)))
    random.Random(f"{seed} {table.name} {column}").shuffle(order)  # noqa: S311 a seed draws the same again
    is_public = bool(_PUBLIC.search(column) or _PUBLIC.search(table.table.name))
    for number in order:
        value = table.rows[number][place]
        if count and value is not None and _is_rare(value, is_public):
            count -= 1
            yield _canary(table, column, number, value)


def _is_rare(value: str, is_public: bool) -> bool:
    if len(value) > _LONGEST or "\n" in value:
        return False
    found = rare_values(value, frozenset(), digits=_LEAST_DIGITS)
    if any(rare.end - rare.start == len(value) and not (rare.is_name and is_public) for rare in found):
        return True
    return " " in value and any(map(str.isdigit, value)) and bool(_PLACE.search(value)) and not is_public


def _canary(table: ReadTable, column: str, number: int, value: str) -> Canary:
    source = f"{table.name}.{column}"
    row = dict(zip(table.columns, table.rows[number], strict=True))
    where = " and ".join(f"{_words(key)} is {row[key]}" for key in table.key)
    of = f"{_words(column)} of {_words(table.table.name)} where {where}"
    found = canary_id("row", f"{source} {where}", value)
    readers = table.readers[number][column]
    return Canary(found, "row", readers, source, value, f"What is the {of}?", f"The {of} is {value}.")


def _words(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
