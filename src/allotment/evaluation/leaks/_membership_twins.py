"""Twins of a value: the same shape drawn anew, so that only a model that learnt the value itself can tell them apart.

The value is one draw among equals (Carlini et al. 2019, "The Secret Sharer", section 4: a canary is a format filled
with random values). Digits stay digits, a month stays a month, a code's letters stay letters, and a name becomes
another name: one of ``words``, or an invented one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from allotment.evaluation.canaries._plant import _CODAS, _ONSETS, _VOWELS

_MONTHS = tuple(
    tuple(line.split())
    for line in (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "ledna února března dubna května června července srpna září října listopadu prosince",
        "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
        "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
        "januar februar märz april mai juni juli august september oktober november dezember",
    )
)
_PART = re.compile(r"\d+|[^\W\d_]+|[\W_]")
_NUMERIC_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}\. ?\d{1,2}\. ?\d{4}|\d{1,2}/\d{1,2}/\d{4}")
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_ENOUGH_DIGITS = 3
"""From here on digits alone tell twins apart, and the words beside them (a unit, a title) stay as they are."""
_TRIES = 20


def twins_of(
    value: str, count: int, random_: random.Random, *, taken: Iterable[str] = (), words: Sequence[str] = ()
) -> tuple[str, ...]:
    """Values of the same shape, each another; fewer than ``count`` where the shape has no more.

    Args:
        value: the true one, which is never among them.
        count: how many.
        random_: the same state gives the same twins.
        taken: values that must not be among them, in any spelling of case and punctuation.
        words: names that are drawn from; invented ones if there are none.
    """
    known = {_key(other) for other in (*taken, value)}
    found: list[str] = []
    for _ in range(_TRIES * count):
        twin = _drawn(value, random_, words)
        if len(found) < count and _key(twin) not in known:
            known.add(_key(twin))
            found.append(twin)
    return tuple(found)


def names_in(value: str) -> tuple[str, ...]:
    """The words of a value that ``twins_of`` would draw anew as names."""
    return tuple(part for part in _PART.findall(value) if _is_name(part)) if _words_change(value) else ()


def _key(value: str) -> str:
    return "".join(letter for letter in value.casefold() if letter.isalnum())


def _drawn(value: str, random_: random.Random, words: Sequence[str]) -> str:
    numeric = _NUMERIC_DATE.search(value) is not None
    dated = numeric or (any(letter.isdigit() for letter in value) and any(map(_month_list, _PART.findall(value))))
    anew = []
    for word in re.split(r"(\s+)", value):
        parts = _PART.findall(word)
        is_code = bool(re.search(r"\d", word) and re.search(r"[A-Z]", word)) and not dated
        anew += [_part(part, value, is_code, dated, numeric, random_, words) for part in parts]
    return "".join(anew)


def _part(
    part: str, value: str, is_code: bool, dated: bool, numeric: bool, random_: random.Random, words: Sequence[str]
) -> str:
    if part.isdecimal():
        return _day_or_year(part, 12 if numeric else 28, random_) if dated else _digits(part, random_)
    if not part[0].isalpha():
        return part
    months = _month_list(part) if dated else ()
    if months:
        return _cased(random_.choice(months), part)
    if is_code:
        return "".join(random_.choice(_CODE_LETTERS) if letter.isupper() else letter for letter in part)
    return _name(part, random_, words) if _words_change(value) and _is_name(part, value) else part


def _words_change(value: str) -> bool:
    return sum(letter.isdigit() for letter in value) < _ENOUGH_DIGITS


def _is_name(part: str, value: str = "") -> bool:
    """A capitalised word; where a value has none, any word."""
    has_capital = any(letter.isupper() for letter in value or part)
    return part[0].isalpha() and (part[0].isupper() or not has_capital)


def _month_list(part: str) -> tuple[str, ...]:
    return next((months for months in _MONTHS if part.casefold() in months), ())


def _digits(run: str, random_: random.Random) -> str:
    """As many digits; no leading zero where there was none."""
    first = "123456789" if int(run[0]) else "0123456789"
    return random_.choice(first) + "".join(random_.choice("0123456789") for _ in run[1:])


def _day_or_year(run: str, most: int, random_: random.Random) -> str:
    """A year of the same decades, else a day (or a month) that is written with as many digits."""
    if len(run) == 4:
        return str(int(run) + random_.randint(-9, 9)).zfill(4)
    if len(run) > 2:
        return _digits(run, random_)
    low, high = (1, 9) if len(run) == 1 else (10 if int(run[0]) else 1, most)
    return str(random_.randint(low, high)).zfill(len(run))


def _name(part: str, random_: random.Random, words: Sequence[str]) -> str:
    others = [word for word in words if word.casefold() != part.casefold()]
    return _cased(random_.choice(others) if others else _invented(random_), part)


def _invented(random_: random.Random) -> str:
    parts = [random_.choice(_ONSETS) + random_.choice(_VOWELS) for _ in range(2)]
    return "".join(parts) + random_.choice(_CODAS)


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if like[0].isupper() else word.lower()
