"""Is an answer stated by a passage? Lexical entailment without a model: deterministic, sooner "no" than a wrong "yes".

One sentence has to state the whole answer, or each part of the answer one sentence nearby: numbers with their units,
dates, codes, the words that carry meaning, what is denied, and on which side of "before" or "at least" a thing stands.
The question must fit that sentence too. What is compared is words; what follows only by thought is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from allotment.dataset import _support_words as words
from allotment.dataset._support_read import (
    MONEY,
    PARTS,
    Passage,
    Quantity,
    Statement,
    english_stem,
    opened,
    plain_text,
    read,
    read_passage,
    value_of,
)
from allotment.dataset._text import contains

NEW_SHARE, NEW_WORDS = 0.34, 3
"""Words of an answer that stand in no sentence: up to this share of its words, and so many."""
_CANDIDATES = 4
"""Sentences that are compared in full."""
_NEAR = 1
"""Parts of one answer come from sentences at most so far apart."""


class SupportChecker(Protocol):
    """Decides whether a passage states an answer."""

    name: str
    """Written beside every verdict."""

    def supports(self, question: str, answer: str, passage: str, language: str) -> bool:
        """Whether every claim of ``answer`` is stated in ``passage`` and answers ``question``.

        Args:
            question: what was asked.
            answer: what has to be supported.
            passage: the text of one section, Markdown.
            language: ``en``, ``cs``, ``sk``, ``de`` or ``und``.
        """
        ...


class LexicalSupport:
    """The check without a model. Implements ``SupportChecker``; total and deterministic."""

    name = "lexical"

    def supports(self, question: str, answer: str, passage: str, language: str) -> bool:
        """Whether no fault is found."""
        return not support_fault(question, answer, passage, language)


def support_fault(question: str, answer: str, passage: str, language: str) -> str:
    """Why ``answer`` is not supported, by the sentence that comes nearest to it; empty if it is."""
    plain = plain_text(answer)
    if words.REFUSAL.search(plain) and not words.REFUSAL.search(plain_text(passage)):
        return "refusal"
    told = read_passage(passage, language)
    asked, claim = read(question, language), read(answer, language)
    if not claim.weight or not told.statements:
        return "nothing-said"
    whole = _nearest(claim, told, asked)
    if not whole.fault:
        return _question_fault(asked, claim, told, {whole.at})
    parts = [read(part, language) for part in PARTS.split(opened(answer)) if part.strip()]
    found = [_nearest(part, told, asked) for part in parts if part.weight]
    if len(found) < 2 or any(near.fault for near in found) or not _are_near(found):
        return whole.fault
    return _question_fault(asked, claim, told, {near.at for near in found})


def holds(text: str, value: str) -> bool:
    """Whether ``value`` stands in ``text``: as it is written, or the same number or date in another writing."""
    if contains(text, value):
        return True
    wanted, told = read(value, "und"), read(text, "und")
    if not (wanted.quantities or wanted.dates) or wanted.stems or wanted.codes:
        return False
    return not (_number(wanted, told) or _date(wanted, told))


@dataclass(frozen=True)
class _Near:
    """How a claim fares beside the statement that comes nearest."""

    at: int
    fault: str
    """Why it does not state the claim; empty if it does."""


def _nearest(claim: Statement, told: Passage, asked: Statement) -> _Near:
    shared = [_shared(claim, statement) for statement in told.statements]
    order = sorted(range(len(shared)), key=lambda at: -shared[at])[:_CANDIDATES]
    found = [_Near(at, _fault(claim, told.statements[at], told, asked)) for at in order]
    stating = [near for near in found if not near.fault]
    answering = [near for near in stating if not _question_fault(asked, claim, told, {near.at})]
    return next(iter((*answering, *stating, *found)))


def _shared(claim: Statement, statement: Statement) -> float:
    numbers = sum(_stands(quantity, statement) for quantity in claim.quantities)
    codes = len(claim.codes & statement.codes)
    return len(set(claim.stems) & set(statement.stems)) + numbers + codes - 0.01 * len(statement.stems)


def _are_near(found: Sequence[_Near]) -> bool:
    places = [near.at for near in found]
    return max(places) - min(places) <= _NEAR


def _fault(claim: Statement, statement: Statement, told: Passage, asked: Statement) -> str:
    found = (name for name, is_wrong in _FAULTS if is_wrong(claim, statement))
    return next(found, "") or _words_fault(claim, statement, told, asked)


def _number(claim: Statement, statement: Statement) -> bool:
    return not all(_stands(quantity, statement) for quantity in claim.quantities)


def _stands(quantity: Quantity, statement: Statement) -> bool:
    return any(quantity.value == other.value and _fits(quantity, other, statement) for other in statement.quantities)


def _fits(quantity: Quantity, other: Quantity, statement: Statement) -> bool:
    if quantity.unit == other.unit or not quantity.unit:
        return True
    if other.unit:
        return False
    return quantity.unit in statement.units


def _unit(claim: Statement, statement: Statement) -> bool:
    """A period or currency the sentence does not know."""
    known = statement.units | ({"day"} if statement.units & {"night"} else set())
    return bool((claim.units - known) & (words.PERIODS | MONEY))


def _rate(claim: Statement, statement: Statement) -> bool:
    """What comes after a number and its unit, or after "per", is something else."""
    known = set(statement.surface)
    return any(
        word not in known and _is_word(word) and not any(_is_alike(word, other) for other in known)
        for word in _counted(claim.surface)
    )


def _counted(surface: Sequence[str]) -> Iterator[str]:
    for at, word in enumerate(surface[1:], start=1):
        before = surface[at - 1]
        is_counted = before in words.UNITS and at > 1 and value_of(surface[at - 2]) is not None
        if is_counted or before in words.PER:
            yield word


def _is_word(word: str) -> bool:
    return word not in words.SMALL and word not in words.UNITS and value_of(word) is None and not word.startswith("@")


def _date(claim: Statement, statement: Statement) -> bool:
    return not all(any(_is_same_day(date, other) for other in statement.dates) for date in claim.dates)


def _is_same_day(date: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return date[1:] == other[1:] and (date[0] == other[0] or not date[0])


def _code(claim: Statement, statement: Statement) -> bool:
    return not claim.codes <= statement.codes


def _denial(claim: Statement, statement: Statement) -> bool:
    """Words that one of the two denies and the other does not."""
    return _differs(claim, statement) or _differs(statement, claim)


def _differs(one: Statement, other: Statement) -> bool:
    for clause in one.clauses:
        if not clause.denied:
            continue
        common = [stem for stem in clause.stems if stem in other.stems]
        if common and not any(beside.denied and set(common) & set(beside.stems) for beside in other.clauses):
            return True
        if not clause.stems and not any(beside.denied for beside in other.clauses):
            return True
    return False


def _opposite(claim: Statement, statement: Statement) -> bool:
    return any(_stands_on_the_other_side(side, statement, claim) for side in claim.sides)


def _stands_on_the_other_side(side: tuple[int, int, str], statement: Statement, claim: Statement) -> bool:
    pair, own, following = side
    same = [word for other, which, word in statement.sides if other == pair and which == own]
    opposed = [word for other, which, word in statement.sides if other == pair and which != own]
    if opposed and following and following in opposed and following not in same:
        return True
    mixed = any(other == pair and which != own for other, which, _ in claim.sides)
    return bool(opposed) and not same and not mixed


def _modality(claim: Statement, statement: Statement) -> bool:
    says, told = _modals(claim), _modals(statement)
    if says == {"must"}:
        return told == {"may"}
    return says == {"may"} and told == {"must"}


def _modals(statement: Statement) -> set[str]:
    named = {"must": words.MUST, "may": words.MAY}
    found = {name for name, group in named.items() if any(word in group for word in statement.surface)}
    has_to = any(pair in _HAVE_TO for pair in zip(statement.surface, statement.surface[1:], strict=False))
    return found | ({"must"} if has_to else set())


_HAVE_TO = frozenset({("have", "to"), ("has", "to"), ("had", "to"), ("needs", "to"), ("need", "to")})


def _quantifier(claim: Statement, statement: Statement) -> bool:
    if not _universals(claim):
        return False
    if any(word in words.PARTIAL for word in statement.surface):
        return not any(word in words.PARTIAL for word in claim.surface)
    denied = (any(clause.denied for clause in each.clauses) for each in (claim, statement))
    return not (_universals(statement) or all(denied))


def _universals(statement: Statement) -> bool:
    """Words like "all", those of a period left out: "every month" says how often."""
    pairs = zip(statement.surface, [*statement.surface[1:], ""], strict=True)
    return any(
        word in words.UNIVERSAL
        and not (word in words.EVERY_WITH_TIME and (after in words.UNITS or value_of(after or "x") is not None))
        for word, after in pairs
    )


def _only(claim: Statement, statement: Statement) -> bool:
    """What "only" stands before must be the same."""
    says, told = _after_only(claim), _after_only(statement)
    return bool(says) and not (says & told)


def _after_only(statement: Statement) -> set[str]:
    found: set[str] = set()
    for at, word in enumerate(statement.surface):
        if word == words.ONLY:
            found |= set(statement.surface[at + 1 : at + 4]) - words.SMALL or {words.ONLY}
    return found


def _cause(claim: Statement, statement: Statement) -> bool:
    """A reason the sentence does not give as a reason."""
    if words.CAUSE not in claim.surface:
        return False
    reason = claim.surface[claim.surface.index(words.CAUSE) + 1 :]
    has_reason = words.CAUSE in statement.surface or "so" in statement.surface or "as" in statement.surface
    return not has_reason or not _is_said(reason, statement)


def _is_said(surface: Sequence[str], statement: Statement) -> bool:
    known = set(statement.surface) | words.SMALL
    missing = [word for word in surface if word not in known and not any(_is_alike(word, other) for other in known)]
    return len(missing) <= len([word for word in surface if word not in words.SMALL]) // 2


def _is_alike(word: str, other: str) -> bool:
    return len(word) > 3 and word[:4] == other[:4]


def _other_clause(claim: Statement, statement: Statement) -> bool:
    """The number of one clause told of what another clause of the same sentence is about."""
    holders = [clause for clause in statement.clauses if clause.quantities]
    if len(holders) < 2:
        return False
    said = claim.units | set(claim.stems)
    values = {quantity.value for quantity in claim.quantities}
    hit = [clause for clause in holders if values & {quantity.value for quantity in clause.quantities}]
    if len(hit) != 1:
        return False
    beside = [clause for clause in holders if clause is not hit[0]]
    others, own = frozenset().union(*(clause.topics for clause in beside)), hit[0].topics
    heads = {stem for clause in beside for stem in clause.stems[:1]} - own
    is_headless = said.isdisjoint(hit[0].stems[:1])
    return bool(said & (others - own)) and (not said & (own - others) or bool(said & heads and is_headless))


def _mixed(claim: Statement, statement: Statement) -> bool:
    """Words of two parallel clauses told as one."""
    said = set(claim.stems)
    for at, one in enumerate(statement.clauses):
        for other in statement.clauses[at + 1 :]:
            common = set(one.stems) & set(other.stems)
            left, right = set(one.stems) - common, set(other.stems) - common
            if common and left and right and said & left and said & right and not left | right <= said:
                return True
    return False


def _turned(claim: Statement, statement: Statement) -> bool:
    """Who does it and to whom it is done have changed places around the same words; only where order tells."""
    if claim.language != "en" or set(claim.surface) & words.PASSIVE:
        return False
    common = set(claim.stems) & set(statement.stems)
    anchors = [
        word for word in claim.surface if word in statement.surface and (word in words.MUST or word in words.MAY)
    ]
    for anchor in anchors:
        before, after = _around(anchor, claim)
        told_before, told_after = _around(anchor, statement)
        if (told_before - told_after) & (after - before) & common and not told_before & before & common:
            return True
    return False


def _around(anchor: str, statement: Statement) -> tuple[set[str], set[str]]:
    at = statement.surface.index(anchor)
    return set(statement.surface_stems[:at]) - {""}, set(statement.surface_stems[at + 1 :]) - {""}


_FAULTS: Sequence[tuple[str, Callable[[Statement, Statement], bool]]] = (
    ("number", _number),
    ("unit", _unit),
    ("rate", _rate),
    ("date", _date),
    ("code", _code),
    ("denial", _denial),
    ("opposite", _opposite),
    ("modality", _modality),
    ("quantifier", _quantifier),
    ("only", _only),
    ("cause", _cause),
    ("other-clause", _other_clause),
    ("mixed", _mixed),
    ("turned", _turned),
)


def _words_fault(claim: Statement, statement: Statement, told: Passage, asked: Statement) -> str:
    """Words of the answer that the sentence does not have: another sentence's are worse than new ones."""
    absent = [stem for stem in dict.fromkeys(claim.stems) if stem not in statement.stems and stem not in _LIGHT]
    missing = [stem for stem in absent if stem not in statement.context]
    shared = _shared(claim, statement) + len(claim.dates)
    if shared <= 0 or len(absent) - len(missing) > shared + 0.5:
        return "not-said"
    if any(stem in told.stems and stem not in told.topic for stem in missing):
        return "other-sentence"
    new = [stem for stem in missing if stem not in told.stems and stem not in asked.stems]
    if len(new) > NEW_WORDS or len(new) > NEW_SHARE * claim.weight:
        return "new-words"
    return "addition" if _is_listed(new, claim) else ""


def _is_listed(new: Sequence[str], claim: Statement) -> bool:
    """A new word that makes up a clause of its own, as the last one of a list does."""
    listed = [clause.stems for clause in claim.clauses[1:] if clause.stems]
    return any(stems[0] in new or set(stems) <= set(new) for stems in listed)


_LIGHT = frozenset(english_stem(word) for word in words.LIGHT)


def _question_fault(asked: Statement, claim: Statement, told: Passage, places: set[int]) -> str:
    """The answer is stated; does it answer what was asked?"""
    return (
        "other-question" if _is_of_another_kind(asked, claim) or _is_asked_elsewhere(asked, claim, told, places) else ""
    )


def _is_of_another_kind(asked: Statement, claim: Statement) -> bool:
    """A number was asked for and none is told, or a duration, or a name."""
    plain = asked.text.casefold()
    has_share = any(word in words.PARTIAL for word in claim.surface)
    if words.QUESTION_NUMBER.search(plain) and not (claim.quantities or claim.dates or claim.units or has_share):
        return True
    if words.QUESTION_HOW_LONG.search(plain) and not _lasts(claim):
        return True
    is_new = has_share or bool(set(claim.stems) - set(asked.stems) or claim.codes - asked.codes)
    return words.QUESTION_NAME.search(plain) is not None and not is_new


def _is_asked_elsewhere(asked: Statement, claim: Statement, told: Passage, places: set[int]) -> bool:
    """Whether another sentence fits the question clearly better, or has what is asked for ("which form")."""
    wanted = set(asked.stems) - _LIGHT
    here = {stem for at in places for stem in (*told.statements[at].stems, *told.statements[at].context)}
    own = wanted & (here | set(claim.stems))
    missed = (wanted - own) & told.stems
    if _head_noun(asked) in missed:
        return True
    best = max(len(wanted & set(statement.stems)) for statement in told.statements)
    return bool(missed) and (best > len(own) + 1 or not own)


def _head_noun(asked: Statement) -> str:
    """Of "which form" and "in which hall": what is asked for; empty if nothing is named."""
    places = (at for at, word in enumerate(asked.surface) if words.WHICH.fullmatch(word))
    at = next(places, len(asked.surface))
    return "".join(asked.surface_stems[at + 1 : at + 2])


def _lasts(claim: Statement) -> bool:
    """Whether it tells a duration, or from when or until when."""
    is_bounded = any(word in words.BOUNDS for word in claim.surface)
    return (
        is_bounded
        or "long" in claim.surface
        or bool(claim.dates)
        or any(quantity.unit in words.PERIODS and ":" not in quantity.value for quantity in claim.quantities)
    )
