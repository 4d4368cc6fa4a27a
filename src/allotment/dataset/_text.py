"""Normalised texts to compare: what counts as equal, as contained, as the same word."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_MARKUP = re.compile(r"[*`_]+(?=\w)|(?<=\w)[*`_]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACED_THOUSANDS = re.compile(r"(?<=\d)[   ](?=\d{3}(?!\d))")
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")
_STEM = 4


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """One case, one kind of space, no emphasis marks."""
    return " ".join(_MARKUP.sub("", unicodedata.normalize("NFKC", text)).casefold().split())


@lru_cache(maxsize=4096)
def bare(text: str) -> str:
    """Words and numbers alone; two questions that are equal so are the same question."""
    return " ".join(re.findall(r"\w+", normalise(text)))


def contains(text: str, value: str) -> bool:
    """Whether ``value`` stands in ``text`` as whole words."""
    wanted = normalise(value).strip(" .,;:!?\"'")
    return bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", normalise(text)) is not None


def numbers(text: str) -> set[str]:
    """Numbers of a text, thousands written with or without a space."""
    return set(_NUMBER.findall(_SPACED_THOUSANDS.sub("", unicodedata.normalize("NFKC", text))))


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """First letters of the words that carry meaning; enough to see that two texts speak of one thing."""
    return frozenset(word[:_STEM] for word in _WORD.findall(normalise(text)) if word not in _SMALL)


_SMALL_WORDS = (
    "the and for with from that this what which who whom whose when where why how much many long are was were can may"
    " must should does did you your our their they one name called tell please need want know company there have has"
    " will would any all each every get give number time date place work make use used person people"
    " kdo komu koho jak jaký jaká jaké jakou jakého kde kdy kolik který která které kterou kterém pro při nebo jsou"
    " být mohu může musím musí řekni prosím chci potřebuji jmenuje názvu název číslo mám mít tak aby"
    " der die das und wer wie was wann wer welche welcher welches ich muss kann darf bitte für mit von"
)
_SMALL = frozenset(_SMALL_WORDS.split())
