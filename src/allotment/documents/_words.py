"""Words of a text as they are compared: without case and accents, and cut to their stem."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+(?:[.,]\d+)*", re.UNICODE)
_STEM = 5
"""Words are compared by their first letters: enough for Czech endings, cheap for every language."""


def words_of(text: str) -> list[str]:
    """The words in order, without case and accents; a number keeps its decimals, behind a point."""
    return [_plain(word) for word in _WORD.findall(_without_accents(text.casefold()))]


def stems_of(text: str) -> list[str]:
    """The words' first letters; words of one or two letters are left out, numbers are whole."""
    return [_stem(word) for word in words_of(text) if len(word) > 2 or word.isdigit()]


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(character for character in apart if not unicodedata.combining(character))


def _plain(word: str) -> str:
    return word.replace(",", ".").rstrip(".") if _has_digit(word) else word


def _stem(word: str) -> str:
    return word if _has_digit(word) else word[:_STEM]


def _has_digit(word: str) -> bool:
    return not word.isalpha() and any(character.isdigit() for character in word)
