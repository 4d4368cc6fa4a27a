"""Normalised texts to compare: what counts as equal, as contained, as the same word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_MARKUP = re.compile(r"[*`_]+(?=\w)|(?<=\w)[*`_]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACED_THOUSANDS = re.compile(r"(?<=\d)[   ](?=\d{3}(?!\d))")
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")
_STEM = 4
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Letters of scripts that put no space between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese)."""
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")


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
    if not wanted:
        return False
    before = "" if _UNSPACED_LETTER.match(wanted[0]) else rf"(?<![^\W{_UNSPACED}])"
    after = "" if _UNSPACED_LETTER.match(wanted[-1]) else rf"(?![^\W{_UNSPACED}])"
    return re.search(f"{before}{re.escape(wanted)}{after}", normalise(text)) is not None


def numbers(text: str) -> set[str]:
    """Numbers of a text, thousands written with or without a space."""
    return set(_NUMBER.findall(_SPACED_THOUSANDS.sub("", unicodedata.normalize("NFKC", text))))


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """First letters of the words that carry meaning; enough to see that two texts speak of one thing."""
    plain = normalise(text)
    spaced = _UNSPACED_RUN.sub(" ", plain)
    found = [word[:_STEM] for word in _WORD.findall(spaced) if word not in _SMALL]
    return frozenset(found).union(*(_pairs(run) for run in _UNSPACED_RUN.findall(plain)))


def _pairs(run: str) -> Iterator[str]:
    """Neighbouring letters of a script without spaces, in place of its words."""
    return (run[place : place + 2] for place in range(max(1, len(run) - 1)))


_SMALL_WORDS = (
    "the and for with from that this what which who whom whose when where why how much many long are was were can may"
    " must should does did you your our their they one name called tell please need want know company there have has"
    " will would any all each every get give number time date place work make use used person people"
    " kdo komu koho jak jaký jaká jaké jakou jakého kde kdy kolik který která které kterou kterém pro při nebo jsou"
    " být mohu může musím musí řekni prosím chci potřebuji jmenuje názvu název číslo mám mít tak aby"
    " der die das und wer wie was wann wer welche welcher welches ich muss kann darf bitte für mit von"
)
_SMALL = frozenset(_SMALL_WORDS.split())
