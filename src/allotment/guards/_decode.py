"""The usual ways to hide words from a filter, each undone once: URL, HTML, base64, hex, rot13, leet, spacing."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

_URL = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&#?\w{2,10};")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f :,\\x-]{15,}")
_NOT_HEX = re.compile(r"[^0-9A-Fa-f]")
_LEET_WORD = re.compile(r"(?<![A-Za-z0-9@$!|])[A-Za-z]*+[0-9@$!|][A-Za-z0-9@$!|]*")
_SPACED = re.compile(r"(?<!\w)\w(?:[ ._*-]\w(?!\w))+")
_SPACER = re.compile(r"[ ._*-]")
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i"}
_LEET_I = str.maketrans({**_LEET, "|": "i"})
_LEET_L = str.maketrans({**_LEET, "1": "l", "|": "l"})
_LEET_SIGN = re.compile(r"[0-9@$!|]")
_TAG_BASE = 0xE0000
_TAGS = re.compile("[\U000e0020-\U000e007e]")


def decodings(original: str, clean: str) -> Iterator[tuple[str, str]]:
    """Yield (name, decoded text) for every hiding that is present; ``original`` still has its invisible characters."""
    tags = "".join(chr(ord(char) - _TAG_BASE) for char in _TAGS.findall(original))
    if tags:
        yield "tag characters", tags
    if _URL.search(clean):
        yield "url", unquote(clean, errors="ignore")
    if _ENTITY.search(clean):
        yield "html", html.unescape(clean)
    yield from (("base64", found) for found in [_pieces(_BASE64, clean, _from_base64)] if found)
    yield from (("hexadecimal", found) for found in [_pieces(_HEX, clean, _from_hex)] if found)
    yield "rot13", codecs.encode(clean, "rot13")
    if _LEET_SIGN.search(clean):
        forms = dict.fromkeys(_unleet(clean, table) for table in (_LEET_I, _LEET_L))
        yield from (("leet", form) for form in forms if form != clean)
    if _SPACED.search(clean):
        yield "spacing", _SPACED.sub(lambda match: _SPACER.sub("", match.group()), clean)


def _pieces(pattern: re.Pattern[str], text: str, decode: Callable[[str], str]) -> str:
    return "\n".join(filter(None, (decode(match.group()) for match in pattern.finditer(text))))


def _from_base64(piece: str) -> str:
    padded = piece.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return _readable(base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True))
    except binascii.Error:
        return ""


def _from_hex(piece: str) -> str:
    digits = _NOT_HEX.sub("", piece.replace("\\x", "").replace("0x", ""))
    return _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _readable(data: bytes) -> str:
    """The text of ``data`` if it is one; a long word or a number that merely looks encoded gives nothing."""
    text = data.decode("utf-8", errors="replace")
    odd = sum(1 for char in text if not (char.isprintable() or char in "\r\n\t") or char == "\ufffd")
    return text if text and odd <= len(text) // 20 else ""


def _unleet(text: str, table: dict[int, str]) -> str:
    """Digits and signs inside words become the letters they stand for; numbers stay numbers."""
    return _LEET_WORD.sub(lambda match: _unleet_word(match.group(), table), text)


def _unleet_word(word: str, table: dict[int, str]) -> str:
    core = word.rstrip("!|")  # at a word's end these are what they are
    return word.translate(table) if _LEET_SIGN.search(core) and not core.isdigit() else word
