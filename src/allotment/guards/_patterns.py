"""How rules are written and run: flat bounded patterns over every form of a text, each only where it can match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import product
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np

from allotment.guards._grams import LENGTH, Table, grams, table_of
from allotment.guards._hoist import hoisted
from allotment.guards._normalise import Form, Prepared

_MOST_RUNS = 12
"""Most strings one needed run is multiplied to where a pattern leaves a choice of letters."""


@dataclass(frozen=True)
class Rule:
    """One compiled pattern, and strings of which every match of it holds at least one."""

    pattern: str
    compiled: re.Pattern[str]
    needs: tuple[str, ...]
    """Empty where the pattern gives none: it is then tried on every text."""
    also: tuple[frozenset[str], ...]
    """Further sets, of each of which every match holds one as well."""
    by_sentence: bool
    """Whether it can match by sentence what it does not match in the whole: it knows where a sentence ends."""

    def possible(self, text: str) -> bool:
        """Whether the text holds one of the needed strings of each set: else the pattern cannot match."""
        every = (self.needs, *self.also) if self.needs else ()
        return all(any(need in text for need in needs) for needs in every)

    def within(self, present: Set[str]) -> bool:
        """The same where it is known which needed strings stand in the text."""
        return not self.needs or not (present.isdisjoint(self.needs) or any(map(present.isdisjoint, self.also)))


def rule(pattern: str) -> Rule:
    """Compile one rule. Texts are folded first: lower case, no diacritics; ``^`` and ``$`` are a sentence's ends.

    A rule has no unbounded repeat but over single characters' classes and no repeat inside a repeat, so matching is
    linear in the text (a test reads every rule and proves it).
    """
    parsed = _parser.parse(pattern, re.MULTILINE)
    first, *also = _all_needs(parsed) or [frozenset()]
    needs = tuple(sorted(first, key=lambda need: (len(need), need)))
    return Rule(pattern, re.compile(hoisted(pattern), re.MULTILINE), needs, tuple(also), _knows_sentences(parsed))


class Rules:
    """Rules in order, and which of them may match a text at all: one look at the text serves all."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        every = sorted({need for one in rules for needs in (one.needs, *one.also) for need in needs})
        self._short = [need for need in every if len(need) < LENGTH]
        self._long = [need for need in every if len(need) >= LENGTH]
        places = [grams(need) for need in self._long]
        self._places = np.concatenate(places) if places else np.zeros(0, np.uint32)
        self._starts = np.cumsum([0, *(len(one) for one in places[:-1])]) if places else np.zeros(0, np.int64)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def present(self, text: str, table: Table | None = None) -> set[str]:
        """The needed strings that stand in the text; ``table`` is that of the text or of one that holds it."""
        found = {need for need in self._short if need in text}
        if self._long:
            known = table_of(text) if table is None else table
            likely = np.minimum.reduceat(known[self._places], self._starts)
            found.update(need for place in np.flatnonzero(likely) if (need := self._long[place]) in text)
        return found

    def possible(self, form: Form) -> list[Rule]:
        """The rules that can match; without one of its needed strings a rule cannot."""
        present = self.present(form.whole, form.grams)
        return [one for one in self._rules if one.within(present)]

    def in_lines(self, lines: Sequence[str]) -> Iterator[re.Match[str]]:
        """Every match of every rule in lines, of rules that match within one."""
        present = self.present("\n".join(lines))
        holding = [(line, {need for need in present if need in line}) for line in lines]
        for one in self._rules:
            mine = "\n".join(line for line, held in holding if one.within(held))
            if mine:
                yield from one.compiled.finditer(mine)


def matches(rules: Rules, text: Prepared) -> Iterator[tuple[str, re.Match[str]]]:
    """Every first match of a rule in each form of the text, whole and by sentence, with the form's name."""
    for form in text.forms:
        for one in rules.possible(form):
            for reading in form.readings if one.by_sentence else (form.whole,):
                match = one.compiled.search(reading)
                if match:
                    yield form.how, match
                    break


def evidence(how: str, match: re.Match[str]) -> str:
    """The matched words, and how they were hidden if they were."""
    words = match.group().strip()
    return words if how == "plain" else f"{words} (hidden: {how})"


def _needs(parsed: Iterable[tuple[Any, Any]]) -> frozenset[str]:
    """Strings of which a match must hold one: the longest that a sequence gives; none where it gives nothing."""
    return next(iter(_all_needs(parsed)), frozenset())


def _all_needs(parsed: Iterable[tuple[Any, Any]]) -> list[frozenset[str]]:
    """Sets of strings of each of which a match must hold one, the set with the longest strings first."""
    found: list[frozenset[str]] = []
    runs = frozenset({""})
    for kind, value in parsed:
        letters = _letters(kind, value)
        if letters and len(runs) * len(letters) <= _MOST_RUNS:
            runs = frozenset(map("".join, product(runs, letters)))
            continue
        found.append(runs)
        runs = letters or frozenset({""})
        if not letters:
            found.append(_needs_of(kind, value))
    found.append(runs)
    telling = [needs for needs in found if needs and all(needs)]
    return sorted(telling, key=lambda needs: min(map(len, needs)), reverse=True)


def _letters(kind: Any, value: Any) -> frozenset[str]:
    """The characters of which one must stand here; none where it is not one of a few."""
    if kind is _constants.LITERAL:
        return frozenset({chr(value)})
    if kind is _constants.IN and len(value) <= _MOST_RUNS and all(one[0] is _constants.LITERAL for one in value):
        return frozenset(chr(one[1]) for one in value)
    return frozenset()


def _needs_of(kind: Any, value: Any) -> frozenset[str]:
    if kind is _constants.SUBPATTERN:
        return _needs(value[-1])
    if kind is _constants.MAX_REPEAT and value[0] > 0:
        return _needs(value[2])
    if kind is _constants.BRANCH:
        every = [_needs(branch) for branch in value[1]]
        return frozenset().union(*every) if all(every) else frozenset()
    return frozenset()


_EDGES = (_constants.AT_BEGINNING, _constants.AT_END, _constants.AT_BEGINNING_STRING, _constants.AT_END_STRING)
_WITHIN = (_constants.CATEGORY_WORD, _constants.CATEGORY_DIGIT)


def _knows_sentences(tree: Any) -> bool:
    """Whether a pattern asks for a line's edge, or for what is *not* there, which may be the next sentence."""
    if isinstance(tree, tuple) and len(tree) == 2:
        kind, value = tree
        if kind in (_constants.ASSERT_NOT, _constants.NOT_LITERAL, _constants.NEGATE):
            return True
        if kind is _constants.AT and value in _EDGES:
            return True
        if kind is _constants.CATEGORY and value not in _WITHIN:
            return True
    if isinstance(tree, list | tuple | _parser.SubPattern):
        return any(_knows_sentences(part) for part in tree)
    return False
