"""Numbers written in words, English and Czech, put back into digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

_SMALL = (
    ("zero", "nula", "nul"), ("one", "jeden", "jedna", "jedno"), ("two", "dva", "dve"), ("three", "tri"),
    ("four", "ctyri"), ("five", "pet"), ("six", "sest"), ("seven", "sedm"), ("eight", "osm"), ("nine", "devet"),
    ("ten", "deset"), ("eleven", "jedenact"), ("twelve", "dvanact"), ("thirteen", "trinact"), ("fourteen", "ctrnact"),
    ("fifteen", "patnact"), ("sixteen", "sestnact"), ("seventeen", "sedmnact"), ("eighteen", "osmnact"),
    ("nineteen", "devatenact"),
)  # fmt: skip
_TENS = (
    ("twenty", "dvacet"), ("thirty", "tricet"), ("forty", "ctyricet"), ("fifty", "padesat"), ("sixty", "sedesat"),
    ("seventy", "sedmdesat"), ("eighty", "osmdesat"), ("ninety", "devadesat"),
)  # fmt: skip
_ADDED = {
    **{word: number for number, words in enumerate(_SMALL) for word in words},
    **{word: 10 * number for number, words in enumerate(_TENS, start=2) for word in words},
}
_HUNDREDS = frozenset(("hundred", "hundreds", "sto", "ste", "sta", "set"))
_SCALES = {
    **dict.fromkeys(("thousand", "thousands", "tisic", "tisice"), 1_000),
    **dict.fromkeys(("million", "millions", "milion", "miliony", "milionu"), 1_000_000),
}
_WORDS = frozenset((*_ADDED, *_HUNDREDS, *_SCALES))
_BETWEEN = frozenset(("and", "a"))
_UNIT_FIRST = re.compile(
    f"({'|'.join(w for words in _SMALL[1:10] for w in words)}|jedn)a({'|'.join(w for _, w in _TENS)})"
)
"""As in *osmadevadesat*: the unit before the tens."""


def without_words(tokens: Sequence[str]) -> list[str] | None:
    """The tokens with every number in words as digits; none where there is no such number.

    Args:
        tokens: folded, without diacritics.
    """
    apart = [part for token in tokens for part in _apart(token)]
    if sum(token in _WORDS for token in apart) < 2:
        return None
    return [token for is_number, run in _runs(apart) for token in (_digits(run) if is_number else run)]


def _apart(token: str) -> tuple[str, ...]:
    match = _UNIT_FIRST.fullmatch(token) if "cet" in token or "desat" in token or "padesat" in token else None
    if match is None:
        return (token,)
    return match[2], "jeden" if match[1] == "jedn" else match[1]


def _runs(tokens: list[str]) -> Iterator[tuple[bool, list[str]]]:
    def is_number(place: int) -> bool:
        token = tokens[place]
        if token in _BETWEEN and 0 < place < len(tokens) - 1:
            return tokens[place - 1] in _WORDS and tokens[place + 1] in _WORDS
        return token in _WORDS

    for known, places in groupby(range(len(tokens)), is_number):
        yield known, [tokens[place] for place in places]


def _digits(run: list[str]) -> list[str]:
    words = [word for word in run if word not in _BETWEEN]
    if len(words) > 2 and all(_ADDED.get(word, 10) < 10 for word in words):
        return ["".join(str(_ADDED[word]) for word in words).lstrip("0") or "0"]
    return [str(_value(words))]


def _value(words: list[str]) -> int:
    total = current = 0
    for word in words:
        if word in _HUNDREDS:
            current = current * 100 if 0 < current < 100 else current + 100
        elif word in _SCALES:
            total, current = total + max(1, current) * _SCALES[word], 0
        else:
            current += _ADDED[word]
    return total + current
