"""Words of questions and of names, and when two of them mean the same: by stem, abbreviation or a common synonym."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_SUFFIXES = ("ation", "ing", "ed", "er", "e", "y")
_SHORTEST_STEM = 3
_SAME_BEGINNING = 5
"""Letters two longer words must share at their beginning to be one word in two inflections."""

FUNCTION_WORDS = frozenset(
    """a about above absolute according across after all alphabetical alphabetically along also among an and
    another any are around arranged as ascending asked at be been before being below best better between both but by can
    come came compare contain contains containing convert could current currently corresponding descending did differ
    display do does down during each earliest eight either entire ever every everything exactly exclude excluded
    excluding except few fewer fewest find first five following for format four from get gets getting give given greater
    greatest group grouped had happen happened has have having he her here high higher highest him his how i id ids if
    in include included including into is it its itself iso just kind know known large larger largest latest least less
    let like long longer longest low lower lowest main make made many match matching me mine more most much must my near
    need never new newest next nine no non not now occur occurred occurs of off offer offered offers often old oldest on
    one only or ordered other our out over overall overview own part particular per please point posted present
    presented previous provide recent recently received regarding regular relate related relative relevant represent
    respective respectively return returned returns same see seven she short shorter shortest should show shown since
    single six small smaller smallest so some sort sorted split start started starting starts still such tell ten terms
    than that the their them then there these they third this those three through to too top true two under unique
    until up us use used using vary via want was we well were what when where whether which while who whole whom
    whose why will with within without worst would year-on-year yet you your associated belong belongs change changes
    instead end ends zero""".split()
)
"""Words of English questions that name nothing in a database."""

GENERIC_WORDS = frozenset(
    """amount amounts annual annually answer average avg calculate column columns compute count
    data database date datetime daily day days difference different difference distribution entry entries hour hours
    information integer last list max maximum mean median min minimum minute minutes month monthly months number
    numbers order percent percentage proportion quarter quarterly rate ratio record records result results row rows
    second seconds share sum summary table time times today total totals value values week weekend weekends weekly
    weeks year yearly years""".split()
)
"""Words that may name a column, but that a question about any database may use."""

EMPTY = FUNCTION_WORDS | GENERIC_WORDS

_SYNONYMS = (
    "price cost fare fee charge amount paid spend spent expensive cheap",
    "salary wage pay earn income compensation",
    "employee staff worker personnel colleague",
    "customer client buyer",
    "author writer write wrote written",
    "phone telephone",
    "email mail",
    "address street location located place",
    "rating score star stars rated",
    "company organization organisation firm business",
    "name title called named",
    "car vehicle",
    "movie film",
    "doctor physician",
    "country nation",
    "manufacturer maker make brand",
    "cuisine food dish meal",
    "revenue sale sell sold",
    "purchase buy bought order",
    "supplier vendor",
    "duration length elapsed",
    "teacher instructor professor lecturer",
    "student pupil",
    "class course",
    "city town",
    "birth born",
    "hire hired join joined employ employed",
    "fired terminate termination",
    "register registration signup sign created",
    "message text content",
    "people population person inhabitant",
    "job title position role",
    "stock inventory",
    "ship shipped shipping deliver delivery",
    "manager boss supervisor",
    "article paper publication",
    "medicine drug medication",
    "patient sick",
    "stopover stop",
    "cargo load payload freight",
)


def fold(text: str) -> str:
    """``text`` in lower case and without diacritics."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """The words of a text or of a name like ``orderDate`` or ``ship_city``, folded, in order."""
    return [fold(part) for whole in _WORD.findall(text) for part in _CAMEL.split(whole) if part]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """What is left of an English word without its endings; ``s`` first, so ``Mondays`` and ``Monday`` are one word."""
    if word.endswith("s") and not word.endswith("ss") and len(word) > _SHORTEST_STEM:
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > _SHORTEST_STEM + 1 else word[:-1]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


_GROUPS: dict[str, set[int]] = {}
for _number, _line in enumerate(_SYNONYMS):
    for _word in _line.split():
        _GROUPS.setdefault(stem(_word), set()).add(_number)


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
    if _GROUPS.get(stem(asked), set()) & _GROUPS.get(stem(named), set()):
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
