"""The usual ways to hide words from a filter, each undone: URL, HTML, base64, hex, rot13, leet, spacing, backwards.

What leaves a mark (URL, HTML, base64, hex) is undone twice, if what came out the first time is a text that bears such a
mark again. That costs nothing where there is none.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Collection, Iterator
from urllib.parse import unquote

ROT13 = "rot13"
BACKWARDS = "backwards"
_URL = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&#?\w{2,10};")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f :,\\x-]{15,}")
_LEAST_BASE64 = 16
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
_WORD = re.compile(r"\w+")
_BEFORE = re.compile(r"(?<!\S)[^\w\s]+(?=\w)")
"""Marks that stood behind a word before it was turned round."""
_FORWARDS = """
    the you your all what that this them they their then there which about would will tell show have from with give
    write want only first text above answer question task everything please ignore forget rules instructions previous
    prompt system director password salary jsem jsi jste jako jak moje tvoje vsechna pravidla pokyny prosim rekni ukaz
    ignoruj zapomen reditel heslo ich und ist nicht bitte alle als eine deine jetzt auch kann dass fragen aufgabe
    anweisungen informationen vergiss regeln zeig mir die bin
"""
_ALSO_WORDS = frozenset({"mir", "und", "ist", "all", "alle", "als", "die", "bin"})
"""Backwards these are words, names or what shortens one, so that they say nothing."""
USUAL_ROT13 = frozenset(codecs.encode(word, "rot13") for word in _FORWARDS.split() if len(word) > 2)
USUAL_BACKWARDS = frozenset(word[::-1] for word in _FORWARDS.split() if word not in _ALSO_WORDS)


def decodings(original: str, clean: str, words: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (name, decoded text) for every hiding that is present.

    Args:
        original: the text, still with its invisible characters.
        clean: the same without them.
        words: the words of it, folded: they tell whether a language comes out by rot13 or backwards.
    """
    tags = "".join(chr(ord(char) - _TAG_BASE) for char in _TAGS.findall(original))
    if tags:
        yield "tag characters", tags
    for how, decoded in marked(clean):
        yield how, decoded
        yield from ((f"{inner} in {how}", text) for inner, text in marked(decoded))
    if not USUAL_ROT13.isdisjoint(words):
        yield ROT13, codecs.encode(clean, "rot13")
    if not USUAL_BACKWARDS.isdisjoint(words):
        yield BACKWARDS, clean[::-1]
        yield f"{BACKWARDS} by word", _BEFORE.sub("", _WORD.sub(lambda match: match.group()[::-1], clean))
    if _LEET_SIGN.search(clean):
        forms = dict.fromkeys(_unleet(clean, table) for table in (_LEET_I, _LEET_L))
        yield from (("leet", form) for form in forms if form != clean)
    if _SPACED.search(clean):
        yield "spacing", _SPACED.sub(lambda match: _SPACER.sub("", match.group()), clean)


def marked(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, decoded text) for what bears a mark of how it was written."""
    if _URL.search(text):
        yield "url", unquote(text, errors="ignore")
    if _ENTITY.search(text):
        yield "html", html.unescape(text)
    is_long = max(map(len, text.split()), default=0) >= _LEAST_BASE64
    if is_long and (found := _pieces(_BASE64, text, _from_base64)):
        yield "base64", found
    if found := _pieces(_HEX, text, _from_hex):
        yield "hexadecimal", found


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
    is_written = _LEET_SIGN.search(core) is not None and any(map(str.isalpha, core))
    return word.translate(table) if is_written else word
