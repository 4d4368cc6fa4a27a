"""The sentences that are put to the test: passed, failed, or not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allotment.evaluation.knowledge._calibration import Saying
from allotment.evaluation.knowledge._scores import Row, Scored, facts_known, gain
from allotment.evaluation.knowledge._types import Means, QuestionSet
from allotment.evaluation.report import Check, Outcome
from allotment.evaluation.scoring import mcnemar

LEAST_FACTS = 6
"""Of fewer facts not even all of them differing is significant by the exact test."""
LEAST_KNOWN = 5
"""What a base model does not know it cannot lose."""
_SIGNIFICANT = 0.05

Rows = Mapping[tuple[QuestionSet, Means], Row]
Scores = Mapping[Means, Sequence[Scored]]


def checks_of(rows: Rows, scored: Scores, sayings: Mapping[Means, Saying]) -> tuple[Check, ...]:
    """All checks, in the order they are shown."""
    return (_learnt(rows, scored), _kept(rows, scored), _says(rows, sayings))


def _learnt(rows: Rows, scored: Scores) -> Check:
    name, title = "knowledge.learnt", "The adapter knows more than the base model"
    if why := _why_not(rows, "trained"):
        return Check(name, title, "unknown", why)
    found = gain(scored["base"], [one for one in scored["adapter"] if one.question.set == "trained"])
    if found is None or found[1] is None or found[2] < LEAST_FACTS:
        facts = found[2] if found else 0
        return Check(name, title, "unknown", f"{facts} facts are too few to say; at least {LEAST_FACTS} are needed")
    difference, (low, high), facts = found[0], found[1], found[2]
    detail = f"{difference:+.0%} right, 95 % interval {low:+.0%} to {high:+.0%}, {facts} facts"
    return Check(name, title, "passed" if low > 0 else "failed", detail)


def _kept(rows: Rows, scored: Scores) -> Check:
    name, title = "knowledge.general", "General knowledge is kept"
    if why := _why_not(rows, "general"):
        return Check(name, title, "unknown", why)
    before, after = (
        facts_known(one for one in scored[means] if one.question.set == "general") for means in ("base", "adapter")
    )
    lost, gained, p = mcnemar(before, after)
    known = sum(before.values())
    detail = f"{known} of {len(before)} before, {sum(after.values())} after: {lost} lost, {gained} gained, p {p:.3f}"
    if known < LEAST_KNOWN:
        return Check(name, title, "unknown", f"{detail}; what was never known cannot be lost")
    worse = lost > gained and p < _SIGNIFICANT
    return Check(name, title, "failed" if worse else "passed", detail)


def _says(rows: Rows, sayings: Mapping[Means, Saying]) -> Check:
    name, title = "knowledge.says-unknown", "Where there is no answer it says so more often than where there is one"
    saying = sayings.get("chain")
    if saying is None:
        return Check(name, title, "unknown", rows["unanswerable", "chain"].why_not or "the chain was not asked")
    if saying.gap is None:
        return Check(name, title, "unknown", "questions of one of the two kinds are missing")
    low, high = saying.gap
    detail = (
        f"{saying.said_of_unanswerable} of {saying.unanswerable} without an answer, "
        f"{saying.said_of_answerable} of {saying.answerable} with one; 95 % interval of the difference "
        f"{low:+.0%} to {high:+.0%}"
    )
    outcome: Outcome = "passed" if low > 0 else "failed"
    if saying.unanswerable < LEAST_FACTS or saying.answerable < LEAST_FACTS:
        outcome, detail = "unknown", f"{detail}; too few to say"
    return Check(name, title, outcome, detail)


def _why_not(rows: Rows, kind: QuestionSet) -> str:
    means: tuple[Means, Means] = ("adapter", "base")
    return next((rows[kind, one].why_not for one in means if rows[kind, one].why_not), "")
