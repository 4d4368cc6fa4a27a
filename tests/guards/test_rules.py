"""Every rule's pattern is read and shown to be linear."""

from __future__ import annotations

import re
import time
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from allotment.guards import (
    Form,
    _error_text,
    _override,
    _remote_content,
    _secrets,
    _sql,
    _system_prompt,
    prepare,
    skeleton,
)
from allotment.guards._decode import _BASE64, _ENTITY, _HEX, _LEET_WORD, _SPACED, _URL
from allotment.guards._hoist import hoisted
from allotment.guards._impersonation import _trigger, claim_patterns
from allotment.guards._patterns import Rule, Rules, rule
from allotment.guards.training import own_sources

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from re import _constants, _parser  # type: ignore[attr-defined]

ROLES = frozenset({"employee", "warehouse", "sales", "director", "finance_team"})
RULES = [
    *(one.compiled for one in (*_override.RULES, *_system_prompt.RULES, *claim_patterns(ROLES), *_trigger(ROLES))),
    *_remote_content.RULES, _remote_content.ADDRESS, *_error_text.RULES, *_sql.RULES, _sql._SELECT, _sql._CLAUSE,
    *(pattern for rules in _secrets.RULES.values() for _, pattern in rules), _SPACED, _BASE64, _ENTITY, _HEX,
    _LEET_WORD, _URL,
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


@pytest.mark.parametrize("rules", [_override.RULES, _system_prompt.RULES, claim_patterns(ROLES), _trigger(ROLES)])
def test_all_rules_that_match_are_among_those_found_possible_at_one_look(rules: Rules) -> None:
    for text in (*TEXTS[::5], " ".join(TEXTS[:40]), "", "a", "ab"):
        form = Form("plain", text, text)
        possible = rules.possible(form)
        assert possible == [one for one in rules if one.possible(text)]
        assert all(one in possible for one in rules if one.compiled.search(text))


@given(st.data())
def test_strings_that_stand_in_any_text_are_found_and_no_others(data: st.DataObject) -> None:
    needs = sorted(data.draw(st.sets(st.text("abč \ud800💥", min_size=1, max_size=5), min_size=1, max_size=6)))
    rules = Rules(*(Rule(need, re.compile(re.escape(need)), (need,), (), False) for need in needs))
    text = data.draw(st.text("abč \ud800💥", max_size=30))
    assert rules.present(text) == {need for need in needs if need in text}


@pytest.mark.parametrize("one", EVERY, ids=[str(number) for number in range(len(EVERY))])
def test_a_rule_with_shared_edges_matches_exactly_what_was_written(one: Rule) -> None:
    written = re.compile(one.pattern, re.MULTILINE)
    wholes = ["\n".join(TEXTS[start : start + 60]) for start in range(0, len(TEXTS), 180)]
    spans = [[match.span() for match in written.finditer(whole)] for whole in wholes]
    assert [[match.span() for match in one.compiled.finditer(whole)] for whole in wholes] == spans


@pytest.mark.parametrize(
    ("written", "shared"),
    [
        (r"\ba|\bb|c|\bd", r"\b(?:a|b)|c|\bd"),
        (r"(?:\ba|\b(?:\bx|\by))z", r"(?:\b(?:a|(?:\b(?:x|y))))z"),
        (r"(?P<n>\ba|\bb)", r"(?P<n>\b(?:a|b))"),
        (r"(?<=\ba|\bb)c", r"(?<=\ba|\bb)c"),
        (r"[|(\]]\||\bb|\bc\)", r"[|(\]]\||\b(?:b|c\))"),
        (r"a", r"a"),
    ],
)
def test_alternatives_at_a_words_edge_share_it(written: str, shared: str) -> None:
    assert hoisted(written) == shared


def test_a_rule_tried_on_the_whole_alone_finds_whatever_it_finds_by_sentence() -> None:
    whole_alone = [one for one in EVERY if not one.by_sentence]
    assert len(whole_alone) > len(EVERY) // 3
    for start in range(0, len(TEXTS), 21):
        form = prepare(". ".join(TEXTS[start : start + 7])).forms[0]
        for one in whole_alone:
            if one.compiled.search(form.sentences):
                assert one.compiled.search(form.whole), (one.pattern, form.whole)


@pytest.mark.parametrize("pattern", [r"^a", r"a$", r"a(?! b)", r"a[^b]", r"a\W", r"a(?=$|b)"])
def test_a_rule_that_knows_where_a_sentence_ends_is_tried_by_sentence(pattern: str) -> None:
    assert rule(pattern).by_sentence
    assert not rule(r"\ba(?:b|c\w{1,3}) d(?=e)").by_sentence


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
        (r"summari[sz]e", {"summarise", "summarize"}),
        (r"a[^b]c", {"a", "c"}),
    ],
)
def test_what_a_pattern_needs_is_read_off_it(pattern: str, needs: set[str]) -> None:
    assert set(rule(pattern).needs) <= needs
    assert bool(rule(pattern).needs) == bool(needs)
