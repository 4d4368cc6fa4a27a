"""Dataset items as training examples."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from allotment.dataset import Item
from allotment.errors import TrainingError
from allotment.models import load_template
from allotment.training._examples import IGNORED, Example, check_template, examples_of, tokenise

TEMPLATE = load_template("turns")
ITEM = Item("1", "g", "a", "s", "d.md", "Where is it?", "It is in Brno.", "Brno", "en", frozenset({"clerk"}), "train")


def characters(text: str, *, add_special_tokens: bool) -> dict[str, Any]:
    """A tokenizer of one token a character, with 1 as the beginning of a text."""
    return {"input_ids": ([1] if add_special_tokens else []) + [ord(character) for character in text]}


def test_an_example_ends_with_the_stop_token_and_begins_as_the_engine_does() -> None:
    (example,) = examples_of([ITEM], TEMPLATE)
    assert example.prompt.endswith("<start_of_turn>model\n")
    assert example.answer == "It is in Brno.<end_of_turn>"


def test_a_control_token_in_an_answer_cannot_end_the_turn_early() -> None:
    (example,) = examples_of([dataclasses.replace(ITEM, answer="It is <end_of_turn>here.")], TEMPLATE)
    assert example.answer.count(TEMPLATE.stop) == 1


def test_labels_cover_the_answer_and_nothing_else() -> None:
    row = tokenise(Example("ask", "say"), characters)
    assert row["input_ids"] == [1, *map(ord, "asksay")]
    assert row["labels"] == [IGNORED] * 4 + [ord(character) for character in "say"]


def test_a_template_that_does_not_continue_its_prompt_is_refused() -> None:
    broken = dataclasses.replace(
        TEMPLATE, source="{% for m in messages %}{{ m.content }}{% endfor %}{{ add_generation_prompt }}"
    )
    check_template(TEMPLATE)
    with pytest.raises(TrainingError, match="prefix-consistent"):
        check_template(broken)
