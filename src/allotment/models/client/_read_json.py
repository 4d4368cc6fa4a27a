"""JSON out of what a model wrote: taken strictly where it can be, mended once where it almost is JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from allotment.models._reasoning import strip_reasoning

_START = re.compile(r"[{\[]")
_ALMOST = re.compile(r"""\{\s*(?:["'“”]|[A-Za-z_]\w*\s*:)|\[\s*(?:[{\["“”])""")
"""Where an object or array seems to begin; a brace or bracket in prose (``{a, b}``, ``[see``) is none."""
_TOKEN = re.compile(r"""\\.|["{}\[\]]""", re.DOTALL)
_FENCE_END = "\n```"
_MOST_STARTS = 64
"""Braces and brackets that are tried as the beginning of JSON."""
_MOST_MENDED = 256 * 1024
"""Longest text that is mended, in characters: mending is slow, and nobody asks for longer answers."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of a text that is JSON (then with its value), or seems to be meant as JSON."""

    start: int
    end: int
    value: Any | None = None

    def __len__(self) -> int:
        return self.end - self.start


def read_json(text: str) -> tuple[Any | None, bool]:
    """The JSON object or array in a model's answer, and whether it had to be mended.

    Reasoning, code fences and the text around are passed over. Of several values the longest is taken; if none is
    JSON, the longest that seems to be meant as JSON is mended, once. Without an object or array the value is none,
    and nothing is ever made out of prose. Total: no text makes it raise.
    """
    body = strip_reasoning(text)
    spans = list(_spans(body))
    strict = max((span for span in spans if span.value is not None), key=len, default=None)
    broken = max((span for span in spans if span.value is None), key=len, default=None)
    if strict is not None and not (broken is not None and _is_footnote(strict.value)):
        return strict.value, False
    value = _mended(body[broken.start : broken.end]) if broken is not None else None
    return value, value is not None


def _spans(body: str) -> Iterator[_Span]:
    """What is JSON and what seems to be meant as JSON, none within another."""
    start = _START.search(body)
    for _ in range(_MOST_STARTS):
        if start is None:
            return
        span = _span_at(body, start.start())
        if span is not None:
            yield span
        start = _START.search(body, span.end if span else start.end())


def _span_at(body: str, start: int) -> _Span | None:
    try:
        value, end = _DECODER.raw_decode(body, start)
        return _Span(start, end, value)
    except (ValueError, RecursionError):
        return _Span(start, _end_of(body, start)) if _ALMOST.match(body, start) else None


def _end_of(body: str, start: int) -> int:
    """Where the brace or bracket at ``start`` is closed; the end of the text if it never is."""
    depth, in_string = 0, False
    for token in _TOKEN.finditer(body, start, start + _MOST_MENDED):
        if token[0] == '"':
            in_string = not in_string
        elif not in_string and token[0] in "{[":
            depth += 1
        elif not in_string and token[0] in "}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(body)


def _is_footnote(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, int) for item in value)


def _mended(almost: str) -> Any | None:
    """What ``json_repair`` makes of almost-JSON, if it is an object or array with something in it."""
    if len(almost) > _MOST_MENDED:
        return None
    from json_repair import repair_json  # hardly ever needed, and slow to load

    try:
        value = repair_json(_without_rest(almost), return_objects=True, skip_json_loads=True)
        json.dumps(value, allow_nan=False)
    except Exception:  # whatever it is, the text is no JSON
        return None
    return value if isinstance(value, dict | list) and value else None


def _without_rest(almost: str) -> str:
    """Almost-JSON without the end of its fence and the prose behind it; a half string at the end stays."""
    almost = almost.partition(_FENCE_END)[0]
    end = max(almost.rfind("}"), almost.rfind("]")) + 1
    return almost[:end] if end and '"' not in almost[end:] else almost


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
