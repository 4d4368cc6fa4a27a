"""All mendings in order: names first, then joins, grouping, expressions; at last the values filters compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pglast import ast, parse_sql
from pglast.parser import ParseError
from pglast.stream import RawStream

from allotment.agents.sql._queries import Query, queries_of
from allotment.agents.sql._wording import Wording
from allotment.agents.sql.mending._columns import mend_columns
from allotment.agents.sql.mending._expressions import mend_expressions
from allotment.agents.sql.mending._filters import Holds, mend_filters
from allotment.agents.sql.mending._grouping import mend_distinct, mend_grouping
from allotment.agents.sql.mending._invented import mend_invented
from allotment.agents.sql.mending._joins import mend_joins
from allotment.agents.sql.mending._labels import mend_labels
from allotment.agents.sql.mending._sorting import mend_sorting
from allotment.agents.sql.mending._tables import mend_tables
from allotment.databases import Key, SchemaCard

Mending = Callable[[Query], object]


@dataclass(frozen=True)
class Mended:
    """A statement after mending."""

    sql: str
    notes: tuple[str, ...] = ()
    """Values the statement compares with that no row of the account has, in words for the model."""


def mend(sql: str, card: SchemaCard, keys: Sequence[Key], holds: Holds, wording: Wording | None = None) -> Mended:
    """Mend a statement; one that cannot be parsed, or is no SELECT, comes back as it was.

    Args:
        sql: what the model wrote.
        card: every table and column the account sees.
        keys: what joins them, see ``join_keys``.
        holds: whether a column has a row of a value, see ``mend_filters``.
        wording: the question's words; none leaves in what it does not ask for.
    """
    statement = _parsed(sql)
    if statement is None:
        return Mended(sql)
    mend_tables(statement, card)
    for mending in (
        lambda query: mend_joins(query, card, keys),
        lambda query: mend_columns(query, card, keys),
        lambda query: mend_invented(query, wording, keys) if wording else None,
        lambda query: mend_labels(query) if query.statement is statement else None,
        mend_grouping,
        mend_distinct,
        mend_expressions,
        mend_sorting,
    ):
        _apply(mending, statement, card)
    notes = [note for query in queries_of(statement, card) for note in mend_filters(query, holds)]
    return Mended(str(RawStream()(statement)), tuple(dict.fromkeys(notes)))


def _apply(mending: Mending, statement: Any, card: SchemaCard) -> None:
    for query in queries_of(statement, card):
        mending(query)


def _parsed(sql: str) -> Any:
    try:
        statements = parse_sql(sql)
    except (ParseError, UnicodeError, RecursionError, ValueError):
        return None
    single = len(statements) == 1 and type(statements[0].stmt) is ast.SelectStmt
    return statements[0].stmt if single else None
