"""Numbers that states give to people, each found by its checksum or by the words that name it.

Czech and Slovak birth number, Polish PESEL, German tax id and pension insurance number, Austrian social insurance
number, US social security number, UK national insurance number, and numbers of passports and identity cards. The last
four kinds have no checksum used here: only their name makes them one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from stdnum import exceptions
from stdnum.at import vnr
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.pl import pesel

from allotment.documents.personal._context import Words
from allotment.documents.personal._numbers import NumberFormat, bare, find_numbers
from allotment.documents.personal._types import Found


def find_national_ids(text: str) -> Iterator[Found]:
    """Numbers of people; the Czech tax id of a self-employed person is CZ and the birth number, and counts as one."""
    return find_numbers(text, _FORMATS)


def _is_birth_number(number: str) -> bool:
    """With its check digit; the nine digits given out until 1953 have none."""
    return len(bare(number)) == 10 and rc.is_valid(bare(number))


def _is_plain_birth_number(number: str) -> bool:
    """As written without a slash.

    The months 21 to 32 and 71 to 82, in use when a day's numbers ran out, would make `2024010123` one: a year and a
    serial number, as invoices have.
    """
    return _is_birth_number(number) and int(number[2:4]) % 50 <= 12


def _without_country(number: str) -> str:
    return bare(number).removeprefix("CZ")


def _is_tax_birth_number(number: str) -> bool:
    digits = _without_country(number)
    return len(digits) in (9, 10) and rc.is_valid(digits)


def _is_pesel(number: str) -> bool:
    try:
        return pesel.get_birth_date(pesel.validate(number)) is not None
    except exceptions.ValidationError:
        return False


def _is_austrian(number: str) -> bool:
    """With the birth date, as day, month and year, that the last six digits are."""
    digits = bare(number)
    return vnr.is_valid(digits) and _is_date(2000 + int(digits[8:]), int(digits[6:8]), int(digits[4:6]))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day).year == year
    except ValueError:
        return False


def _checked(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda number: check(bare(number))


_BIRTH_WORDS = Words(
    r"rodn(?:é|ého|ém|ým|á|ých) č[íi]s\w*|rodn[eé] cisl\w*|r\. ?č\.?|r[čc]|rod\. ?č\w*\.?"
    r"|birth (?:id )?number|geburtsnummer|personal identification number"
)
_PESEL_WORDS = Words(r"pesel\w*")
_TAX_WORDS = Words(r"steuer-?id\w*|steuerliche identifikationsnummer|idnr|id-nr|german tax id")
_AUSTRIAN_WORDS = Words(r"sv-?(?:nummer|nr)|svnr|sozialversicherungsnummer|versicherungsnummer")
_PENSION_WORDS = Words(
    r"rentenversicherungsnummer|rvnr|sv-?(?:nummer|nr)|sozialversicherungsnummer|versicherungsnummer"
)
_SSN_WORDS = Words(r"ssns?|social security(?: (?:number|no))?")
_NINO_WORDS = Words(r"ninos?|ni (?:number|no)|national insurance(?: (?:number|no))?")
_DOCUMENT_WORDS = Words(
    r"passport(?: (?:number|no))?|reisepass\w*|personalausweis\w*|ausweisnummer|(?:id|identity) card(?: (?:number|no))?"
    r"|(?:cestovn\w+ )?pas(?:u|em)?|ob[čc]i?ansk\w+ p(?:růkaz|reukaz)\w*|č(?:íslo|\.)? ?op|dowód\w* osobist\w*",
    unless=r"order|objedn|bestell|faktur|invoice",
)

_FORMATS = (
    NumberFormat(r"CZ ?\d{9,10}", _is_tax_birth_number, normal=_without_country),
    NumberFormat(r"\d{6}[ \xa0]?/[ \xa0]?\d{4}", _is_birth_number, _BIRTH_WORDS),
    NumberFormat(r"\d{10}", _is_plain_birth_number, _BIRTH_WORDS),
    NumberFormat(r"\d{6}[ \xa0]?[/ \xa0-]?[ \xa0]?\d{3,4}", None, _BIRTH_WORDS),
    NumberFormat(r"\d{11}", _is_pesel, _PESEL_WORDS),
    NumberFormat(r"\d{11}|\d\d \d{3} \d{3} \d{3}", _checked(idnr.is_valid), _TAX_WORDS),
    NumberFormat(r"\d{4} \d{6}", _is_austrian, _AUSTRIAN_WORDS),
    NumberFormat(r"\d{10}", None, _AUSTRIAN_WORDS),
    NumberFormat(r"\d\d ?\d{6} ?[A-Z] ?\d{3}", None, _PENSION_WORDS),
    NumberFormat(r"\d{3}[- ]?\d\d[- ]?\d{4}", None, _SSN_WORDS),
    NumberFormat(r"[A-Za-z]{2} ?\d\d ?\d\d ?\d\d ?[A-Da-d]", None, _NINO_WORDS),
    NumberFormat(r"(?:[A-Z]{1,3} ?)?\d[A-Z0-9]{5,9}", None, _DOCUMENT_WORDS),
)
