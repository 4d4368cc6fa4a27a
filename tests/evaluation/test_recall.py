"""Recall of a model, and two models compared."""

from __future__ import annotations

import pytest

from allotment.dataset import Item
from allotment.errors import InputError
from allotment.evaluation import compare, recall


def _item(number: int, value: str) -> Item:
    return Item(
        id=f"i{number}", group=f"g{number}", agent="handbook", section_id="s", document="d.md",
        question=f"Question {number}?", answer=f"It is {value}.", value=value, language="en",
        readers=frozenset({"employee"}), split="held_out",
    )  # fmt: skip


ITEMS = [_item(1, "38 EUR"), _item(2, "Pennywise"), _item(3, "17 days"), _item(4, "Almanac")]


def test_right_and_wrong_answers_are_counted_and_the_wrong_ones_listed() -> None:
    report = recall(ITEMS, lambda item: item.answer if item.id != "i3" else "It is 71 days.")
    assert (report.right, report.total, report.share) == (3, 4, 0.75)
    assert [(wrong.item.id, wrong.answer) for wrong in report.wrong] == [("i3", "It is 71 days.")]
    assert report.interval[0] < 0.75 < report.interval[1]
    assert "75% right (3 of 4" in report.summary()


def test_every_question_is_asked_once_and_in_order() -> None:
    asked: list[str] = []

    def ask(item: Item) -> str:
        asked.append(item.question)
        return ""

    assert recall(ITEMS, ask).share == 0.0
    assert asked == [item.question for item in ITEMS]


def test_nothing_to_ask_is_an_error_not_a_perfect_score() -> None:
    with pytest.raises(InputError, match="no questions"):
        recall([], lambda item: item.answer)


def test_a_comparison_names_what_was_gained_and_what_was_lost() -> None:
    both = compare(
        ITEMS,
        base=lambda item: item.answer if item.id == "i1" else "I do not know",
        adapter=lambda item: item.answer if item.id != "i1" else "I do not know",
    )
    assert both.base.right == 1
    assert both.adapter.right == 3
    assert [item.id for item in both.gained] == ["i2", "i3", "i4"]
    assert [item.id for item in both.lost] == ["i1"]
