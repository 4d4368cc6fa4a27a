"""What a section says that is worth a question, found without a model: a short specific value in its sentence.

A small teacher left to choose asks about the first words it sees and misquotes them. It is told the value and the
sentence instead, and only words the questions. The order makes rounds cover a section evenly: the best value of
every sentence first, then the others. When nothing (more) is found, the teacher chooses (see ``_prompts``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from allotment.dataset._text import contains
from allotment.documents import Section, split_sentences

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|ledna|února|března|dubna|května|června|července|srpna|září|října|listopadu|prosince"
    r"|januára|februára|marca|apríla|mája|júna|júla|augusta|septembra|októbra|novembra|decembra"
    r"|Januar|Februar|März|Juni|Juli|Oktober|Dezember)"
)
_UNIT = (
    r"(?:million|billion|percent|EUR|USD|GBP|CZK|CHF|Kč|km/h|°C|%|€|\$|[kKMGT]i?B|kg|km|mm|cm"
    r"|(?:day|hour|minute|second|week|month|year|character|point|step|token)s?"
    r"|dn[íůy]|hodin[ay]?|minut[ay]?|týdn[ůy]|měsíc[ůe]|Tagen?|Stunden?|Minuten)"
)
_FOOTNOTE = r"(?<=\[)\d{1,3}\]"
_UPPER = "A-ZÁČĎÉĚÍĽĹŇÓÔŘŔŠŤÚŮÝŽÄÖÜ"
_STRONG = re.compile(
    "|".join(
        (
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
            rf"\b\d{{1,2}}\.? {_MONTH}(?: \d{{4}})?",
            rf"\b{_MONTH} \d{{1,2}},? \d{{4}}",
            rf"\b(?:[{_UPPER}]\w*[ -])?[{_UPPER}]+-?\d[\w-]*",
            rf"\b[{_UPPER}]\w+-\d[\w-]*",
            rf"(?:[$€£] ?)?\b(?!{_FOOTNOTE})\d+(?:[.,:  ]\d+)*(?:(?: |-)?{_UNIT})*(?!\w)",
        )
    )
)
_NAME = re.compile(rf"\b[{_UPPER}][\w'’]*(?:-\w+)*(?: (?:& |of |the |and )?[{_UPPER}][\w'’-]*)*")
_CODE = re.compile(r"`([^`\n]{2,40})`")
_NAMES_ARE_MARKED = ("en", "cs", "sk")
"""Languages in which a capital letter inside a sentence marks a name."""
_LEANS_ON_THE_ONE_BEFORE = re.compile(
    r"(?:It|Its|They|Their|He|She|This|That|These|Those|Such|Ten|Ta|To|Tato|Tento|Jeho|Její|Jejich)\b"
)
_YEAR = re.compile(r"(?:19|20)\d\d\Z")
_LONGEST = 300


@dataclass(frozen=True)
class Fact:
    """A value and the sentence that states it; both are words of the section."""

    value: str
    statement: str
    """Stands alone: a row told as a sentence, a sentence with the one before it where it leans on that."""
    quote: str = ""
    """The section's own words, verbatim but for spaces."""
    anchor: str = ""
    """Of a fact asked backwards: the value a question must contain."""


def find_facts(section: Section) -> tuple[Fact, ...]:
    """Facts of a section with distinct values, in the order in which they should be asked."""
    known = " ".join(section.heading_path).casefold()
    ranked = [
        [
            Fact(value, told.text, told.quote)
            for value in _values(told.source, section, known)
            if contains(told.text, value)
        ]
        for told in _statements(section.with_header)
        if len(told.text) <= _LONGEST
    ]
    first = sorted((facts[0] for facts in ranked if facts), key=_weakness)
    ordered = first + [fact for facts in ranked for fact in facts[1:]]
    return tuple({fact.value.casefold(): fact for fact in reversed(ordered)}.values())[::-1]


def _weakness(fact: Fact) -> int:
    """0 for a number or code; a name is the weaker the more words of its sentence follow it."""
    if any(character.isdigit() for character in fact.value):
        return 0
    return 1 + len(fact.statement.rpartition(fact.value)[2].split())


@dataclass(frozen=True)
class _Told:
    """One sentence: where values are looked for, the same as a statement that can stand alone, and its exact words."""

    source: str
    text: str
    quote: str


def _statements(text: str) -> Iterator[_Told]:
    header: list[str] = []
    before = ""
    for sentence in split_sentences(text):
        quote = " ".join(sentence.split())
        if sentence.startswith("|"):
            cells = [cell.strip() for cell in sentence.strip("|").split("|")]
            if header:
                yield _Told(" | ".join(cells), _row(header, cells), quote)  # no value reaches from cell to cell
            header = header or cells
            continue
        header = []
        plain = quote.lstrip("-*+>#0123456789.) ") if quote[:1] in "-*+>#" else quote
        yield _Told(plain, f"{before} {plain}".strip() if _LEANS_ON_THE_ONE_BEFORE.match(plain) else plain, quote)
        before = plain


def _row(header: list[str], cells: list[str]) -> str:
    pairs = [f"{name}: {cell}" for name, cell in zip(header[1:], cells[1:], strict=False) if cell]
    return f"{header[0]} {cells[0]} – {', '.join(pairs)}."


def _values(sentence: str, section: Section, known: str) -> list[str]:
    strong = sorted((m.group().strip(" .,") for m in _STRONG.finditer(sentence)), key=lambda v: bool(_YEAR.match(v)))
    code = [match.group(1) for match in _CODE.finditer(sentence)]
    covered = " ".join(strong + code)
    names = [m.group() for m in _NAME.finditer(sentence) if _is_name(m, sentence, section, known)]
    values = (*strong, *code, *(name for name in reversed(names) if name not in covered))
    return [value for value in values if 1 <= len(value) <= 60]


def capitalised_names(text: str, language: str) -> list[str]:
    """Names inside a sentence, by their capital letters; none in a language that marks every noun so."""
    if language not in _NAMES_ARE_MARKED:
        return []
    return [match.group() for match in _NAME.finditer(text) if text[: match.start()].strip(" *_\"'„“(")]


def _is_name(match: re.Match[str], sentence: str, section: Section, known: str) -> bool:
    """A capitalised word that is new here: not a sentence's beginning, not the section's subject."""
    name = match.group()
    inside = bool(sentence[: match.start()].strip(" *_\"'„“("))
    new = name.casefold() not in known and section.with_header.count(name) == 1
    return section.language in _NAMES_ARE_MARKED and inside and new and len(name) > 2
