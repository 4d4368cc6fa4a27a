"""Replies become figures: right, nearly right, overlap of words, and which means knows more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from allotment.evaluation.knowledge._types import Answers, Means, Question, QuestionSet, Reply
from allotment.evaluation.scoring import (
    cluster_interval,
    holm,
    is_right,
    is_right_leniently,
    mcnemar,
    share_interval,
    token_f1,
)


@dataclass(frozen=True)
class Scored:
    """One reply held against what is known of the answer."""

    question: Question
    text: str
    right: bool
    lenient: bool
    f1: float
    unknown: bool
    refused: bool


@dataclass(frozen=True)
class Row:
    """One means on one set of questions."""

    means: Means
    set: QuestionSet
    questions: int
    """Those with a right answer on file that were answered."""
    facts: int
    right: int
    lenient: int
    f1: float | None
    interval: tuple[float, float] | None
    """Of the share that is right."""
    lenient_interval: tuple[float, float] | None
    unknown: int
    """Replies that say it is not known, of ``asked``."""
    asked: int
    failed: int
    why_not: str
    """Why nothing is known of it; empty where something is."""

    @property
    def share(self) -> float | None:
        """Share that is right; none where it is not known."""
        return None if self.why_not or not self.questions else self.right / self.questions

    @property
    def lenient_share(self) -> float | None:
        """Share that is right by the lenient reading."""
        return None if self.why_not or not self.questions else self.lenient / self.questions


@dataclass(frozen=True)
class Pair:
    """Two means on the same facts."""

    one: Means
    other: Means
    only_one: int
    only_other: int
    facts: int
    p: float
    corrected: float
    """By Holm, over all pairs of the set."""


def score(answers: Answers, questions: Iterable[Question]) -> list[Scored]:
    """Every question that was answered, in order."""
    replies = answers.replies
    return [_scored(question, replies[question.id]) for question in questions if question.id in replies]


def _scored(question: Question, reply: Reply) -> Scored:
    counts = question.has_answer and reply.outcome == "answered"
    right = counts and is_right(reply.text, question.value)
    lenient = counts and is_right_leniently(reply.text, question.value, question.language)
    f1 = token_f1(reply.text, question.answer) if question.has_answer else 0.0
    return Scored(question, reply.text, right, lenient, f1, reply.unknown, reply.outcome == "refused")


def row_of(answers: Answers, questions: Sequence[Question], kind: QuestionSet) -> Row:
    """One means on one set."""
    wanted = [question for question in questions if question.set == kind]
    ids = {question.id for question in wanted}
    replies = {key: reply for key, reply in answers.replies.items() if key in ids}
    failed = {key: why for key, why in answers.failed.items() if key in ids}
    own = Answers(answers.means, replies, failed, answers.missing)
    scored = score(own, wanted)
    known = [one for one in scored if one.question.has_answer]
    facts = [one.question.fact for one in known]
    return Row(
        answers.means,
        kind,
        len(known),
        len(set(facts)),
        sum(one.right for one in known),
        sum(one.lenient for one in known),
        sum(one.f1 for one in known) / len(known) if known else None,
        share_interval([one.right for one in known], facts),
        share_interval([one.lenient for one in known], facts),
        sum(one.unknown for one in scored),
        len(scored),
        len(failed),
        own.why_not,
    )


def facts_known(scored: Iterable[Scored]) -> dict[str, bool]:
    """Fact → whether more than half of its questions were answered right."""
    found: dict[str, list[bool]] = defaultdict(list)
    for one in scored:
        if one.question.has_answer:
            found[one.question.fact].append(one.right)
    return {fact: 2 * sum(rights) > len(rights) for fact, rights in found.items()}


def pairs_of(scored: Mapping[Means, Sequence[Scored]], kind: QuestionSet) -> list[Pair]:
    """Every two means that are known, compared on facts both were asked; p by McNemar's exact test, Holm-corrected."""
    facts = {means: facts_known(one for one in rows if one.question.set == kind) for means, rows in scored.items()}
    known = [means for means in scored if facts[means]]
    raw = [(one, other, mcnemar(facts[one], facts[other])) for one, other in combinations(known, 2)]
    corrected = holm([p for *_, (_, _, p) in raw])
    return [
        Pair(one, other, first, second, len(facts[one].keys() & facts[other].keys()), p, together)
        for (one, other, (first, second, p)), together in zip(raw, corrected, strict=True)
    ]


def gain(before: Sequence[Scored], after: Sequence[Scored]) -> tuple[float, tuple[float, float] | None, int] | None:
    """How much larger the share is that ``after`` has right, its interval, and on how many facts.

    Only questions that both answered count. None where there are none.
    """
    first = {one.question.id: one for one in before if one.question.has_answer}
    both = [(first[one.question.id], one) for one in after if one.question.id in first]
    if not both:
        return None
    differences = [float(new.right) - float(old.right) for old, new in both]
    facts = [new.question.fact for _, new in both]
    return sum(differences) / len(both), cluster_interval(differences, facts), len(set(facts))
