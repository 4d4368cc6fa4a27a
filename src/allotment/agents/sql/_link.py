"""Which tables and columns a question is about, so that the prompt stays short for five tables and for thousands.

Lexical: words of the question against words of names and comments, rare words counting more, and values of the
question that stand in rows. A small schema is kept whole; of a large one the tables that matter, those that join them,
and of wide tables the columns that matter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from allotment.agents.sql._keys import connected, family, join_keys, references
from allotment.agents.sql._values import Match, Query, match_values
from allotment.agents.sql._vocabulary import EMPTY, FUNCTION_WORDS, GENERIC_WORDS, VAGUE_WORDS, likeness, stem, words
from allotment.databases import ColumnCard, Key, SchemaCard, Table, TableCard

WHOLE_COLUMNS = 32
"""A schema with at most this many columns is given whole."""
_MOST_TABLES = 8
_MOST_COLUMNS, _FEWEST_COLUMNS = 20, 6
_ALL_COLUMNS = 160
"""Columns of the prompt, about: few tables may have ``_MOST_COLUMNS`` each, many have fewer."""
_LOOKUP_TABLES = 40
_HOLDERS = 2
"""Tables kept for each value of the question, though nothing else speaks for them."""
_LEAST_SHARE = 0.3
"""Of the best table's score, what another needs to be chosen."""
_TABLE, _COLUMN, _COMMENT, _VALUE = 3.0, 2.0, 0.8, 3.0
_GENERIC = 0.4
"""What a word like "month" counts, that any question may use."""
_AS_LIKELY = 0.6
"""Of the best holder's score, what the next needs."""
_SHORT = 4
_SAID = 0.6
"""Likeness from which a word of a name counts as said."""
_NAMES = frozenset({"name", "title", "label", "username", "first", "last"})


@dataclass(frozen=True)
class Linked:
    """The part of a schema a question is about."""

    card: SchemaCard
    """Chosen tables and columns, with the keys that join them, declared or told by names."""
    keys: tuple[Key, ...]
    """What joins any tables of the whole schema, see ``join_keys``."""
    references: Mapping[tuple[Table, str], Key]
    """Columns that point to the table whose rows they name."""
    relevance: Mapping[tuple[Table, str], float]
    """How much each column has to do with the question."""
    matches: tuple[Match, ...]
    """Values of the question, in chosen tables."""
    asked: tuple[str, ...]
    """Words of the question that could name something, each once."""
    unmatched: tuple[str, ...]
    """Those of ``asked`` that stand nowhere: not in names, comments or values."""


def link(question: str, card: SchemaCard, query: Query) -> Linked:
    """Choose the part of ``card`` the question is about; ``query`` looks up values, see ``match_values``."""
    scores = _Scores(question, card)
    ranked = sorted(card.tables, key=lambda table: -scores.of(table))
    matches = match_values(question, card, ranked[:_LOOKUP_TABLES], query)
    scores.add(matches)
    keys = join_keys(card)
    pointing = references(card, keys)
    tables = card.tables if _is_small(card) else _chosen(card, keys, pointing, scores, matches)
    kept = {table.table for table in tables}
    near = tuple(match for match in matches if match.table in kept)
    inside = tuple(key for key in keys if key.table in kept and key.far_table in kept)
    most = max(_FEWEST_COLUMNS, min(_MOST_COLUMNS, _ALL_COLUMNS // len(tables)))
    small = tuple(_narrowed(table, inside, scores, most) for table in tables)
    near_references = {place: key for place, key in pointing.items() if place[0] in kept and key.far_table in kept}
    unmatched = scores.unmatched(matches)
    return Linked(SchemaCard(small, inside), keys, near_references, scores.columns, near, scores.asked, unmatched)


def _is_small(card: SchemaCard) -> bool:
    return sum(len(table.columns) for table in card.tables) <= WHOLE_COLUMNS


class _Scores:
    """How much each table and column has to do with the question."""

    def __init__(self, question: str, card: SchemaCard) -> None:
        said = words(question)
        self._counts = {word: 1.0 for word in said if len(word) > 1 and word not in FUNCTION_WORDS}
        self._counts |= {word: _GENERIC for word in said if word in GENERIC_WORDS}
        # "check-ins" of a question may be one word in a name; what one of them matches, both have matched.
        self._compounds = {left + right: (left, right) for left, right in pairwise(said)}
        silent = GENERIC_WORDS | VAGUE_WORDS
        self.asked = tuple(word for word in self._counts if word not in silent and not word.isdigit())
        self._matched: set[str] = set()
        named = {table.table: set(words(table.table.name)) for table in card.tables}
        vocabulary: Counter[str] = Counter()
        for table in card.tables:
            vocabulary.update(named[table.table].union(*(words(column.name) for column in table.columns)))
        self._weight = {word: math.log(1.5 + len(card.tables) / count) for word, count in vocabulary.items()}
        self._near = {word: near for word in vocabulary if (near := self._likeness(word))}
        self.columns: dict[tuple[Table, str], float] = {}
        self._tables: dict[Table, float] = {}
        for table in card.tables:
            columns = [self._column(table, column) for column in table.columns]
            about = self._said(table.comment) if table.comment else 0.0
            self._tables[table.table] = _TABLE * self._named(named[table.table]) + about + _best_few(columns)

    def of(self, table: TableCard) -> float:
        """A table's score; 0 is nothing to do with it."""
        return self._tables[table.table]

    def says(self, table: TableCard) -> bool:
        """Whether the question says the table's name in full."""
        return all(self._near.get(word, 0.0) >= _SAID for word in words(table.table.name))

    def add(self, matches: Iterable[Match]) -> None:
        """Values of the question that stand in rows count for their column and table, most for the first of a table."""
        seen: Counter[tuple[Table, str]] = Counter()
        places = Counter(match.phrase for match in matches)
        for match in matches:
            place = (match.table, match.column)
            worth = _VALUE / math.sqrt(places[match.phrase]) / (1 + seen[place])
            seen[place] += 1
            self.columns[place] = self.columns.get(place, 0.0) + worth
            self._tables[match.table] += worth

    def unmatched(self, matches: Iterable[Match]) -> tuple[str, ...]:
        """Words of the question that stand in no name, comment or value."""
        said = {stem(word) for match in matches for word in words(match.phrase)}
        return tuple(word for word in self.asked if word not in self._matched and stem(word) not in said)

    def _likeness(self, named: str) -> float:
        best = 0.0
        for word, counts in self._counts.items():
            likely = likeness(word, named) * counts
            if likely:
                self._matched.add(word)
            best = max(best, likely)
        for word, parts in self._compounds.items():
            if len(named) > _SHORT and stem(word) == stem(named):
                self._matched.update(parts)
                best = 1.0
        return best

    def _named(self, named: Iterable[str]) -> float:
        """Of a name's words the likeness, rare words counting more; a name that is said in full counts most."""
        all_words = [word for word in named if word not in ("id", "of", "the")] or list(named)
        near = [self._near.get(word, 0.0) * self._weight[word] for word in all_words]
        total = sum(self._weight[word] for word in all_words)
        return sum(near) * (0.5 + 0.5 * sum(near) / total) if total else 0.0

    def _column(self, table: TableCard, column: ColumnCard) -> float:
        score = _COLUMN * self._named(set(words(column.name)))
        if column.comment:
            score += self._said(column.comment)
        self.columns[table.table, column.name] = score
        return score

    def _said(self, comment: str) -> float:
        said = set(words(comment)) - EMPTY
        found = [word for word in self.asked if any(likeness(word, other) >= 0.9 for other in said)]
        self._matched.update(found)
        return _COMMENT * len(found)


def _best_few(scores: Sequence[float]) -> float:
    return sum(sorted(scores, reverse=True)[:3])


def _chosen(
    card: SchemaCard,
    keys: Sequence[Key],
    pointing: Mapping[tuple[Table, str], Key],
    scores: _Scores,
    matches: Sequence[Match],
) -> tuple[TableCard, ...]:
    """The tables that score best, those that hold values of the question, and those that join what was chosen."""
    links = {
        table.table: {pointing[table.table, column.name].far_table for column in table.columns}
        for table in card.tables
        if all((table.table, column.name) in pointing for column in table.columns)
    }
    ranked = sorted(card.tables, key=lambda table: -scores.of(table))
    ranked = [table for table in ranked if table.table not in links or scores.says(table)] or ranked
    best = scores.of(ranked[0])
    likely = [table.table for table in ranked[:_MOST_TABLES] if scores.of(table) >= max(best * _LEAST_SHARE, 0.01)]
    for phrase in dict.fromkeys(match.phrase for match in matches):
        places = {match.table for match in matches if match.phrase == phrase}
        holding = [table for table in ranked if table.table in places][:_HOLDERS]
        likely += [table.table for table in holding if scores.of(table) >= _AS_LIKELY * scores.of(holding[0])]
    kept = connected(likely or [table.table for table in ranked[:_MOST_TABLES]], keys)
    kept |= {table for table, ends in links.items() if ends <= kept}
    return tuple(table for table in card.tables if table.table in kept)


def _narrowed(table: TableCard, keys: Sequence[Key], scores: _Scores, most: int) -> TableCard:
    """A wide table without the columns that neither join, nor name, nor have to do with the question."""
    if len(table.columns) <= most:
        return table
    ends = {key.column for key in keys if key.table == table.table}
    ends |= {key.far_column for key in keys if key.far_table == table.table} | {table.columns[0].name}

    def worth(column: ColumnCard) -> tuple[bool, float]:
        useful = bool(_NAMES & set(words(column.name))) or family(column.type) in {"date", "timestamp"}
        return column.name not in ends, -scores.columns[table.table, column.name] - useful

    kept = {column.name for column in sorted(table.columns, key=worth)[:most]}
    return replace(table, columns=tuple(column for column in table.columns if column.name in kept))
