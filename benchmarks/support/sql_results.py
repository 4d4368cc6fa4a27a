"""Gold answers of text-to-SQL questions, and whether rows are the same: as Defog's own comparison does it.

A gold query may have several variants, separated by semicolons, and columns in braces of which any that are not none
are right. Rows are right when they are a variant's: names and order of columns are ignored, and the order of rows
unless the question asks for one; numbers within a tolerance, repeated rows once. Further columns do no harm.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, permutations
from typing import Any

Row = tuple[Any, ...]
_ORDER_ASKED = re.compile(r"\b(?:order|sort|arrange)", re.IGNORECASE)
_MOST_WAYS = 5000
"""Assignments of columns that are tried; more only where many columns hold the same values."""


@dataclass(frozen=True)
class Verdict:
    """How rows compare with the gold rows."""

    right: bool
    """They are a variant's, perhaps with further columns."""
    exact: bool
    """And no further column."""


def variants(gold: str) -> list[str]:
    """Every query the gold text stands for."""
    found: list[str] = []
    for query in gold.split(";"):
        if query.strip():
            found += _without_braces(query.strip())
    return found


def _without_braces(query: str) -> Iterator[str]:
    braces = re.search(r"\{([^{}]+)\}", query)
    if braces is None:
        yield query
        return
    columns = [column.strip() for column in braces.group(1).split(",")]
    for some in chain.from_iterable(combinations(columns, count) for count in range(1, len(columns) + 1)):
        listed = ", ".join(some)
        rest = query[braces.end() :].replace("GROUP BY {}", f"GROUP BY {listed}")
        yield query[: braces.start()] + listed + rest


def compare(gold: Sequence[Sequence[Row]], rows: Sequence[Row], question: str, category: str) -> Verdict:
    """Compare rows with those of every variant."""
    ordered = category == "order_by" or bool(_ORDER_ASKED.search(question))
    verdicts = [_one(variant, rows, ordered) for variant in gold]
    return Verdict(any(one.right for one in verdicts), any(one.exact for one in verdicts))


def _one(gold: Sequence[Row], rows: Sequence[Row], ordered: bool) -> Verdict:
    if not gold or not rows:
        return Verdict(not gold and not rows, not gold and not rows)
    wanted, width = len(gold[0]), len(rows[0])
    if wanted > width:
        return Verdict(False, False)
    plain = [tuple(_plain(value) for value in row) for row in gold]
    for number, columns in enumerate(_assignments(plain, [tuple(_plain(v) for v in row) for row in rows])):
        if number == _MOST_WAYS:
            break
        got = [tuple(_plain(row[column]) for column in columns) for row in rows]
        if _same(plain, got, ordered):
            return Verdict(True, wanted == width)
    return Verdict(False, False)


def _assignments(gold: Sequence[Row], rows: Sequence[Row]) -> Iterator[tuple[int, ...]]:
    """Ways to take columns of the rows for those of gold whose sets of values agree."""
    sets = [sorted({_key(row[column]) for row in rows}) for column in range(len(rows[0]))]
    fitting = []
    for column in range(len(gold[0])):
        wanted = sorted({_key(row[column]) for row in gold})
        fitting.append({place for place, values in enumerate(sets) if _near_keys(wanted, values)})
    used = sorted(set().union(*fitting))
    for columns in permutations(used, len(fitting)):
        if all(place in some for place, some in zip(columns, fitting, strict=True)):
            yield columns


def _same(gold: Sequence[Row], rows: Sequence[Row], ordered: bool) -> bool:
    one, other = list(dict.fromkeys(gold)), list(dict.fromkeys(rows))
    if not ordered:
        one, other = sorted(one, key=_row_key), sorted(other, key=_row_key)
    if len(one) != len(other):
        return False
    return all(_near(a, b) for left, right in zip(one, other, strict=True) for a, b in zip(left, right, strict=True))


def _row_key(row: Row) -> tuple[Any, ...]:
    return tuple(_key(value) for value in row)


def _key(value: Any) -> tuple[int, float, str]:
    if value is None:
        return (0, 0.0, "")
    return (1, round(value, 4), "") if isinstance(value, float) else (2, 0.0, str(value))


def _near_keys(one: Sequence[Any], other: Sequence[Any]) -> bool:
    if len(one) != len(other):
        return False
    pairs = zip(one, other, strict=True)
    return all(a[0] == b[0] and a[2] == b[2] and math.isclose(a[1], b[1], rel_tol=1e-3, abs_tol=2e-4) for a, b in pairs)


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-4)
    return bool(one == other)


def _plain(value: Any) -> Any:
    """Numbers as floats, also those in texts of dates at midnight as dates; texts without ends."""
    if isinstance(value, bool) or value is None:
        return None if value is None else str(value).lower()
    if isinstance(value, int | float):
        return float(value)
    return re.sub(r"[T ]00:00:00(?:\.0+)?(?:[+-]\d\d:?\d\d)?$", "", str(value).strip())
