"""Dataset items as training examples: the very text that is served, labels on answer tokens only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from allotment.errors import TrainingError
from allotment.models import ChatTemplate, Message

if TYPE_CHECKING:
    from allotment.dataset import Item

IGNORED = -100
"""Label of a token the loss leaves out."""


@dataclass(frozen=True)
class Example:
    """One conversation as text: what the model reads, and what it must write (with its stop token)."""

    prompt: str
    answer: str


def examples_of(items: Sequence[Item], template: ChatTemplate) -> list[Example]:
    """Training items rendered with the template that serving uses."""
    return [
        Example(
            template.render([Message("user", item.question)], add_generation_prompt=True),
            template.strip_control(item.answer).strip() + template.stop,
        )
        for item in items
    ]


def check_template(template: ChatTemplate) -> None:
    """Refuse a template whose rendering of an answered question does not begin with its prompt.

    Raises:
        TrainingError: training and serving would read different texts.
    """
    question, answer = Message("user", "Where is it?"), Message("assistant", "It is here.")
    prompt = template.render([question], add_generation_prompt=True)
    whole = template.render([question, answer], add_generation_prompt=False)
    if not whole.startswith(prompt + answer.content + template.stop):
        raise TrainingError(
            "the chat template is not prefix-consistent: the answered conversation does not continue its prompt.",
            kind="configuration",
            element=template.name,
        )


def tokenise(example: Example, tokenizer: Any) -> dict[str, list[int]]:
    """Token ids and labels; prompt and answer are tokenised apart, exactly as the engine does when it serves."""
    prompt = tokenizer(example.prompt, add_special_tokens=True)["input_ids"]
    answer = tokenizer(example.answer, add_special_tokens=False)["input_ids"]
    return {"input_ids": [*prompt, *answer], "labels": [IGNORED] * len(prompt) + list(answer)}
