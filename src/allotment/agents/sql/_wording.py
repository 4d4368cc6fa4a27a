"""What a question says, word by word, so that what a statement adds to it can be told."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from allotment.agents.sql._coverage import is_english
from allotment.agents.sql._link import Linked
from allotment.agents.sql._vocabulary import EMPTY, fold, likeness, words
from allotment.databases import Table

_SAID = 0.5
"""Likeness from which a word counts as said."""
_FLAGS = frozenset({"yes", "no", "y", "n", "true", "false", "t", "f"})


class Wording:
    """The words of one question, and whether a value, a column or a table is among them."""

    def __init__(self, question: str, linked: Linked) -> None:
        self._question = question
        self._linked = linked
        self._words = words(question)

    @cached_property
    def is_accounted_for(self) -> bool:
        """Whether every word of the question stands in a name, a comment or a value.

        A word that stands nowhere may mean a value in other words, "British" for ``UK``, and so do all words of another
        language; only where there is none is a value that nobody said an invented one.
        """
        return is_english(self._question) and not self._linked.unmatched

    def says_filter(self, table: Table, column: str, value: str) -> bool:
        """Whether a condition on a column may come from the question: its value is said, or it is a flag that is."""
        if self._is_matched(table, column) or self.says_value(value):
            return True
        return fold(value.strip("% ")) in _FLAGS and self._says_any(words(column))

    def says_value(self, value: str) -> bool:
        """Whether a value is said: one of its words, an abbreviation, or initials of words that follow each other."""
        parts = words(value)
        initials = "".join(word[0] for word in self._words)
        short = len(parts) == 1 and 1 < len(parts[0]) <= 3 and parts[0] in initials
        return not parts or short or self._says_any(parts)

    def says_table(self, table: Table) -> bool:
        """Whether a word of the table's name is said, or a value that stands in its rows."""
        return self._says_any(words(table.name)) or any(match.table == table for match in self._linked.matches)

    def _is_matched(self, table: Table, column: str) -> bool:
        return any((match.table, match.column) == (table, column) for match in self._linked.matches)

    def _says_any(self, named: Iterable[str]) -> bool:
        return any(likeness(word, name) >= _SAID for name in named for word in self._words if word not in EMPTY)
