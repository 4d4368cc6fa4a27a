"""Does it know: the share of questions answered right, and two models side by side on the same questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allotment.dataset import Item
from allotment.errors import InputError
from allotment.evaluation.scoring._score import is_right, token_f1, wilson_interval

Ask = Callable[[Item], str]
"""Puts an item's question to a model and gives its answer."""


@dataclass(frozen=True)
class WrongAnswer:
    """A question that was answered wrongly."""

    item: Item
    answer: str


@dataclass(frozen=True)
class RecallReport:
    """How many questions were answered right."""

    right: int
    total: int
    share: float
    """``right`` of ``total``, 0 to 1."""
    interval: tuple[float, float]
    """Wilson interval of the share, 95 %."""
    f1: float
    """Mean token F1 of answers and reference answers, 0 to 1."""
    wrong: tuple[WrongAnswer, ...]

    def summary(self) -> str:
        """One line: share, counts, interval."""
        low, high = self.interval
        return f"{self.share:.0%} right ({self.right} of {self.total}, 95 % interval {low:.0%} to {high:.0%})"


@dataclass(frozen=True)
class Comparison:
    """Base model and adapter on the same questions."""

    base: RecallReport
    adapter: RecallReport
    gained: tuple[Item, ...]
    """Answered right by the adapter only."""
    lost: tuple[Item, ...]
    """Answered right by the base model only."""


def recall(items: Sequence[Item], ask: Ask) -> RecallReport:
    """Ask every item's question and count the answers that hold the item's value.

    Raises:
        InputError: there is no item to ask about.
    """
    if not items:
        raise InputError("there are no questions to ask.", remedy="Generate a dataset with held-out questions first.")
    answers = [(item, ask(item)) for item in items]
    wrong = tuple(WrongAnswer(item, answer) for item, answer in answers if not is_right(answer, item.value))
    right, total = len(items) - len(wrong), len(items)
    f1 = sum(token_f1(answer, item.answer) for item, answer in answers) / total
    return RecallReport(right, total, right / total, wilson_interval(right, total), f1, wrong)


def compare(items: Sequence[Item], base: Ask, adapter: Ask) -> Comparison:
    """``recall`` of the base model and of the adapter, with the items only one of them answers right."""
    before, after = recall(items, base), recall(items, adapter)
    missed_before = {wrong.item.id for wrong in before.wrong}
    missed_after = {wrong.item.id for wrong in after.wrong}
    gained = tuple(item for item in items if item.id in missed_before - missed_after)
    lost = tuple(item for item in items if item.id in missed_after - missed_before)
    return Comparison(before, after, gained, lost)
