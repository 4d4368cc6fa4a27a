"""Checks of what the teacher wrote, cheapest first; each fault has a name that is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from allotment.dataset._round_trip import leads_back
from allotment.dataset._support import LexicalSupport
from allotment.dataset._text import bare, contains, numbers, stems
from allotment.documents import Section, detect_language, split_sentences

LONGEST_QUESTION, LONGEST_ANSWER, LONGEST_VALUE = 220, 600, 100

POINTS_AT_THE_TEXT = re.compile(
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
    answers: tuple[str, ...] = ()
    """Other wordings of the answer."""
    quote: str = ""
    """The section's words that say so; empty where the teacher chose the fact, until the checks find them."""
    anchor: str = ""
    """Of a fact asked backwards: the value every question must contain."""


@dataclass(frozen=True)
class Verdict:
    """A reason to reject the fact (empty: none), the wordings that stand, and why the others do not."""

    reason: str
    questions: tuple[str, ...]
    dropped: Counter[str]
    answers: tuple[str, ...] = ()
    """Answers that stand; the first is the fact's own."""
    quote: str = ""


def check(draft: Draft, section: Section, language: str, others: Sequence[str] = ()) -> Verdict:
    """Check one fact and each of its wordings, cheapest check first.

    Args:
        draft: what the teacher wrote.
        section: where it must stand.
        language: language it must be in; ``und`` is not checked.
        others: answers of the other facts of the same request; a phrasing must not be about one of them.
    """
    reason = next((name for name, fault in _FACT_CHECKS if fault(draft, section, language)), "")
    quote = draft.quote or find_quote(draft, section)
    if not reason and not quote:
        reason = "quote-not-in-section"
    if not reason and not _is_supported(draft, section, language):
        reason = "not-supported"
    if reason:
        return Verdict(reason, (), Counter())
    kept, dropped = _phrasings(draft, section, language, others)
    answers = _answers(draft, kept, section, language, dropped) if kept else ()
    return Verdict("" if kept else next(iter(dropped), "schema"), kept, dropped, answers, quote)


def find_quote(draft: Draft, section: Section) -> str:
    """The sentence of the section that holds the value and most of the answer's words; empty if none holds the value.

    Found rather than asked for: a small teacher misquotes, and a quote that was looked up stands there verbatim.
    """
    holding = [sentence for sentence in split_sentences(section.with_header) if contains(sentence, draft.value)]
    best = max(holding, key=lambda sentence: len(stems(sentence) & stems(draft.answer)), default="")
    return " ".join(best.split())


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


def _answers(
    draft: Draft, questions: Sequence[str], section: Section, language: str, dropped: Counter[str]
) -> tuple[str, ...]:
    """The fact's own answer, and the other wordings of it that stand."""
    kept = {bare(draft.answer): draft.answer}
    for answer in (" ".join(answer.split()) for answer in draft.answers):
        worded = replace(draft, answer=answer)
        fault = "copy" if bare(answer) in kept else answer_fault(worded, questions[0], draft.answer, section, language)
        if fault:
            dropped[f"answer: {fault}"] += 1
        else:
            kept[bare(answer)] = answer
    return tuple(kept.values())


def answer_fault(worded: Draft, question: str, told: str, section: Section, language: str) -> str:
    """Why another wording of an answer cannot be used; empty if it can. ``told``: the answer it must not go beyond."""
    reason = next((name for name, fault in _FACT_CHECKS if fault(worded, section, language)), "")
    return reason or ("" if SUPPORT.supports(question, worded.answer, told, language) else "not-supported")


def question_fault(question: str, draft: Draft, section: Section, language: str, others: Sequence[str] = ()) -> str:
    """Why a phrasing cannot be used; empty if it can."""
    if not 8 <= len(question) <= LONGEST_QUESTION:
        return "length"
    if "___" in question:
        return "copies-the-prompt"
    if POINTS_AT_THE_TEXT.search(question):
        return "not-self-contained"
    if contains(question, draft.value):
        return "value-in-question"
    if draft.anchor and not contains(question, draft.anchor):
        return "value-not-in-question"
    if not numbers(question) <= numbers(_told(section)):
        return "number-not-in-section"
    if language != "und" and detect_language(question, language) != language:
        return "language"
    subject = stems(" ".join((draft.answer, *section.heading_path))) - stems(draft.value)
    if _AMOUNT.match(draft.value) and _ASKS_FOR_NO_AMOUNT.match(question):
        return "wrong-kind"
    if not stems(question) & subject:
        return "not-specific"
    if _is_about_another(question, draft, others):
        return "about-another-fact"
    return "" if leads_back(question, draft.value, section.with_header, section.heading_path) else "round-trip"


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


def _is_supported(draft: Draft, section: Section, language: str) -> bool:
    """The section's own sentence needs no proof; what the teacher wrote does, where the words can be compared."""
    if language not in (section.language, "und"):
        return True
    if bare(draft.answer) in bare(section.with_header) or draft.quote:
        return True
    return SUPPORT.supports(draft.questions[0], draft.answer, section.with_header, language)


def _lengths(draft: Draft, section: Section, language: str) -> bool:
    value, answer = draft.value.strip(), draft.answer.strip()
    return not (1 <= len(value) <= LONGEST_VALUE and 8 <= len(answer) <= LONGEST_ANSWER)


def _other_language(draft: Draft, section: Section, language: str) -> bool:
    """An answer that is the section's own words is in the section's language."""
    own = draft.quote and not draft.anchor
    return not own and language != "und" and detect_language(draft.answer, language) != language


def _points_at_the_text(draft: Draft, section: Section, language: str) -> bool:
    """An answer that is the section's own words may say what it says."""
    return bare(draft.answer) not in bare(section.with_header) and bool(POINTS_AT_THE_TEXT.search(draft.answer))


def _value_missing(draft: Draft, section: Section, language: str) -> bool:
    return not contains(section.with_header, draft.value)


def _value_unsaid(draft: Draft, section: Section, language: str) -> bool:
    return not contains(draft.answer, draft.value)


def _invented_number(draft: Draft, section: Section, language: str) -> bool:
    return not numbers(draft.answer) <= numbers(_told(section))


_FACT_CHECKS: Sequence[tuple[str, Callable[[Draft, Section, str], bool]]] = (
    ("length", _lengths),
    ("language", _other_language),
    ("not-self-contained", _points_at_the_text),
    ("value-not-in-section", _value_missing),
    ("value-not-in-answer", _value_unsaid),
    ("number-not-in-section", _invented_number),
)
SUPPORT = LexicalSupport()
