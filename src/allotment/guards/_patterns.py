"""How rules are written and run: flat bounded patterns over every form of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from allotment.guards._normalise import Prepared


@dataclass(frozen=True)
class Rule:
    """One compiled pattern, and strings of which every match of it holds at least one."""

    pattern: str
    compiled: re.Pattern[str]
    needs: tuple[str, ...]
    """Empty where the pattern gives none: it is then tried on every text."""

    def possible(self, text: str) -> bool:
        """Whether the text holds one of the needed strings: without one the pattern cannot match."""
        return not self.needs or any(need in text for need in self.needs)


def rule(pattern: str) -> Rule:
    """Compile one rule. Texts are folded first: lower case, no diacritics; ``^`` and ``$`` are a sentence's ends.

    A rule has no unbounded repeat but over single characters' classes and no repeat inside a repeat, so matching is
    linear in the text (a test reads every rule and proves it).
    """
    needs = _needs(_parser.parse(pattern, re.MULTILINE))
    return Rule(pattern, re.compile(pattern, re.MULTILINE), tuple(sorted(needs, key=lambda need: (len(need), need))))


def matches(rules: Sequence[Rule], text: Prepared) -> Iterator[tuple[str, re.Match[str]]]:
    """Every first match of a rule in each form of the text, whole and by sentence, with the form's name."""
    for form in text.forms:
        for one in rules:
            if not one.possible(form.whole):
                continue
            for reading in form.readings:
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
    found: list[frozenset[str]] = []
    run = ""
    for kind, value in parsed:
        if kind is _constants.LITERAL:
            run += chr(value)
            continue
        found.append(frozenset({run}))
        run = ""
        found.append(_needs_of(kind, value))
    found.append(frozenset({run}))
    best = max(found, key=lambda needs: min(map(len, needs), default=0))
    return best if all(best) else frozenset()


def _needs_of(kind: Any, value: Any) -> frozenset[str]:
    if kind is _constants.SUBPATTERN:
        return _needs(value[-1])
    if kind is _constants.MAX_REPEAT and value[0] > 0:
        return _needs(value[2])
    if kind is _constants.BRANCH:
        every = [_needs(branch) for branch in value[1]]
        return frozenset().union(*every) if all(every) else frozenset()
    return frozenset()
