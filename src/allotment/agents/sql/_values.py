"""Words of the question that stand in rows: which column holds them, found through the account's own rows alone.

Values of columns that have few are on the schema card. Others are looked up by the question's own words, through the
gate and on the account's own login; what comes back is only which column it was. No text of such a row is kept, so
none can reach the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from allotment.agents.sql._keys import family
from allotment.agents.sql._quoting import literal, name, pattern
from allotment.agents.sql._vocabulary import EMPTY, fold, words
from allotment.databases import QueryResult, SchemaCard, Table, TableCard
from allotment.errors import SqlRefused

Query = Callable[[str], QueryResult]
"""Runs one statement through the gate on the account's login."""

_QUOTED = re.compile(r"[\"“”„]([^\"“”„]{1,60})[\"“”]|(?<!\w)['‘‚]([^'‘’‚]{1,60})['’](?!\w)")
_NAME = re.compile(r"\w[\w’'.&-]*")
_MOST_PHRASES = 8
_MOST_COLUMNS = 80
_COLUMNS_AT_ONCE = 10
_SLOW_LOOKUPS = 2
"""Look-ups the database refused or gave up; after these no more are made for a question."""


@dataclass(frozen=True)
class Match:
    """A piece of the question that stands in a column's rows."""

    phrase: str
    """As the question has it."""
    table: Table
    column: str
    value: str | None = None
    """The value it means, where the schema card lists the column's values."""


def match_values(question: str, card: SchemaCard, tables: Sequence[TableCard], query: Query) -> tuple[Match, ...]:
    """Where the question's names and quotations stand.

    Args:
        question: the user's words.
        card: everything the account sees; values it lists are compared without a query.
        tables: tables whose other text columns are asked, most likely first.
        query: see ``Query``.
    """
    listed = tuple(_listed(question, card))
    known = {fold(match.phrase) for match in listed}
    wanted = [phrase for phrase in phrases(question) if fold(phrase) not in known][:_MOST_PHRASES]
    if not wanted:
        return listed
    return (*listed, *_parts_of_listed(wanted, card), *_looked_up(wanted, tables, query))


def unused(question: str, matches: Sequence[Match], sql: str) -> str:
    """The names of the question that stand in rows, where a statement uses none of them; else empty."""
    named = {word for phrase in phrases(question) for word in words(phrase)}
    meant = [match for match in matches if named.issuperset(words(match.phrase))]
    said = set(words(sql))
    if not meant or any(said & set(words(match.phrase)) for match in meant):
        return ""
    first = meant[0]
    return f"{literal(first.phrase)} stands in {name(first.table.name)}.{name(first.column)}"


def phrases(question: str) -> list[str]:
    """Pieces of a question that are likely to be values: quotations, names, codes; each once, longest first."""
    found = [next(filter(None, match.groups())) for match in _QUOTED.finditer(question)]
    rest = _QUOTED.sub(" | ", question)
    for part in re.split(r"[|?!,;:()]|\.\s", rest):
        found += _names_in(part)
    kept: dict[str, str] = {}
    for phrase in found:
        trimmed = phrase.strip(" .-'’")
        if len(trimmed) > 1 and not trimmed.isdigit():
            kept.setdefault(fold(trimmed), trimmed)
    return sorted(kept.values(), key=len, reverse=True)


def _names_in(part: str) -> Iterator[str]:
    """Runs of words that begin with a capital letter, or that mix letters and digits."""
    run: list[str] = []
    tokens = _NAME.findall(part)
    for position, token in enumerate(tokens):
        special = token[0].isupper() or (any(c.isdigit() for c in token) and any(c.isalpha() for c in token))
        if special and not (position == 0 and not token.isupper() and fold(token) in EMPTY):
            run.append(token)
            continue
        if run:
            yield " ".join(run)
        run = []
    if run:
        yield " ".join(run)


def _listed(question: str, card: SchemaCard) -> Iterator[Match]:
    """Values of the card that the question says word by word; ``Mondays`` says ``Monday``."""
    asked = f" {' '.join(_singular(word) for word in words(question))} "
    plain = {_singular(word) for word in words(question)}
    for table in card.tables:
        for column in table.columns:
            for value in column.values:
                said = [_singular(word) for word in words(value)]
                if not said or not any(len(word) > 1 for word in said) or set(said) <= EMPTY:
                    continue
                if (len(said) == 1 and said[0] in plain) or (len(said) > 1 and f" {' '.join(said)} " in asked):
                    yield Match(value, table.table, column.name, value)


def _parts_of_listed(wanted: Sequence[str], card: SchemaCard) -> Iterator[Match]:
    """``Dallas`` where a value is ``Dallas, TX``."""
    said = {phrase: f" {' '.join(words(phrase))} " for phrase in wanted}
    for table in card.tables:
        for column in table.columns:
            for value in column.values:
                whole = f" {' '.join(words(value))} "
                yield from (
                    Match(phrase, table.table, column.name, value) for phrase in wanted if said[phrase] in whole
                )


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _looked_up(wanted: Sequence[str], tables: Sequence[TableCard], query: Query) -> Iterator[Match]:
    places = [
        (table, column.name)
        for table in tables
        for column in table.columns
        if family(column.type) == "text" and not column.values
    ][:_MOST_COLUMNS]
    failures = 0
    for begin in range(0, len(places), _COLUMNS_AT_ONCE):
        some = places[begin : begin + _COLUMNS_AT_ONCE]
        branches = [_branch(number, table, column, wanted) for number, (table, column) in enumerate(some)]
        try:
            rows = query(" UNION ALL ".join(branches)).rows
        except SqlRefused:
            failures += 1
            if failures == _SLOW_LOOKUPS:
                return
            continue
        for number, *found in rows:
            table, column = some[int(str(number))]
            for phrase, there in zip(wanted, found, strict=True):
                if there:
                    yield Match(phrase, table.table, column)


def _branch(number: int, table: TableCard, column: str, wanted: Sequence[str]) -> str:
    source = f"{name(table.table.schema)}.{name(table.table.name)}"
    tests = [
        f"EXISTS (SELECT 1 FROM {source} AS t WHERE t.{name(column)} ILIKE {literal(pattern(phrase))})"  # noqa: S608
        for phrase in wanted
    ]
    return f"SELECT {number} AS place, {', '.join(tests)}"
