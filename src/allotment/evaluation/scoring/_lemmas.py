"""A second, lenient reading of an answer: an inflected word is the word, but never another number, name or negation."""

from __future__ import annotations

import re
from functools import lru_cache

import simplemma

from allotment.evaluation.scoring._score import is_right
from allotment.evaluation.scoring._values import tokens, windows

_INFLECTED = frozenset({"cs", "sk"})
"""Languages whose endings are looked through."""
_NEGATIONS = frozenset(
    (
        "ne",
        "není",
        "nejsou",
        "nikdy",
        "nikdo",
        "nic",
        "nelze",
        "bez",
        "nie",
        "nikto",
        "not",
        "no",
        "never",
        "kein",
        "nicht",
    )
)
_AS_THEY_STAND = frozenset(
    (
        "jednou",
        "více",
        "méně",
        "víc",
        "míň",
        "dříve",
        "později",
        "výše",
        "níže",
        "déle",
        "lépe",
        "hůře",
        "set",
        "lze",
        "nelze",
        "viac",
        "menej",
        "skôr",
        "neskôr",
    )
)
"""Words whose base form means something else: a comparison, a count, or another word."""
_COMPARED = re.compile(r"(?:š|č)(?:í|ího|ímu|ím|ích|ími|ia|ie|iu|ieho|iemu|om|ej|ou)$")
_LONG = 8
"""Letters from which on "ne" at a word's beginning is taken for a negation."""
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:]\s+|\n)[\s\"'„“(*_-]*$")


def is_right_leniently(answer: str, value: str, language: str) -> bool:
    """Whether ``is_right``, or would be if Czech and Slovak words of the answer had the endings of the value's.

    Digits, words written with a capital inside a sentence, comparisons and negated words are taken as they stand, and
    a value behind a negation that is not its own does not count.

    Args:
        answer: what was said.
        value: what had to be in it.
        language: of both, as a section has it; the two readings differ for ``cs`` and ``sk`` alone.
    """
    if is_right(answer, value):
        return True
    if language not in _INFLECTED:
        return False
    wanted, said = tokens(value), tokens(answer)
    names = _names(value, inside=False) | _names(answer, inside=True)
    keys = [_key(word, language, names) for word in said]
    goal = [_key(word, language, names) for word in wanted]
    found = (place for place, run in enumerate(windows(keys, len(goal))) if goal and run == goal)
    return any(not _is_negated(said, place) for place in found)


def _is_negated(said: list[str], place: int) -> bool:
    return bool(_NEGATIONS.intersection(said[max(0, place - 2) : place]))


def _names(text: str, *, inside: bool) -> frozenset[str]:
    """Words with a capital, case folded; ``inside``: those that begin a sentence are left out."""
    found = (match for match in _WORD.finditer(text) if match.group()[0].isupper())
    return frozenset(
        match.group().casefold() for match in found if not (inside and _SENTENCE_BEGINS.search(text[: match.start()]))
    )


def _key(word: str, language: str, names: frozenset[str]) -> str:
    """What two words must share to be one: the base form, or the word as it stands."""
    if word in names or not word.isalpha():
        return f"={word}"
    return lemma(word, language)


@lru_cache(maxsize=50_000)
def lemma(word: str, language: str) -> str:
    """The base form of a lower-case Czech or Slovak word, with its negation; the word itself where that is unsure."""
    if word in _AS_THEY_STAND or word.startswith("naj") or _COMPARED.search(word):
        return word
    base = simplemma.lemmatize(word, lang=language).casefold()
    if base.startswith("ne") and len(base) >= _LONG:  # of negated adjectives the dictionary has few
        return f"ne{simplemma.lemmatize(base[2:], lang=language).casefold()}"
    if word.startswith("ne") and not base.startswith("ne"):
        return word if word.startswith("nej") else f"ne{base}"
    return base
