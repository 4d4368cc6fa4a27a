"""Payment cards: a network's prefix and length, and the Luhn checksum; or any such number after the word card."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import luhn

from allotment.documents.personal._context import Words
from allotment.documents.personal._numbers import NumberFormat, bare, find_numbers
from allotment.documents.personal._types import Found

_NETWORKS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|(?:6011|65\d\d|64[4-9]\d|35(?:2[89]|[3-8]\d))\d{12}"
)
"""Visa; Mastercard; American Express and Diners Club; Discover and JCB."""
_WORDS = Words(
    r"(?:credit|debit|payment|bank)[ -]?cards?|card (?:number|no)|č[íi]slo karty"
    r"|(?:kreditn|platebn|platobn|bankovn)\w+ kart\w+|kreditkarten?\w*|kartennummer"
)


def _proven(number: str) -> bool:
    return bool(_NETWORKS.fullmatch(bare(number))) and luhn.is_valid(bare(number))


_FORMATS = (
    NumberFormat(r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}", _proven, _WORDS),
    NumberFormat(r"3\d{3}([ -]?)\d{6}\1\d{4,5}", _proven, _WORDS),
)


def find_cards(text: str) -> Iterator[Found]:
    """Card numbers of 13 to 19 digits, grouped or not."""
    return find_numbers(text, _FORMATS)
