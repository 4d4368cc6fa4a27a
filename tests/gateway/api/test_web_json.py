"""JSON of strangers: strict, bounded, and one meaning only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.gateway.web._json import MAX_DEPTH, BadJson, read_json

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXT, inner, max_size=5),
    max_leaves=20,
)


@given(_VALUES)
def test_what_is_json_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_value_or_one_kind_of_error(body: bytes) -> None:
    try:
        read_json(body)
    except BadJson as error:
        assert str(error)


@given(_TEXT, _VALUES, _VALUES)
def test_a_key_that_stands_there_twice_is_refused_however_deep(key: str, one: object, other: object) -> None:
    twice = f"{{{json.dumps(key)}: {json.dumps(one)}, {json.dumps(key)}: {json.dumps(other)}}}"
    for body in (twice, f'[{{"a": {twice}}}]'):
        with pytest.raises(BadJson, match="twice"):
            read_json(body.encode())


@pytest.mark.parametrize(
    "body, fault",
    [
        (b"[" * 100_000, "deeper"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deeper"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper"),
        (b"1" * 10_000, "too long"),
        (b"1e999", "too large"),
        (b"-1e999999", "too large"),
        (b"NaN", "no number"),
        (b"-Infinity", "no number"),
        (b"\xff\xfe", "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b'"\xc0\xaf"', "UTF-8"),
        (rb'"\ud800"', "character"),
        (rb'{"\udfff": 1}', "character"),
        (rb'"a\u0000b"', "character"),
        (b'"a\x00b"', "no JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "no JSON"),
        (b"{'a': 1}", "no JSON"),
        (b'{"a": 1} {"a": 2}', "no JSON"),
        (b"", "no JSON"),
    ],
)
def test_a_bomb_or_a_body_that_could_be_read_in_two_ways_is_refused(body: bytes, fault: str) -> None:
    with pytest.raises(BadJson, match=fault):
        read_json(body)


def test_what_is_as_deep_as_may_be_is_read() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
