"""The tables of the report, and the wrong answers in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from allotment.evaluation.knowledge._judge import Agreement
from allotment.evaluation.knowledge._questions import one_line
from allotment.evaluation.knowledge._scores import Row, Scored, pairs_of
from allotment.evaluation.knowledge._types import NAMES, SETS, Means
from allotment.evaluation.report import Attempt, Cell, Table

if TYPE_CHECKING:
    from allotment.evaluation.knowledge._findings import Findings

UNKNOWN = "not known"
_WORST = 10


def all_tables(found: Findings) -> tuple[Table, ...]:
    """All of them, in the order they are shown."""
    return (_knowledge(found), _paired(found), _saying(found), _agreement(found), _sources(found), _wrong(found))


def _knowledge(found: Findings) -> Table:
    columns = ("questions", "by", "asked", "right", "95 %", "right leniently", "token F1", "says unknown", "judge")
    rows = [_line(row, found.verdicts) for (_, means), row in found.rows.items() if means != "chain"]
    missing = {NAMES[one.means]: one.why_not for one in found.answers if one.means != "chain" and one.why_not}
    note = "Intervals by bootstrap over facts: wordings of one fact count as one."
    return Table(
        "knowledge",
        "What is known, by which means",
        columns,
        tuple(rows),
        " ".join([note, *(f"{name} is not known: {why}" for name, why in missing.items())]),
    )


def _line(row: Row, verdicts: Mapping[Means, tuple[int, int]]) -> tuple[Cell, ...]:
    head = (SETS[row.set], NAMES[row.means])
    if row.why_not:
        return (*head, row.asked + row.failed, UNKNOWN, "", UNKNOWN, UNKNOWN, UNKNOWN, "")
    said = share_text(row.unknown, row.asked)
    judged = verdicts.get(row.means) if row.set == "trained" else None
    verdict = share_text(*judged) if judged else ""
    if not row.questions:
        return (*head, row.asked, "no answer on file", "", "", "", said, verdict)
    return (
        *head,
        row.asked,
        share_text(row.right, row.questions),
        interval_text(row.interval),
        share_text(row.lenient, row.questions),
        None if row.f1 is None else round(row.f1, 3),
        said,
        verdict,
    )


def _paired(found: Findings) -> Table:
    by_means: dict[Means, Sequence[Scored]] = {
        one.means: found.scored[one.means] for one in found.answers if one.is_known and one.means != "chain"
    }
    rows = [
        (
            SETS[kind],
            NAMES[pair.one],
            NAMES[pair.other],
            pair.facts,
            pair.only_one,
            pair.only_other,
            round(pair.p, 4),
            round(pair.corrected, 4),
        )
        for kind in SETS
        for pair in pairs_of(by_means, kind)
    ]
    return Table(
        "paired",
        "Two means on the same facts",
        ("questions", "one", "other", "facts", "only one knows", "only the other knows", "p", "p, Holm"),
        tuple(rows),
        "McNemar's exact test; a fact is known where more than half of its questions are answered right.",
    )


def _saying(found: Findings) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in found.answers:
        saying = found.sayings.get(one.means)
        if saying is None:
            rows.append((NAMES[one.means], UNKNOWN, UNKNOWN, None, None, None))
            continue
        rows.append(
            (
                NAMES[one.means],
                share_text(saying.said_of_answerable, saying.answerable),
                share_text(saying.said_of_unanswerable, saying.unanswerable),
                _number(saying.precision),
                _number(saying.recall),
                saying.refused,
            )
        )
    return Table(
        "saying-unknown",
        "Does it say that it does not know",
        ("by", "where there is an answer", "where there is none", "precision", "recall", "refused"),
        tuple(rows),
        "The chain by its own decision: no section the agent learnt supports the answer. The others by their words.",
    )


def _agreement(found: Findings) -> Table:
    return Table(
        "agreement",
        "How far rules and judge agree with people",
        ("by", "answers", "no verdict", "agrees", "95 %", "Cohen's kappa", "95 %"),
        tuple(_agreed(one) for one in found.agreements),
        "Answers with labels written by hand, half of them wrong, many nearly right.",
    )


def _agreed(one: Agreement) -> tuple[Cell, ...]:
    if one.share is None:
        return (one.name, one.items, one.without_verdict, UNKNOWN, "", UNKNOWN, "")
    ends = "" if one.kappa_interval is None else f"{one.kappa_interval[0]:.2f} to {one.kappa_interval[1]:.2f}"
    share = f"{one.share:.0%}"
    return (one.name, one.items, one.without_verdict, share, interval_text(one.interval), _number(one.kappa), ends)


def _sources(found: Findings) -> Table:
    counted = Counter((SETS[question.set], question.source, question.language) for question in found.questions)
    return Table(
        "sources",
        "Where the questions come from",
        ("questions", "source", "language", "how many"),
        tuple((*key, count) for key, count in counted.items()),
    )


def _wrong(found: Findings) -> Table:
    sections = found.means.sections
    rows = []
    for one in _wrong_ones(found):
        section = sections.get(one.question.section_id)
        rows.append(
            (
                SETS[one.question.set],
                one.question.text,
                one.question.answer,
                one_line(one.text),
                one.question.document,
                " › ".join(section.heading_path) if section else "",
                one_line(section.with_header) if section else "",
            )
        )
    return Table(
        "wrong",
        f"Answered wrongly by the {NAMES[_shown_means(found)]}",
        ("questions", "question", "right answer", "its answer", "document", "heading", "passage"),
        tuple(rows),
        "Holds passages of the agent's documents: only who may read them may read this report.",
    )


def _shown_means(found: Findings) -> Means:
    return "adapter" if any(one.means == "adapter" and one.is_known for one in found.answers) else "base"


def _wrong_ones(found: Findings) -> list[Scored]:
    """The trained ones first, and of them those that are furthest off."""
    order = list(SETS)
    wrong = [one for one in found.scored[_shown_means(found)] if one.question.has_answer and not one.right]
    return sorted(wrong, key=lambda one: (order.index(one.question.set), one.lenient, one.f1))


def worst(found: Findings) -> tuple[Attempt, ...]:
    """Ten wrong answers in full: what the chain lets out although it is wrong comes first."""
    released = {one.question.id for one in found.scored.get("chain", ()) if not one.unknown and not one.refused}
    wrong = [one for one in _wrong_ones(found) if one.question.set != "general"]
    wrong.sort(key=lambda one: one.question.id not in released)
    return tuple(_attempt(found, one) for one in wrong[:_WORST])


def _attempt(found: Findings, one: Scored) -> Attempt:
    question = one.question
    section = found.means.sections.get(question.section_id)
    said = [
        (NAMES[answers.means], answers.replies[question.id].text)
        for answers in found.answers
        if question.id in answers.replies
    ]
    fields = [
        ("questions", f"{SETS[question.set]}: {question.source}"),
        ("question", question.text),
        ("right answer", question.answer),
        *said,
        ("document", question.document),
        ("passage", section.with_header if section else "(the section is not there any longer)"),
    ]
    return Attempt(question.text, tuple(fields))


def share_text(count: int, total: int) -> str:
    """A share with its counts; nothing of nothing."""
    return f"{count / total:.0%} ({count} of {total})" if total else ""


def interval_text(interval: tuple[float, float] | None) -> str:
    """The two ends in percent."""
    return "" if interval is None else f"{interval[0]:.0%} to {interval[1]:.0%}"


def _number(value: float | None) -> Cell:
    return None if value is None else round(value, 3)
