"""Reading JSON out of what models write."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.models import strip_reasoning
from allotment.models.client import read_json

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_CONTAINERS = st.lists(_VALUES, max_size=4) | st.dictionaries(st.text(), _VALUES, max_size=4)
_PIECES = st.sampled_from(
    [*"{}[]\"\\:,'“\n\x00\ud800a 1", "<think>", "</think>", "◁think▷", "◁/think▷", "```json\n", "\n```", "NaN", "\\u"]
)


@given(_CONTAINERS, st.booleans())
def test_json_is_read_back_whatever_it_holds(value: Any, indent: bool) -> None:
    assert read_json(json.dumps(value, indent=2 if indent else None)) == (value, False)


@given(
    _CONTAINERS, st.sampled_from(['<think>\nHm, {"a": 1}?\n</think>\n', "Here it is:\n", "so be it.</think>\n\n", ""])
)
def test_json_is_read_out_of_reasoning_fences_and_prose(value: Any, before: str) -> None:
    written = f"{before}```json\n{json.dumps(value)}\n```\nI hope this helps."
    assert read_json(written) == (value, False)


@given(st.lists(_PIECES, max_size=60).map("".join) | st.text())
@settings(max_examples=400)
def test_no_text_makes_it_raise(text: str) -> None:
    value, repaired = read_json(text)
    assert value is None or isinstance(value, dict | list)
    assert isinstance(strip_reasoning(text), str)
    assert not (value is None and repaired)


@given(st.text(st.characters(exclude_characters="{[")))
def test_nothing_is_made_out_of_text_without_braces_and_brackets(text: str) -> None:
    assert read_json(text) == (None, False)


@pytest.mark.parametrize(
    "prose",
    [
        "I cannot do that.",
        "",
        '"just a string"',
        "42",
        "null",
        "Take {a, b} and {} no more {",
        "Look [see below.",
        "[",
        "{",
    ],
)
def test_prose_gives_nothing_but_what_is_there(prose: str) -> None:
    assert read_json(prose)[0] in (None, {})


@pytest.mark.parametrize(
    ("almost", "meant"),
    [
        ('{"a": 1, "b": [1, 2', {"a": 1, "b": [1, 2]}),
        ('{"a": "x" "b": 2}', {"a": "x", "b": 2}),
        ("{'a': True,}", {"a": True}),
        ('Sure!\n```json\n{"a": 1,}\n```\nAnything else?', {"a": 1}),
        ('{"a": 1,} I hope that helps', {"a": 1}),
        ('{"a": "half a sen', {"a": "half a sen"}),
        ('[{"q": "Why?", "a": "So."}, {"q": "Wh', [{"q": "Why?", "a": "So."}, {"q": "Wh"}]),
        ("{question: 'What?'}", {"question": "What?"}),
    ],
)
def test_almost_json_is_mended_and_says_so(almost: str, meant: object) -> None:
    assert read_json(almost) == (meant, True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"a": 1, "b": {"c": 2}, "d": "hal', {"a": 1, "b": {"c": 2}, "d": "hal"}),
        ('As in [1]: {"a": 1, "b": [2, 3}', {"a": 1, "b": [2, 3]}),
    ],
)
def test_a_whole_value_within_a_broken_one_is_not_taken_for_the_answer(text: str, meant: object) -> None:
    assert read_json(text) == (meant, True)


def test_whole_json_goes_before_a_sketch_of_it() -> None:
    assert read_json('It should look like {"a": ...}. So: {"a": 1}') == ({"a": 1}, False)


def test_the_longest_value_is_taken_and_not_a_footnote() -> None:
    assert read_json('As in [1] and [2]: {"a": [3]} and {}.') == ({"a": [3]}, False)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000_000,
        '{"a":' * 200_000,
        '{"a": "' + "x" * 10_000_000,
        '{"a": "' + '\\"' * 1_000_000,
        "<think>" * 1_000_000,
        "a<think>" * 1_000_000,
        "</think>" * 1_000_000,
        "\n \t" * 3_000_000,
        "\x00" * 1_000_000,
        '{"a": "\ud800',
        '{"a": ' + "9" * 100_000,
    ],
    ids=range(11),
)
def test_huge_and_broken_texts_neither_raise_nor_take_long(text: str) -> None:
    began = time.process_time()
    read_json(text)
    assert time.process_time() - began < 10  # linear ones take far less; a quadratic one takes hours


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>Let me see.</think>It is blue.", "It is blue."),
        ("<thinking>\nHm.\n</thinking>\n\nIt is blue.", "It is blue."),
        ("  <reasoning>x</reasoning> <THINK>y</THINK> It is blue.", "It is blue."),
        ("◁think▷Hm.◁/think▷It is blue.", "It is blue."),
        ("The sky, so blue.\n</think>\n\nIt is blue.", "It is blue."),
        ("<think>I never came to an end", ""),
        ("It is blue.\n<think>Was that right", "It is blue."),
        ("<think>a <think>b</think> c</think>It is blue.", "It is blue."),
        ("Write <think> to make it think.", "Write <think> to make it think."),
        ('{"a": "Write </think> at the end."}', '{"a": "Write </think> at the end."}'),
        ("It is blue.", "It is blue."),
    ],
)
def test_reasoning_is_removed_and_the_answer_is_not(text: str, answer: str) -> None:
    assert strip_reasoning(text) == answer


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_nothing_is_left_of_reasoning_that_was_removed_once(text: str) -> None:
    once = strip_reasoning(f"<think>{text.replace('</think>', '').replace('◁/think▷', '')}</think>")
    assert once == ""
