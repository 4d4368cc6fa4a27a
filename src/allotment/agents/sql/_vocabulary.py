"""Words of questions and of names, and when two of them mean the same: by stem, abbreviation or a common synonym."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

import yaml

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_SUFFIXES = ("ation", "ing", "ed", "er", "e", "y")
_SHORTEST_STEM = 3
_SAME_BEGINNING = 5
"""Letters two longer words must share at their beginning to be one word in two inflections."""

_LISTS = yaml.safe_load((files("allotment.agents.sql") / "vocabulary.yaml").read_text(encoding="utf-8"))
FUNCTION_WORDS = frozenset(_LISTS["function_words"].split())
"""Words of English questions that name nothing in a database."""
GENERIC_WORDS = frozenset(_LISTS["generic_words"].split())
"""Words that may name a column, but that a question about any database may use."""
VAGUE_WORDS = frozenset(_LISTS["vague_words"].split())
"""Words for what can be computed of any rows; that they stand nowhere says nothing."""
EMPTY = FUNCTION_WORDS | GENERIC_WORDS


def fold(text: str) -> str:
    """``text`` in lower case and without diacritics."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """The words of a text or of a name like ``orderDate`` or ``ship_city``, folded, in order."""
    return list(_words(text))


@lru_cache(maxsize=100_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(fold(part) for whole in _WORD.findall(text) for part in _CAMEL.split(whole) if part)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """What is left of an English word without its endings; ``s`` first, so ``Mondays`` and ``Monday`` are one word."""
    if word.endswith("s") and not word.endswith("ss") and len(word) > _SHORTEST_STEM:
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > _SHORTEST_STEM + 1 else word[:-1]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


def _groups() -> dict[str, frozenset[int]]:
    """Stem → the groups of synonyms it stands in."""
    found: dict[str, frozenset[int]] = {}
    for number, line in enumerate(_LISTS["synonyms"]):
        for word in line.split():
            found[stem(word)] = found.get(stem(word), frozenset()) | {number}
    return found


_GROUPS = _groups()


@lru_cache(maxsize=200_000)
def likeness(asked: str, named: str) -> float:
    """How far a word of a question and a word of a name mean the same: 1 the same word, 0 nothing in common."""
    if asked == named or stem(asked) == stem(named):
        return 1.0
    if asked.isdigit() or named.isdigit():
        return 0.0
    shared = _shared_beginning(asked, named)
    if shared >= _SAME_BEGINNING and shared * 4 >= 3 * max(len(asked), len(named)):
        return 0.9
    if _GROUPS.get(stem(asked), frozenset()) & _GROUPS.get(stem(named), frozenset()):
        return 0.6
    if _SHORTEST_STEM <= len(named) <= _SAME_BEGINNING and _abbreviates(named, asked):
        return 0.5
    if shared == min(len(asked), len(named)) and shared >= _SAME_BEGINNING - 1:
        return 0.5
    return 0.0


def _shared_beginning(one: str, other: str) -> int:
    for position, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return position
    return min(len(one), len(other))


def _abbreviates(short: str, long: str) -> bool:
    """``dept`` of department, ``qty`` of quantity: the same first letter, the rest in order, and much shorter."""
    if len(long) < len(short) + 2 or short[0] != long[0]:
        return False
    letters = iter(long)
    return all(letter in letters for letter in short) and (short[1] == long[1] or not set(short[1:]) & set("aeiou"))
