"""Telephone numbers: with their country code anywhere, without it where the text names them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import phonenumbers
from phonenumbers import Leniency, NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from allotment.documents.personal._context import Words
from allotment.documents.personal._numbers import NOT_BEFORE
from allotment.documents.personal._types import Detector, Found

REGIONS = ("CZ", "SK", "DE", "AT", "PL", "GB", "US")
"""Whose numbers are looked for without a country code, first match first."""

_WORDS = Words(
    r"tel(?:ef[oó]n\w*|ephones?)?|mob(?:il\w*)?|gsm|(?:tele)?fax\w*|(?:za|)vol(?:ejte|at|ajte|ať)|hotline|(?:info)?link[auy]|erreichbar"
    r"|kontakt\w*|(?:smart|cell)?phones?(?: numbers?)?|cell(?:ular)?|call(?: \w+)?(?: (?:at|on))?|reach \w+ (?:at|on)"
    r"|contacts?|text \w+ (?:at|on)|sms|whatsapp|signal|handy\w*|rufnummer\w*|durchwahl|ruf\w+ sie|ansprechpartner\w*"
    r"|kom\.|dzwoni\w+|[tm](?=:)|☎|📞|📱|✆",
    unless=r"objedn|order|fakt[uú]r|invoice|\bi[čc]o|\bdi[čc]|[úu]č[te]|account|konto\b|smlouv|zmluv|contract|ticket"
    r"|ver[sz]|serial|s[ée]ri|bestell|rechnung|částk|sum|amount|betrag|kunden|customer|zákazn|issue|request|isbn|id\b",
)
_SHAPE = re.compile(rf"{NOT_BEFORE}(?:\(0?\d{{2,4}}\)|\d)(?:[ \xa0\u202f./()-]{{0,2}}\d){{6,14}}(?!\w)")
_SAME_LIST = re.compile(r"[\s,;/|]{1,4}(?:(?:a|i|nebo|alebo|or|and|und|oder|lub|,)[\s:]{1,2})?(?:fax\W{0,3})?")
_AMOUNT = re.compile(r"[ \xa0]?(?:Kč|CZK|EUR|USD|PLN|GBP|€|\$|£|%|,-|ks\b|kg\b|tis\b|mil)", re.I)
_DIGITS = re.compile(r"\d+")
_OTHER = re.compile(r"\d{1,2}[./-] ?\d{1,2}[./-] ?\d{4}|\d{4}-\d\d-\d\d|(?:\d{1,3}\.){3}\d{1,3}\Z")
"""Dates and addresses of computers."""


def phone_detector(regions: Sequence[str] = REGIONS) -> Detector:
    """A detector of numbers with any country's code and of national ones of ``regions`` (ISO 3166 codes)."""

    def find(text: str) -> Iterator[Found]:
        abroad = sorted([*_international(text), *_dialled(text, regions)], key=lambda found: found.start)
        yield from abroad
        yield from _national(text, regions, abroad)

    return find


def _international(text: str) -> Iterator[Found]:
    # The matcher gives up silently after a number of tries; every try takes a character at least.
    tries = len(text) + 1
    for match in phonenumbers.PhoneNumberMatcher(text, None, Leniency.VALID, tries):
        opened = match.raw_string.startswith("(") and ")" not in match.raw_string
        yield Found(match.start + opened, match.end, _e164(match.number))


def _dialled(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """Numbers that begin with 00 and the code of one of the regions; a bare 001 is too often a serial number."""
    codes = sorted({str(phonenumbers.country_code_for_region(region)) for region in regions} - {"1"})
    if not codes:
        return
    pattern = re.compile(rf"{NOT_BEFORE}00 ?(?:{'|'.join(codes)})(?:[ \xa0./()-]{{0,2}}\d){{6,12}}(?!\w)")
    for match in pattern.finditer(text):
        if found := _longest(text, match, lambda raw: _parsed("+" + raw[2:], None)):
            yield found


def _national(text: str, regions: Sequence[str], abroad: Sequence[Found]) -> Iterator[Found]:
    """Numbers without a country code that the text names, or that follow another number in one list."""
    named = _WORDS.within(text)
    starts, last, position = [found.start for found in abroad], 0, 0
    while match := _SHAPE.search(text, position):
        position = match.end()
        index = bisect_right(starts, match.start()) - 1
        before = max(last, abroad[index].end) if index >= 0 else last
        listed = before > 0 and _SAME_LIST.fullmatch(text, before, match.start())
        if not listed and match.start() not in named:
            continue
        if found := _longest(text, match, lambda raw: _parsed_in_any(raw, regions)):
            yield found
            position = last = found.end


def _longest(text: str, match: re.Match[str], parse: Callable[[str], PhoneNumber | None]) -> Found | None:
    """The longest number from the match's start that ends where a group of digits ends."""
    for group in reversed(list(_DIGITS.finditer(text, match.start(), match.end()))):
        raw = text[match.start() : group.end()]
        if _OTHER.match(raw) or _AMOUNT.match(text, group.end()):
            continue
        if number := parse(raw):
            return Found(match.start(), group.end(), _e164(number))
    return None


def _parsed_in_any(raw: str, regions: Sequence[str]) -> PhoneNumber | None:
    """A valid number of the first region it fits; it must begin as it is dialled, with the zero where there is one."""
    has_zero = raw.lstrip("(").startswith("0")
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is not None and (metadata.national_prefix == "0") == has_zero and (number := _parsed(raw, region)):
            return number
    return None


def _parsed(raw: str, region: str | None) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
