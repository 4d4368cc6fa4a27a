"""Texts made from each pattern itself, to make it try as much as it can: none takes long, and twice the text twice."""

from __future__ import annotations

import random
import re
import time
import warnings
from typing import Any

import pytest

from allotment.guards import (
    _canaries,
    _decode,
    _error_text,
    _lookalikes,
    _normalise,
    _override,
    _remote_content,
    _secrets,
    _sql,
    _system_prompt,
    _topics,
)
from allotment.guards._impersonation import _trigger, claim_patterns
from allotment.guards._topics import _pattern

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from re import _constants, _parser  # type: ignore[attr-defined]

ROLES = frozenset({"employee", "warehouse", "sales", "director", "finance_team"})
LONGEST = 8_000
REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
MOST = 60
"""Repeats without an end, and long ones, are drawn out to this."""


def _of_module(module: Any) -> list[re.Pattern[str]]:
    return [value for value in vars(module).values() if isinstance(value, re.Pattern)]


EVERY = [
    *(one.compiled for one in (*_override.RULES, *_system_prompt.RULES, *claim_patterns(ROLES), *_trigger(ROLES))),
    *_remote_content.RULES,
    *_error_text.RULES,
    *_sql.RULES,
    *(pattern for rules in _secrets.RULES.values() for _, pattern in rules),
    _pattern("mzd* of the whole ware*"),
    *(
        pattern
        for module in (_decode, _lookalikes, _normalise, _remote_content, _sql, _topics, _canaries)
        for pattern in _of_module(module)
    ),
]


class Writer:
    """Writes texts a pattern matches, or nearly: everything but its last part."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def write(self, tree: Any) -> str:
        return "".join(self._part(kind, value) for kind, value in tree)

    def _part(self, kind: Any, value: Any) -> str:
        if kind is _constants.LITERAL:
            return chr(value)
        if kind is _constants.NOT_LITERAL:
            return "x" if chr(value) != "x" else "y"
        if kind is _constants.ANY:
            return "a"
        if kind is _constants.IN:
            return self._one_of(value)
        if kind in REPEATS:
            low, high, body = value
            times = self._random.choice((low, min(int(high), MOST), min(int(high), MOST)))
            return "".join(self.write(body) for _ in range(times))
        if kind is _constants.SUBPATTERN:
            return self.write(value[-1])
        if kind is _constants.ATOMIC_GROUP:
            return self.write(value)
        if kind is _constants.BRANCH:
            return self.write(self._random.choice(value[1]))
        if kind is _constants.ASSERT:
            return self.write(value[1]) if value[0] > 0 else ""
        return ""

    def _one_of(self, choices: Any) -> str:
        if choices[0][0] is _constants.NEGATE:
            return "e"
        kind, value = self._random.choice(choices)
        if kind is _constants.LITERAL:
            return chr(value)
        if kind is _constants.RANGE:
            return chr(self._random.randint(*value))
        return {_constants.CATEGORY_SPACE: " ", _constants.CATEGORY_DIGIT: "7"}.get(value, "a")


def attacks(pattern: re.Pattern[str], seed: int) -> list[str]:
    """What it matches, what it nearly matches, and openings of it, over and over."""
    tree = list(_parser.parse(pattern.pattern, pattern.flags))
    writer = Writer(seed)
    units = []
    for _ in range(3):
        whole = writer.write(tree)
        cut = random.Random(seed).randint(1, max(len(whole), 1))
        units += [whole, whole[:-1], whole[:cut], writer.write(tree[: max(len(tree) - 1, 1)])]
    return [unit for unit in dict.fromkeys(units) if unit]


def seconds(pattern: re.Pattern[str], text: str) -> float:
    begun = time.process_time()
    for _ in pattern.finditer(text):
        pass
    return time.process_time() - begun


@pytest.mark.parametrize("number", range(len(EVERY)))
def test_no_text_made_from_a_pattern_makes_it_slow(number: int) -> None:
    pattern = EVERY[number]
    for unit in attacks(pattern, number):
        for glue in ("", " "):
            text = (f"{unit}{glue}" * (LONGEST // (len(unit) + len(glue)) + 1))[:LONGEST]
            taken = seconds(pattern, text)
            assert taken < 0.5, (pattern.pattern[:80], unit[:80], taken)
            if taken > 0.05:
                assert seconds(pattern, text + text) < 6 * taken, (pattern.pattern[:80], unit[:80])


def test_a_pattern_that_backtracks_would_be_found() -> None:
    pattern = re.compile(r"(?:a{1,30}){1,30}b")
    tree = _parser.parse(pattern.pattern, pattern.flags)
    unit = Writer(0).write(list(tree)[:-1])
    assert set(unit) == {"a"}
    assert seconds(pattern, unit[:20]) > 20 * seconds(re.compile(r"a{1,30}b"), unit[:20])
