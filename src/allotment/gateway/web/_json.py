"""JSON of strangers: strict, bounded, and one meaning only."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_DIGITS = 40
"""Longest number, as written."""
_BROKEN = re.compile("[\x00\ud800-\udfff]")


class BadJson(ValueError):
    """What is wrong with a body, in words for whoever wrote it."""


def read_json(body: bytes) -> Any:
    """The value of a body.

    Raises:
        BadJson: it is no UTF-8 or no JSON, names a key twice, nests deeper than ``MAX_DEPTH``, or has a number longer
            than ``MAX_DIGITS``, a number that is none (``NaN``), a NUL character or half a surrogate pair.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadJson("is no UTF-8.") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except RecursionError:
        raise BadJson(_DEEP) from None
    except json.JSONDecodeError as error:
        raise BadJson(f"is no JSON ({error.msg} at character {error.pos}).") from None
    _require_plain(value)
    return value


_DEEP = f"is nested deeper than {MAX_DEPTH}."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJson("names a key twice.")
    return found


def _integer(digits: str) -> int:
    _require_short(digits)
    return int(digits)


def _float(digits: str) -> float:
    _require_short(digits)
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BadJson("has a number that is too large.")
    return value


def _constant(name: str) -> NoReturn:
    raise BadJson(f"has {name}, which is no number.")


def _require_short(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise BadJson("has a number that is too long.")


def _require_plain(value: Any) -> None:
    """Level by level, so that depth costs no stack."""
    level, depth = [value], 0
    while level:
        depth += any(isinstance(item, dict | list) for item in level)
        if depth > MAX_DEPTH:
            raise BadJson(_DEEP)
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and _BROKEN.search(item):
                raise BadJson("has a character that is none.")
        level = below
