"""Words of speech in a form that is the same for every inflection and every way of writing diacritics."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+")
_STEM = 4
"""Letters kept of a word. Czech and Slovak inflect at the end; a shorter stem joins what is unrelated."""
_SHORTEST = 3


def fold(text: str) -> str:
    """``text`` in lower case, without diacritics and with plain apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def stems(text: str) -> list[str]:
    """The beginnings of the words of ``text``; words of one or two letters carry no topic and are left out."""
    return [word[:_STEM] for word in _WORD.findall(fold(text)) if len(word) >= _SHORTEST]
