"""Every rule's pattern is read and shown to be linear."""

from __future__ import annotations

import re
import time
import warnings
from pathlib import Path

import pytest
import yaml

from allotment.guards import _error_text, _override, _remote_content, _system_prompt, skeleton
from allotment.guards._decode import _BASE64, _ENTITY, _HEX, _LEET_WORD, _URL
from allotment.guards._impersonation import _trigger, claim_patterns
from allotment.guards._patterns import Rule, Rules, rule
from allotment.guards.training import own_sources

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from re import _constants, _parser  # type: ignore[attr-defined]

ROLES = frozenset({"employee", "warehouse", "sales", "director", "finance_team"})
RULES = [
    *(one.compiled for one in (*_override.RULES, *_system_prompt.RULES, *claim_patterns(ROLES), *_trigger(ROLES))),
    *_remote_content.RULES, *_error_text.RULES, _BASE64, _ENTITY, _HEX, _LEET_WORD, _URL,
]  # fmt: skip
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)


def _variable_repeats_inside(tree: object, inside: bool = False) -> bool:
    """Whether a repeat of variable length lies in a repeat that may run more than once."""
    if isinstance(tree, tuple) and len(tree) == 2 and tree[0] in _REPEATS:
        low, high, body = tree[1]
        if inside and low != high and high > 1:
            return True
        return _variable_repeats_inside(body, inside or high > 1)
    if isinstance(tree, list | tuple | _parser.SubPattern):
        return any(_variable_repeats_inside(part, inside) for part in tree)
    return False


@pytest.mark.parametrize("rule", RULES, ids=[f"{number}" for number in range(len(RULES))])
def test_no_rule_repeats_a_repeat(rule: re.Pattern[str]) -> None:
    assert not _variable_repeats_inside(_parser.parse(rule.pattern, rule.flags))


def test_the_reading_of_patterns_finds_a_nested_repeat() -> None:
    assert _variable_repeats_inside(_parser.parse(r"(?:a+)+b"))
    assert _variable_repeats_inside(_parser.parse(r"(?:\w{1,9} ){0,4}b"))
    assert not _variable_repeats_inside(_parser.parse(r"(?:the |a ){0,4}b.{0,40}c"))


EVERY = (*_override.RULES, *_system_prompt.RULES, *claim_patterns(ROLES))


@pytest.mark.parametrize("one", EVERY, ids=[str(number) for number in range(len(EVERY))])
def test_no_rule_is_slow_on_a_text_made_of_what_it_looks_for(one: Rule) -> None:
    for joined in (" ", " the ", " the new all of "):
        unit = joined.join(one.needs or ("i am",)) + joined
        text = (unit * (8_000 // len(unit) + 1))[:8_000]
        begun = time.process_time()
        one.compiled.search(text)
        list(one.compiled.finditer(text))
        assert time.process_time() - begun < 1


COUNTS = {"en": 300, "cs": 150, "sk": 80, "de": 120}
TEMPLATES = [skeleton(item.text) for source in own_sources(COUNTS, 5) for item in source.items]
CLAIMS = yaml.safe_load((Path(__file__).parent / "claims.yaml").read_text(encoding="utf-8"))
TEXTS = [*TEMPLATES, *(skeleton(text) for text in (*CLAIMS["refused"], *CLAIMS["allowed"]))]


@pytest.mark.parametrize("rules", [_override.RULES, _system_prompt.RULES, claim_patterns(ROLES)])
def test_a_rule_that_matches_was_possible(rules: Rules) -> None:
    matched = [(one, text) for one in rules for text in TEXTS if one.compiled.search(text)]
    assert matched
    assert all(one.possible(text) for one, text in matched)


def test_most_rules_need_not_be_tried_on_an_ordinary_question() -> None:
    tried = sum(one.possible("how many days of holiday do i get") for one in _override.RULES)
    assert tried <= len(_override.RULES) // 10


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        (r"\b(?:ignore|forget) (?:all )?(?:the )?rules\b", {"ignore", "forget"}),
        (r"(?:abc)?de[fg]", {"def", "deg"}),
        (r"(?:abc|\w+)", set()),
        (r"x(?:abcd){2}|efg", {"abcd", "efg"}),
    ],
)
def test_what_a_pattern_needs_is_read_off_it(pattern: str, needs: set[str]) -> None:
    assert set(rule(pattern).needs) <= needs
    assert bool(rule(pattern).needs) == bool(needs)
