"""JSON in one spelling only: what is read must be, byte for byte, what would be written.

A value has one canonical text, so a signature over bytes is one over a value: doubled keys, NaN, another spelling of a
number, white space or trailing bytes are refused, for none of them would be written.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from allotment.errors import InputError

LARGEST = 32 * 1024 * 1024
"""Bytes of the largest report that is written or read."""
_MARKUP = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: ASCII, keys sorted, no white space, nothing that HTML could take for markup."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for character, escaped in _MARKUP.items():  # these stand in strings alone
        text = text.replace(character, escaped)
    return text.encode("ascii")


def read_canonical(data: bytes, element: str) -> Any:
    """The value of a canonical text.

    Args:
        element: what is read, for the error.

    Raises:
        InputError: it is not JSON, not canonical, or too large.
    """
    if len(data) > LARGEST:
        raise unreadable(f"is larger than {LARGEST // 1024**2} MiB", element)
    try:
        value = json.loads(data.decode("ascii"), object_pairs_hook=_pairs, parse_constant=_constant)
        spelt_alike = canonical(value) == data
    except (ValueError, RecursionError) as error:
        raise unreadable(f"is not JSON of a report ({_reason(error)})", element) from None
    if not spelt_alike:
        raise unreadable("is not in the one spelling in which reports are written", element)
    return value


def unreadable(what: str, element: str) -> InputError:
    """A file that is no report, or no longer one."""
    return InputError(f"{what}.", element=element, remedy="Take the file as Allotment wrote it.")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"character {error.pos}: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not ASCII"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
