"""Which language a page has: the one that was chosen in it, else the first its browser asks for that there is."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

Language = Literal["en", "cs"]
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "cs": "Čeština"}
LANGUAGES: tuple[Language, ...] = tuple(LANGUAGE_NAMES)
COOKIE = "allotment-language"
_MOST_READ = 20
"""Languages of one header that are looked at; nobody reads more."""


def language_of(request: Request) -> Language:
    """The language of a request's answer; English where nothing else is asked for."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for wanted in _wanted(request.headers.get("accept-language", "")):
        if wanted in LANGUAGES:
            return wanted
    return "en"


def _wanted(header: str) -> list[str]:
    """The languages of an Accept-Language header without their regions, those most wanted first."""
    ranked = []
    for place, part in enumerate(header.split(",")[:_MOST_READ]):
        tag, _, quality = part.partition(";")
        weight = _weight(quality)
        if weight > 0:
            ranked.append((-weight, place, tag.strip().split("-")[0].lower()))
    return [language for *_, language in sorted(ranked)]


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
