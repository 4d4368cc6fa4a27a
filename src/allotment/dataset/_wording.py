"""What a question asks, in words that can be compared: names, numbers, and the words that carry meaning.

It is made to keep questions apart: a word it does not know counts as one that distinguishes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

_SPACED_THOUSANDS = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d))")
_TOKEN = re.compile(
    r"(?<!\w)[-+]?\d+(?:[.,:]\d+)*\w*\+?"  # a number with its sign: 5, -5C, 1.5, 8:45, 18+
    r"|\w+(?:[+#]+|-(?=[\s?!.,;]|$))?"  # a word; C, C++ and C#, A and A- are four things
    r"|[%‰°€$£¥<>≤≥≠±]"
)


@dataclass(frozen=True, slots=True)
class Wording:
    """One question, taken apart."""

    exact: str
    """Every token in one case; two questions that are equal so are the same question."""
    content: tuple[str, ...]
    """Words that carry meaning, in order, without their inflection; names and numbers as they stand."""
    marks: frozenset[str]
    """Those of ``content`` that no other word can stand for: names, numbers, and words that turn the meaning."""
    numbers: tuple[str, ...]
    """Numbers, in order."""


def tokens(text: str) -> tuple[str, ...]:
    """Words, signed numbers and signs such as % of a text, in one case."""
    return tuple(intern(raw.casefold()) for raw in _raw(text))


@lru_cache(maxsize=4096)
def wording(question: str, language: str) -> Wording:
    """A question taken apart; in a language without word lists every word carries meaning."""
    content: list[str] = []
    marks: set[str] = set()
    raws = _raw(question)
    for place, raw in enumerate(raws):
        word, name = intern(raw.casefold()), _is_name(raw, place)
        if not name and word in _SMALL.get(language, ()):
            continue
        kept = word if name or _turns(word, language) else intern(_uninflected(word, language))
        content.append(kept)
        if name or _turns(word, language) or _is_number(word):
            marks.add(kept)
    return Wording(
        exact=" ".join(raws).casefold(),
        content=tuple(content),
        marks=frozenset(marks),
        numbers=tuple(word for word in content if _is_number(word)),
    )


def _raw(text: str) -> list[str]:
    plain = re.sub(r"[*`]+", "", unicodedata.normalize("NFKC", text)).replace("−", "-")
    found = (raw.strip("_") for raw in _TOKEN.findall(_SPACED_THOUSANDS.sub("", plain)))
    return [raw for raw in found if raw]


def _is_name(raw: str, place: int) -> bool:
    """A capital letter that the beginning of a sentence does not explain, or letters and digits in one word."""
    if raw == "I" or raw.isdigit():
        return False
    letters = any(char.isalpha() for char in raw)
    capital = any(char.isupper() for char in (raw if place else raw[1:]))
    return letters and (capital or any(char.isdigit() for char in raw))


def _is_number(word: str) -> bool:
    return any(char.isdigit() for char in word)


def _turns(word: str, language: str) -> bool:
    """Whether a word changes what is asked, so that a group using it elsewhere does not excuse it here."""
    negated = language in {"cs", "sk"} and word.startswith("ne") and len(word) > 4
    return negated or word in _TURNING.get(language, ())


def _uninflected(word: str, language: str) -> str:
    if language == "en":
        return _singular(word)
    ending = next((e for e in _ENDINGS.get(language, ()) if word.endswith(e) and len(word) - len(e) >= 3), "")
    return word.removesuffix(ending)


def _singular(word: str) -> str:
    if len(word) < 4 or word in _NOT_PLURAL or word.endswith(("ss", "us", "is")):
        return word
    sibilant = word.endswith(("ses", "xes", "zes", "ches", "shes")) and not word.endswith(("uses", "ases", "oses"))
    return word[:-2] if sibilant else word.removesuffix("s")


def _lists(words: dict[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(listed.split()) for language, listed in words.items()}


# Small words only frame a question. Words of price are among them: where the values are equal, so is what is priced.
_SMALL = _lists({
    "en": "a an the of in on at is are be does do did what which who when where how much many that there it its s i we"
    " me us you my our your please tell know could would can called name named cost costs price",
    "cs": "a je jsou se si to v ve na u o co kdo kdy kde kolik jak jaký jaká jaké jakou jakého který která které kterou"
    " kterého kterém kterým prosím řekni řekněte mi mě nám já jmenuje název stojí cena cenu ceny cenou",
    "sk": "a je sú sa si to v vo na u o čo kto kedy kde koľko ako aký aká aké akú ktorý ktorá ktoré ktorú prosím povedz"
    " mi nám ja volá názov stojí cena cenu ceny",
    "de": "der die das ein eine einen einem einer ist sind es was wer wann wo wie viel viele welche welcher welches"
    " bitte mir uns ich wir sagen heißt name kostet kosten preis in im an am auf",
})  # fmt: skip
_TURNING = _lists({
    "en": "not no nor never t cannot without except unless only before after until till since from under over above"
    " below less more fewer than least most first last next previous minimum maximum may must should was were will had"
    " all each every any both none old new whom whose",
    "cs": "ne ani bez kromě jen pouze nikdy před po od do z ze než nad pod méně více nejméně nejvíce první poslední"
    " další minimálně maximálně smí musí má byl byla bylo bude všichni každý žádný koho komu čí",
    "sk": "nie ani bez okrem len iba nikdy pred po od do z zo než nad pod menej viac prvý posledný smie musí má bol"
    " bola bolo bude všetci každý žiadny koho komu",
    "de": "nicht kein keine keinen nie ohne außer nur vor nach bis seit von unter über weniger mehr als erste letzte"
    " darf muss soll war wird alle jeder jede wen wem wessen den dem",
})  # fmt: skip
_NOT_PLURAL = _lists({"en": "news customs goods arms glasses means series species sales"})["en"]
_CZECH = "ami emi ách ích ých ého ího ému ímu ými ími ech ové ovi ou em ům ém ím ým a á e é ě i í o u ů y ý"
_ENDINGS = {"cs": tuple(_CZECH.split()), "sk": (*_CZECH.split(), "och", "ej", "iam", "iach", "ä")}
