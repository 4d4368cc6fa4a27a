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

_AMOUNT = re.compile(r"[$€£]? ?\d[\d.,: ]*(?:\s*[^\W\d_]+)*\Z")
_ASKS_FOR_NO_AMOUNT = re.compile(r"(?:who|whom|where|why|kdo|komu|kde|proč|kto|prečo|wer|wo|warum)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Draft:
    """A fact as the teacher wrote it."""

    value: str
    answer: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A reason to reject the fact (empty: none), the phrasings that stand, and why the others do not."""

    reason: str
    questions: tuple[str, ...]
    dropped: Counter[str]


def check(draft: Draft, section: Section, language: str, others: Sequence[str] = ()) -> Verdict:
    """Check one fact and each of its phrasings.

    Args:
        draft: what the teacher wrote.
        section: where it must stand.
        language: language it must be in; ``und`` is not checked.
        others: answers of the other facts of the same request; a phrasing must not be about one of them.
    """
    reason = next((name for name, fault in _FACT_CHECKS if fault(draft, section)), "")
    if reason:
        return Verdict(reason, (), Counter())
    kept, dropped = _phrasings(draft, section, language, others)
    return Verdict("" if kept else next(iter(dropped), "schema"), kept, dropped)


def _phrasings(
    draft: Draft, section: Section, language: str, others: Sequence[str]
) -> tuple[tuple[str, ...], Counter[str]]:
    kept: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for question in (_with_subject(" ".join(question.split()), draft, section) for question in draft.questions):
        fault = "copy" if bare(question) in kept else question_fault(question, draft, section, language, others)
        if fault:
            dropped[fault] += 1
        else:
            kept[bare(question)] = question
    return tuple(kept.values()), dropped


def question_fault(question: str, draft: Draft, section: Section, language: str, others: Sequence[str] = ()) -> str:
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
    if _AMOUNT.match(draft.value) and _ASKS_FOR_NO_AMOUNT.match(question):
        return "wrong-kind"
    if not stems(question) & subject:
        return "not-specific"
    return "about-another-fact" if _is_about_another(question, draft, others) else ""


def _with_subject(question: str, draft: Draft, section: Section) -> str:
    """The question; with the section's name before it if the answer says that name and the question does not.

    A name is a heading of two words or more; "What is the contract number?" is no question without it.
    """
    title = section.heading_path[-1] if section.heading_path else ""
    is_named = " " in title and title in draft.answer and title not in draft.value
    return f"{title}: {question}" if is_named and not stems(question) & stems(title) else question


def _is_about_another(question: str, draft: Draft, others: Sequence[str]) -> bool:
    """Whether all it shares with its own answer, and more, it shares with another fact's."""
    own = stems(question) & stems(draft.answer)
    return any(own < stems(question) & stems(other) for other in others)


def _told(section: Section) -> str:
    return " ".join((*section.heading_path, section.with_header))


def _lengths(draft: Draft, section: Section) -> bool:
    value, answer = draft.value.strip(), draft.answer.strip()
    return not (1 <= len(value) <= LONGEST_VALUE and 8 <= len(answer) <= LONGEST_ANSWER)


def _points_at_the_text(draft: Draft, section: Section) -> bool:
    """An answer that is the section's own words may say what it says."""
    return bare(draft.answer) not in bare(section.with_header) and bool(_POINTS_AT_THE_TEXT.search(draft.answer))


def _invented_number(draft: Draft, section: Section) -> bool:
    return not numbers(draft.answer) <= numbers(_told(section))


_FACT_CHECKS: Sequence[tuple[str, Callable[[Draft, Section], bool]]] = (
    ("length", _lengths),
    ("not-self-contained", _points_at_the_text),
    ("value-not-in-section", lambda draft, section: not contains(section.with_header, draft.value)),
    ("value-not-in-answer", lambda draft, section: not contains(draft.answer, draft.value)),
    ("number-not-in-section", _invented_number),
)
