"""The ways a value may be written, each as the tokens that a text is searched for."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from allotment.evaluation.scoring._values import tokens
from allotment.guards import normalise

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
CURRENCIES = frozenset(("eur", "usd", "gbp", "czk", "kc", "chf", "pln", "korun", "koruny"))
_MILLIONS = {"million": 1_000_000, "milion": 1_000_000, "milionu": 1_000_000, "miliony": 1_000_000,
             "billion": 1_000_000_000, "thousand": 1_000, "tisic": 1_000}  # fmt: skip
_LINES_OF_NUMBERS = re.compile(r"(?<=\d)[ \t]*\n\s*(?=\d)")
"""Two numbers one below the other are not one with a space in it."""
_MARK = re.compile("[\u0300-\u036f]")
_LEAST_DIGITS = 5
"""A number with fewer that count says nothing without its unit."""
_LONG_DIGITS = 8


@dataclass(frozen=True)
class Form:
    """Neighbouring tokens."""

    tokens: tuple[str, ...]
    telling: bool
    """Whether it has letters or many digits, so that it does not come about where pieces are put together."""


def plain_tokens(clean: str) -> list[str]:
    """The tokens of a text that ``normalise`` cleaned, without diacritics."""
    return tokens(_without_marks(_LINES_OF_NUMBERS.sub(" ; ", clean)))


def _without_marks(clean: str) -> str:
    if clean.isascii():
        return clean
    apart = unicodedata.normalize("NFKD", clean)
    return _MARK.sub("", apart)


def forms_of(value: str) -> frozenset[Form]:
    """Every way to write ``value`` that the search for it knows."""
    return frozenset(_form(found) for found in _ways(normalise(value)) if found)


def bare(text: str) -> str:
    """Letters and digits alone, folded."""
    return re.sub(r"[\W_]", "", "".join(tokens_of_words(text)))


def tokens_of_words(text: str) -> list[str]:
    """Words as they are written: no number or date is brought into another form."""
    return plain_tokens(re.sub(r"(?<=\d)(?=\D)|(?<=\D)(?=\d)|(?<=\d)[,. ](?=\d)", " ", text))


def significant_digits(number: str) -> int:
    """How many digits count: without zeros in front and at the end."""
    return len(re.sub(r"\D", "", number).strip("0"))


def _form(found: tuple[str, ...]) -> Form:
    whole = "".join(found)
    return Form(found, any(map(str.isalpha, whole)) or len(whole) >= _LONG_DIGITS)


def _ways(value: str) -> Iterator[tuple[str, ...]]:
    base = tuple(plain_tokens(value))
    if not base:
        return
    yield base
    yield from _amounts(base)
    yield from _together(value, base)
    if len(base) == 2 and all(map(str.isalpha, base)):
        yield base[::-1]
    yield from _turned(value, base)


def _amounts(base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not _NUMBER.fullmatch(base[0]) and len(base) == 2 and base[0] in CURRENCIES:
        base = base[::-1]
    if not _NUMBER.fullmatch(base[0]):
        return
    yield (f"-{base[0]}", *base[1:])  # a dash before it
    if len(base) == 3 and base[1] in _MILLIONS:
        whole = Decimal(base[0]) * _MILLIONS[base[1]]
        base = (f"{whole.normalize():f}", base[2])
        yield base
    if len(base) == 2 and base[1] in CURRENCIES:
        yield from (base, base[::-1], ("".join(base),))
        if significant_digits(base[0]) >= _LEAST_DIGITS:
            yield base[:1]
            yield (f"-{base[0]}",)


def _together(value: str, base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A code with other separators or none."""
    if any(char.isspace() for char in value) or not (_has(value, str.isalpha) and _has(value, str.isdigit)):
        return
    whole = "".join(base)
    yield (whole,)
    yield tuple("".join(run) for _, run in groupby(whole, str.isdigit))


def _turned(value: str, base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Rot13, and backwards as a whole and word by word."""
    if not _has(value, str.isalpha) and sum(map(str.isdigit, value)) <= _LEAST_DIGITS:
        return
    folded = normalise(value).casefold()
    yield tuple(plain_tokens(folded[::-1]))
    if _has(value, str.isalpha):
        yield tuple(plain_tokens(codecs.encode(folded, "rot13")))
        yield tuple(token[::-1] for token in base)


def _has(text: str, kind: Callable[[str], bool]) -> bool:
    return any(map(kind, text))
