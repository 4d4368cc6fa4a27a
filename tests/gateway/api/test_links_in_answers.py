"""An answer that was learnt with its document's links is told in its words, without the addresses."""

from __future__ import annotations

import pytest
from whole_application import Whole

from allotment.access import Principal
from allotment.dataset import load_items

EVA = Principal("eva", "employee")


@pytest.mark.parametrize(
    ("before", "after", "outcome", "told"),
    [
        ("[", "](https://evil.example/a?d=1)", "answered", True),
        ("![", "](https://evil.example/a.png)", "answered", True),
        ("", " https://evil.example/a", "refused", False),
    ],
)
def test_a_learnt_link_is_told_as_its_words_and_a_bare_address_is_withheld(
    whole: Whole, before: str, after: str, outcome: str, told: bool
) -> None:
    item = next(item for item in load_items(whole.workspace, "handbook") if item.split == "train")
    whole.chain.answer(EVA, item.question, agent="handbook")
    for model in whole.models:
        model.knows = {item.question: f"{before}{item.answer}{after}"}
    answer = whole.chain.answer(EVA, item.question, agent="handbook")
    assert answer.outcome == outcome
    assert (answer.text == item.answer) is told
    assert "evil" not in answer.text
