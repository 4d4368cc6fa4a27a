"""Texts made comparable: one spelling of numbers, dates and words, so that containment of a value can be judged."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan leden ledna januar januara janner",
            "february feb unor unora februar februara",
            "march mar brezen brezna marec marca marz",
            "april apr duben dubna aprila",
            "may kveten kvetna maj maja mai",
            "june jun cerven cervna juna juni",
            "july jul cervenec cervence jula juli",
            "august aug srpen srpna augusta",
            "september sep sept zari septembra",
            "october oct rijen rijna oktober oktobra",
            "november nov listopad listopadu novembra",
            "december dec prosinec prosince decembra dezember",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})\. ?(?P<m>\d{1,2})\. ?(?P<y>\d{4})\b"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?(?P<m>{_MONTH})\.?,? (?P<y>\d{{4}})\b"),
    re.compile(rf"\b(?P<m>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})\b"),
)
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[,.' ]\d{3})+(?![\d])")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_TOKEN = re.compile(r"\d{4}-\d{2}-\d{2}|(?:(?<![\w.])[-−])?\d+(?:\.\d+)?(?![^\W_])|[^\W_]+|[%€$£]")
_NUMBER = re.compile(r"([-−]?)([0-9]+)(?:\.([0-9]+))?")
_UNITS = {
    **dict.fromkeys(("percent", "procent", "procenta", "percenta", "prozent"), "%"),
    **dict.fromkeys(("€", "euro", "euros", "eura"), "eur"),
    "$": "usd",
    "£": "gbp",
}
_SPACE = re.compile(r"\s+")


def tokens(text: str, *, diacritics: bool = True) -> list[str]:
    """The words and values of ``text``: NFKC, case folded; numbers and dates in one spelling, punctuation gone.

    Args:
        text: anything.
        diacritics: keep them; without, ``é`` and ``e`` are the same.
    """
    folded = _SPACE.sub(" ", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))
    folded = _numbers(_dates(folded))
    if not diacritics:
        folded = _bare(folded)
    return [_canonical(token) for token in _TOKEN.findall(folded)]


def _dates(text: str) -> str:
    bare = _bare(text)
    if len(bare) != len(text):  # positions no longer agree; months written without diacritics are still found
        bare = text
    for pattern in _DATES:
        for match in reversed(list(pattern.finditer(bare))):
            iso = _iso(match)
            if iso:
                text = f"{text[: match.start()]}{iso}{text[match.end() :]}"
                bare = f"{bare[: match.start()]}{iso}{bare[match.end() :]}"
    return text


def _iso(match: re.Match[str]) -> str:
    month = match["m"]
    try:
        return date(int(match["y"]), int(month) if month.isdigit() else _MONTHS[month], int(match["d"])).isoformat()
    except (KeyError, ValueError):
        return ""


def _numbers(text: str) -> str:
    joined = _GROUPED.sub(_ungrouped, text)
    return _DECIMAL_COMMA.sub(".", joined)


def _ungrouped(match: re.Match[str]) -> str:
    found = match.group()
    separators = {char for char in found if not char.isdigit()}
    # "1.234" and "1,234" alone could be decimals; a decimal of exactly three places is rarer than a thousand.
    return re.sub(r"\D", "", found) if len(separators) == 1 else found


def _canonical(token: str) -> str:
    number = _NUMBER.fullmatch(token)
    if not number:
        return _UNITS.get(token, token)
    sign, whole, fraction = number.groups(default="")
    value = (whole.lstrip("0") or "0") + (f".{fraction.rstrip('0')}" if fraction.rstrip("0") else "")
    return value if not sign or value == "0" else f"-{value}"


def _bare(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def windows(sequence: list[str], size: int) -> Iterator[list[str]]:
    """Every run of ``size`` neighbours."""
    return (sequence[start : start + size] for start in range(len(sequence) - size + 1))
