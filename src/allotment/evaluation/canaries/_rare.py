"""Values in a text that nobody says by chance: full dates, amounts, codes, long numbers, addresses, names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from allotment.evaluation.canaries._forms import significant_digits
from allotment.evaluation.scoring._values import _DATES, _MONTHS

_MONEY = r"(?:EUR|USD|GBP|CZK|CHF|PLN|Kč|€|\$|£|euros?|korun[ay]?)"
_FIGURE = r"\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?"
_SCALE = r"(?:million|milion[uy]?|billion|thousand|tis[ií]c)"
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_PHONE = re.compile(r"(?<![\w+])(?:\+\d|\(\d|\d)[\d ()/.-]{7,}\d(?!\w)")
_AMOUNT = re.compile(
    rf"(?<![\w.,])(?:(?P<a>{_FIGURE})\s?(?P<scale>{_SCALE}\s)?{_MONEY}(?!\w)|[€$£]\s?(?P<b>{_FIGURE})(?![\w%]))"
)
_CODE = re.compile(r"(?<![\w/-])[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)*(?![\w/-])")
_PERIOD = re.compile(r"(?:Q[1-4]|H[12]|FY|KW|CW)\W?\d{2,4}|\d{2,4}\W?(?:Q[1-4]|H[12])", re.IGNORECASE)
_NUMBER = re.compile(rf"(?<![\w.,+-])(?:{_FIGURE})(?![\w%]|[.,-]\d)")
_WORD = re.compile(r"[^\W\d_]+")
_YEARS = range(1900, 2100)
_LEAST_DIGITS = 4
_LEAST_PHONE = 9
_SHORTEST_WORD = 3
_WEEK = "monday tuesday wednesday thursday friday saturday sunday pondeli utery streda ctvrtek patek sobota nedele"
_NOT_NAMES = frozenset((*_MONTHS, *_WEEK.split()))


@dataclass(frozen=True)
class Rare:
    """Where a rare value stands in a text."""

    start: int
    end: int
    is_name: bool = False


def rare_values(text: str, common: Collection[str], *, digits: int = _LEAST_DIGITS) -> list[Rare]:
    """The rare values of ``text``, none within another, in order.

    Args:
        text: a sentence or a cell.
        common: words, folded, that are written small somewhere and so are no part of a name.
        digits: how many digits of a bare number must count.
    """
    found: list[Rare] = []
    for rare in _all(text, common, digits):
        if all(rare.end <= other.start or rare.start >= other.end for other in found):
            found.append(rare)
    return sorted(found, key=lambda rare: rare.start)


def small_words(text: str) -> frozenset[str]:
    """Words that are written small in ``text``, folded."""
    return frozenset(flat(word) for word in _WORD.findall(text) if word[0].islower())


def is_name(value: str) -> bool:
    """Whether a rare value is words alone, by which other things are asked for."""
    return not any(map(str.isdigit, value)) and "@" not in value


def flat(text: str) -> str:
    """Lower case without diacritics, of the same length."""
    return "".join(_flat_character(char) for char in text)


def _flat_character(char: str) -> str:
    return char.lower()[0] if char.isascii() else unicodedata.normalize("NFKD", char)[0].lower()[0]


def _all(text: str, common: Collection[str], digits: int) -> Iterator[Rare]:
    yield from (Rare(*match.span()) for match in _EMAIL.finditer(text))
    yield from (Rare(*match.span()) for pattern in _DATES for match in pattern.finditer(flat(text)))
    yield from (Rare(*match.span()) for match in _AMOUNT.finditer(text) if _is_rare_amount(match))
    yield from (Rare(*match.span()) for match in _PHONE.finditer(text) if _is_phone(match[0]))
    yield from (Rare(*match.span()) for match in _CODE.finditer(text) if _is_code(match[0]))
    yield from (Rare(*match.span()) for match in _NUMBER.finditer(text) if _is_rare_number(match[0], digits))
    yield from _names(text, common)


def _is_rare_amount(match: re.Match[str]) -> bool:
    figure = match["a"] or match["b"]
    least_digits, least_length = 3, 1 if match["scale"] else 4
    return significant_digits(figure) >= least_digits and len(re.sub(r"\D", "", figure)) >= least_length


def _is_phone(text: str) -> bool:
    return len(re.sub(r"\D", "", text)) >= _LEAST_PHONE and text.count("(") == text.count(")")


def _is_code(text: str) -> bool:
    """Capitals and digits; long enough not to be hit by chance."""
    signs = re.sub(r"\W", "", text)
    digits = sum(map(str.isdigit, signs))
    if not digits or not any(map(str.isupper, signs)) or _PERIOD.fullmatch(text):
        return False
    return len(signs) >= 6 or (len(signs) >= 4 and digits >= 3)


def _is_rare_number(text: str, digits: int) -> bool:
    plain = re.sub(r"\D", "", text)
    return significant_digits(text) >= digits and not (plain == text and int(plain) in _YEARS)


def _names(text: str, common: Collection[str]) -> Iterator[Rare]:
    """Two to four neighbouring words with a capital each; the first of a sentence counts if it is no usual word."""
    words = list(re.finditer(r"[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*", text))
    run: list[re.Match[str]] = []
    for word in [*words, None]:
        if word and _may_be_name(word[0], common) and (not run or text[run[-1].end() : word.start()] == " "):
            run.append(word)
            continue
        if 2 <= len(run) <= 4:
            yield Rare(run[0].start(), run[-1].end(), is_name=True)
        run = [word] if word and _may_be_name(word[0], common) else []


def _may_be_name(word: str, common: Collection[str]) -> bool:
    folded = flat(word)
    is_written_so = word[0].isupper() and any(map(str.islower, word)) and len(word) >= _SHORTEST_WORD
    return is_written_so and folded not in common and folded not in _NOT_NAMES
