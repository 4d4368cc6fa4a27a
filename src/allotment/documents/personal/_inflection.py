"""Czech and Slovak case forms of names of people, by rules on their endings.

The rules give more forms than the language has: a form too many costs nothing while no other name has it, a form too
few leaves a name in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_FEMININE_SURNAME = "ová ové ovou ovej ovú ových ovým ovými"
_POSSESSIVE = "ův ova ovo ovy ově ovu ových ovým ovými ovou"
_MASCULINE = f"a ovi u e i em om ou ů um ům y ové ovia ov och s es {_POSSESSIVE} {_FEMININE_SURNAME}"
_ADJECTIVE = "ý á é ého ému ým ém om ou ej ú í ých ými"
_FEMININE_ADJECTIVE = "á é ou ej ú ých ým ými"
_SOFT_ADJECTIVE = "í ího ímu ím ích ími iho imu im"
_FEMININE = f"a y u o ou ovi ů ám ách ami ové e ě i í ej ii ie s {_FEMININE_SURNAME}"
_FEMININE_POSSESSIVE = "in ina ino iny inu iné inou iných iným inými ině"
_SOFT_FEMININE = "e i í ií ou s"
_PRONOMINAL = "ho mu m s"
_SOFTER = (("ch", "š", "š"), ("k", "c", "č"), ("h", "z", "ž"), ("g", "z", "ž"), ("r", "ř", "ř"))
"""What a stem's end becomes before -e, and before the possessive -in."""
_FLEETING = re.compile(r"(?P<stem>.*[^\W\d_])(?P<vowel>[eě])(?P<end>[kclrňn])")
_HARD_BEFORE_E = str.maketrans("dtn", "ďťň")


@lru_cache(maxsize=65536)
def inflected(name: str) -> frozenset[str]:
    """The forms of one word of a name, case-folded, with accents and without; names of up to two letters stay as is."""
    word = unicodedata.normalize("NFC", name).casefold()
    forms = {word}
    if len(word) > 2:
        forms.update(stem + ending for stem, endings in _paradigms(word) for ending in endings.split())
    return frozenset(forms | {without_accents(form) for form in forms})


def without_accents(word: str) -> str:
    """``word`` as it is typed without accents."""
    return "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))


def _paradigms(word: str) -> Iterator[tuple[str, str]]:
    stem, last = word[:-1], word[-1]
    if last == "ý":
        yield stem, _ADJECTIVE
    elif last == "á":
        yield stem, _FEMININE_ADJECTIVE
    elif last == "í":
        yield stem, _SOFT_ADJECTIVE
    elif last == "a":
        yield from _ending_in_a(stem)
    elif last == "e":
        yield stem, _SOFT_FEMININE
    elif last in "iy":
        yield word, _PRONOMINAL
    elif last == "o":
        yield stem, _MASCULINE
    elif last not in "éěúůuäöü":
        yield from _ending_in_consonant(word)


def _ending_in_a(stem: str) -> Iterator[tuple[str, str]]:
    yield stem, f"{_FEMININE} {_FEMININE_POSSESSIVE}"
    for hard, before_e, before_in in _SOFTER:
        if stem.endswith(hard):
            yield stem.removesuffix(hard) + before_e, "e"
            yield stem.removesuffix(hard) + before_in, _FEMININE_POSSESSIVE
            return


def _ending_in_consonant(word: str) -> Iterator[tuple[str, str]]:
    yield word, _MASCULINE
    if word.endswith("r"):
        yield word[:-1], "ře"
    if fleeting := _FLEETING.fullmatch(word):
        stem = fleeting["stem"]
        if fleeting["vowel"] == "ě":
            stem = stem[:-1] + stem[-1].translate(_HARD_BEFORE_E)
        yield stem + fleeting["end"], _MASCULINE
