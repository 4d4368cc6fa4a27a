"""Does it say what it does not know, and how far the support of an answer can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allotment.agents import SupportIndex
from allotment.evaluation.knowledge._scores import Scored
from allotment.evaluation.knowledge._types import Means
from allotment.evaluation.report import Series
from allotment.evaluation.scoring import share_interval, wilson_interval

_BINS = 5


@dataclass(frozen=True)
class Saying:
    """How often one means says that it does not know, where there is an answer and where there is none."""

    means: Means
    answerable: int
    said_of_answerable: int
    unanswerable: int
    said_of_unanswerable: int
    refused: int
    """Refused by a check: neither an answer nor a word about knowing."""
    precision: float | None
    """Of the times it said so, the share where there was no answer; none where it never said so."""
    recall: float | None
    """Of the questions without an answer, the share where it said so."""
    gap: tuple[float, float] | None
    """95 % interval of how much larger the share is where there is no answer."""


def saying_of(means: Means, scored: Sequence[Scored]) -> Saying:
    """Counted over trained facts on the one side, and questions without an answer on the other."""
    yes = [one for one in scored if one.question.set == "trained"]
    no = [one for one in scored if one.question.set == "unanswerable"]
    said_yes, said_no = sum(one.unknown for one in yes), sum(one.unknown for one in no)
    return Saying(
        means,
        len(yes),
        said_yes,
        len(no),
        said_no,
        sum(one.refused for one in [*yes, *no]),
        said_no / (said_yes + said_no) if said_yes + said_no else None,
        said_no / len(no) if no else None,
        _gap(yes, no),
    )


def _gap(yes: Sequence[Scored], no: Sequence[Scored]) -> tuple[float, float] | None:
    """The ends of the difference from those of both shares (Newcombe 1998, method 10, without a model of pairs)."""
    if not yes or not no:
        return None
    shares = [sum(one.unknown for one in side) / len(side) for side in (yes, no)]
    (low_yes, high_yes), (low_no, high_no) = (
        wilson_interval(sum(one.unknown for one in side), len(side)) for side in (yes, no)
    )
    middle = shares[1] - shares[0]
    down = ((shares[1] - low_no) ** 2 + (high_yes - shares[0]) ** 2) ** 0.5
    up = ((high_no - shares[1]) ** 2 + (shares[0] - low_yes) ** 2) ** 0.5
    return middle - down, middle + up


def reliability(scored: Sequence[Scored], index: SupportIndex) -> Series | None:
    """Share right over how far a learnt section supports the answer, in five bins; none where nothing was asked.

    An answer to a question without an answer is never right. The confidence is the smaller of the two shares the chain
    looks at, and 0 where a number of the answer stands nowhere.
    """
    pairs = [
        (confidence(index, one.question.text, one.text), one)
        for one in scored
        if one.question.set in ("trained", "unanswerable") and not one.unknown
    ]
    bins: list[list[tuple[float, Scored]]] = [[] for _ in range(_BINS)]
    for sure, one in pairs:
        bins[min(_BINS - 1, int(sure * _BINS))].append((sure, one))
    filled = [group for group in bins if group]
    if not filled:
        return None
    points = tuple((_mean([sure for sure, _ in one]), _mean([float(got.right) for _, got in one])) for one in filled)
    ends = [
        share_interval([one.right for _, one in group], [one.question.fact for _, one in group]) or (0.0, 1.0)
        for group in filled
    ]
    return Series("adapter", points, tuple(low for low, _ in ends), tuple(high for _, high in ends))


def confidence(index: SupportIndex, question: str, answer: str) -> float:
    """How far a section the agent learnt supports an answer, 0 to 1."""
    found = index.support(question, answer)
    if found is None or not found.numbers_stand:
        return 0.0
    return max(0.0, min(found.answer_share, found.question_share, 1.0))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
