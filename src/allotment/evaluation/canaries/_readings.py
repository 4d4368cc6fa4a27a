"""Other ways to read a text: what it says once an encoding that it bears the marks of is undone."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from allotment.guards import normalise

_DEPTH = 2
"""Encodings within encodings are undone so often."""
_URL = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&#?\w{2,10};")
_ESCAPE = re.compile(r"\\u\{?([0-9A-Fa-f]{4,6})\}?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}|[A-Za-z0-9_-]{8,}={0,2}")
_TELLS_BASE64 = re.compile(r".[a-z0-9+/_-]*[A-Z]|.*\d")
"""A word has no capital but its first letter and no digit; nearly everything in base64 has."""
_HEX = re.compile(r"(?:(?:\\x|0x)?[0-9A-Fa-f]{2}[ :,-]{0,2}){5,}")
_NOT_HEX = re.compile(r"\\x|0x|[^0-9A-Fa-f]")
_BROKEN = re.compile(r"(?<=[^\W_])-?[ \t]*\n[ \t]*(?=[^\W_])")
_APART = re.compile(r"(?<![^\W_])[^\W_](?:(?:(?!\n\n)[\W_]){1,8}[^\W_](?![^\W_])){3,}")
"""Single letters and digits with something between them, in one paragraph."""
_BETWEEN = re.compile(r"[\W_]+")


def decoded(clean: str, depth: int = _DEPTH) -> Iterator[str]:
    """What comes out of each encoding that ``clean`` bears the marks of; nothing of most texts.

    Args:
        clean: as ``allotment.guards.normalise`` leaves it.
        depth: how many encodings within each other.
    """
    for text in filter(None, _undone(clean)):
        again = normalise(text)
        if again != clean:
            yield again
            if depth > 1:
                yield from decoded(again, depth - 1)


def _undone(text: str) -> Iterator[str]:
    if "%" in text and _URL.search(text):
        yield unquote(text, errors="replace")
    if "&" in text and _ENTITY.search(text):
        yield html.unescape(text)
    if "\\u" in text:
        yield _ESCAPE.sub(_character, text)
    yield _pieces(_BASE64, text, _from_base64)
    yield _pieces(_HEX, text, _from_hex)


def joined_lines(clean: str) -> str:
    """The text with words that a line's end parts written together; empty where there is none."""
    return _BROKEN.sub("", clean) if "\n" in clean else ""


def runs_of_letters(clean: str) -> list[str]:
    """What is written letter by letter, each run written together."""
    return [_BETWEEN.sub("", match.group()) for match in _APART.finditer(clean)]


def with_runs_joined(clean: str) -> str:
    """The text with what is written letter by letter written together."""
    return _APART.sub(lambda match: f" {_BETWEEN.sub('', match.group())} ", clean)


def _pieces(pattern: re.Pattern[str], text: str, decode: Callable[[str], str]) -> str:
    return "\n".join(filter(None, (decode(match.group()) for match in pattern.finditer(text))))


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0x110000 else match[0]


def _from_base64(piece: str) -> str:
    if not _TELLS_BASE64.match(piece):
        return ""
    body = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _readable(base64.b64decode(body + "=" * (-len(body) % 4), validate=True))
    except binascii.Error:
        return ""


def _from_hex(piece: str) -> str:
    digits = _NOT_HEX.sub("", piece)
    return _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _readable(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    odd = sum(1 for char in text if not (char.isprintable() or char in "\r\n\t") or char == "\ufffd")
    return text if odd <= len(text) // 4 else ""
