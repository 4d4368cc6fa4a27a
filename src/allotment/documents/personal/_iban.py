"""Bank accounts: IBANs of every country, and Czech national account numbers, which are named by their IBAN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from stdnum import iban, numdb
from stdnum.cz import bankaccount

from allotment.documents.personal._context import Words
from allotment.documents.personal._numbers import NumberFormat, bare, find_numbers
from allotment.documents.personal._types import Found

_HEAD = re.compile(r"(?<!\w)[A-Za-z]{2}[ \xa0]?\d{2}(?=[ \xa0\u202f-]?\n?[0-9A-Za-z])")
_NEXT = re.compile(r"[ \xa0\u202f\t-]?\n?([0-9A-Za-z])")
_FIELD = re.compile(r"(\d+)!n?a?c?")
_IBAN_WORDS = Words(r"ibans?")
_ACCOUNT_WORDS = Words(
    r"bankovn\w+ úč(?:et|tu|tem|ty)|č(?:ísl\w+|\.) ?ú(?:\.|čtu)|bank account|account (?:number|no)|kontonummer"
)


def find_ibans(text: str) -> Iterator[Found]:
    """IBANs whose checksum holds or that the word IBAN names; Czech account numbers likewise."""
    named = _IBAN_WORDS.within(text)
    for head in _HEAD.finditer(text):
        end = _end_of_iban(text, head)
        if end is None:
            continue
        number = bare(text[head.start() : end])
        if iban.is_valid(number, check_country=False) or head.start() in named:
            yield Found(head.start(), end, number)
    yield from find_numbers(text, (_CZECH_ACCOUNT,))


def _end_of_iban(text: str, head: re.Match[str]) -> int | None:
    """Where the country's length ends, if the number ends there too."""
    end = head.end()
    length = _length_after_check_digits(head.group()[:2].upper())
    for _ in range(length):
        following = _NEXT.match(text, end)
        if following is None:
            return None
        end = following.end()
    return end if length and not text[end : end + 1].isalnum() else None


@lru_cache(maxsize=1024)
def _length_after_check_digits(country: str) -> int:
    """Characters of the country's account part; 0 where the country has no IBANs."""
    ((_, about),) = numdb.get("iban").info(country)
    return sum(int(count) for count in _FIELD.findall(about.get("bban", "")))


def _is_czech_account(number: str) -> bool:
    return len(number.split("/")[0]) >= 6 and bankaccount.is_valid(number)


def _as_iban(number: str) -> str:
    account, bank = bankaccount.compact(number).split("/")
    bban = bank + account.replace("-", "")
    return f"CZ{iban.calc_check_digits(f'CZ00{bban}')}{bban}"


_CZECH_ACCOUNT = NumberFormat(r"(?:\d{1,6}-)?\d{2,10}/\d{4}", _is_czech_account, _ACCOUNT_WORDS, _as_iban)
"""Shorter than six digits it looks like the number of a law (`19/2010`), so that only the text can name it."""
