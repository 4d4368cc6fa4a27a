"""Checks of what the teacher wrote, cheapest first; each fault has a name that is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allotment.dataset._text import bare, contains, numbers, stems
from allotment.documents import Section, detect_language

LONGEST_QUESTION, LONGEST_ANSWER, LONGEST_VALUE = 220, 600, 100

_POINTS_AT_THE_TEXT = re.compile(
    r"\b(?:according to (?:the|this)|(?:in|from|by|of) (?:the|this) (?:given |provided |above )?"
    r"(?:text|section|passage|document|statement|paragraph|excerpt)\b|(?:the|this) (?:text|passage|statement|excerpt)\b"
    r"|mentioned (?:above|here|in)|stated (?:above|here|in)|podle (?:textu|dokumentu|oddílu|sekce|tvrzení|úryvku)"
    r"|v(?:e)? (?:textu|dokumentu|oddílu|sekci|úryvku)\b|(?:uveden|zmíněn)\w* (?:v|výše)|laut (?:dem )?text)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Draft:
    """A fact as the teacher wrote it."""

    value: str
    answer: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What the checks say: a reason to reject the fact (empty: keep), the phrasings that stand, those dropped."""

    reason: str
    questions: tuple[str, ...]
    dropped: Counter[str]


def check(draft: Draft, section: Section, language: str, wanted: int) -> Verdict:
    """Check one fact; it needs two phrasings that stand (one if only one was asked for).

    Args:
        draft: what the teacher wrote.
        section: where it must stand.
        language: language it must be in; ``und`` is not checked.
        wanted: phrasings asked for.
    """
    reason = next((name for name, fault in _FACT_CHECKS if fault(draft, section)), "")
    if reason:
        return Verdict(reason, (), Counter())
    kept, dropped = _phrasings(draft, section, language)
    if len(kept) >= min(2, wanted):
        return Verdict("", kept, dropped)
    return Verdict(next(iter(dropped), "") if not kept else "too-few-phrasings", (), dropped)


def _phrasings(draft: Draft, section: Section, language: str) -> tuple[tuple[str, ...], Counter[str]]:
    kept: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for question in (" ".join(question.split()) for question in draft.questions):
        fault = "copy" if bare(question) in kept else question_fault(question, draft, section, language)
        if fault:
            dropped[fault] += 1
        else:
            kept[bare(question)] = question
    return tuple(kept.values()), dropped


def question_fault(question: str, draft: Draft, section: Section, language: str) -> str:
    """Why a phrasing cannot be used; empty if it can."""
    if not 8 <= len(question) <= LONGEST_QUESTION:
        return "length"
    if _POINTS_AT_THE_TEXT.search(question):
        return "not-self-contained"
    if contains(question, draft.value):
        return "value-in-question"
    if not numbers(question) <= numbers(_told(section)):
        return "number-not-in-section"
    if language != "und" and detect_language(question, language) != language:
        return "language"
    subject = stems(" ".join((draft.answer, *section.heading_path))) - stems(draft.value)
    return "" if stems(question) & subject else "not-specific"


def _told(section: Section) -> str:
    return " ".join((*section.heading_path, section.text))


def _lengths(draft: Draft, section: Section) -> bool:
    value, answer = draft.value.strip(), draft.answer.strip()
    return not (1 <= len(value) <= LONGEST_VALUE and 8 <= len(answer) <= LONGEST_ANSWER)


def _points_at_the_text(draft: Draft, section: Section) -> bool:
    """An answer that is the section's own words may say what it says."""
    return bare(draft.answer) not in bare(section.text) and bool(_POINTS_AT_THE_TEXT.search(draft.answer))


def _invented_number(draft: Draft, section: Section) -> bool:
    return not numbers(draft.answer) <= numbers(_told(section))


_FACT_CHECKS: Sequence[tuple[str, Callable[[Draft, Section], bool]]] = (
    ("length", _lengths),
    ("not-self-contained", _points_at_the_text),
    ("value-not-in-section", lambda draft, section: not contains(section.text, draft.value)),
    ("value-not-in-answer", lambda draft, section: not contains(draft.answer, draft.value)),
    ("number-not-in-section", _invented_number),
)
