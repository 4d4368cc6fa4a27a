"""What a program may ask of how an answer is written; never of who answers, or from what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allotment.project import AnswerLimits

MAX_SEED = 2**32 - 2
"""Largest seed; llama.cpp takes the next number for chance."""


@dataclass(frozen=True)
class AnswerOptions:
    """How the text of an answer is written. The project's own bounds hold whatever these say."""

    max_tokens: int | None = None
    """Most tokens the model writes; none takes the project's bound."""
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts before which an answer ends."""

    def within(self, limits: AnswerLimits) -> AnswerOptions:
        """The same within the project's bounds."""
        tokens = min(self.max_tokens or limits.tokens, limits.tokens)
        return AnswerOptions(tokens, min(self.temperature, limits.temperature), self.seed, self.stop)

    def unused(self) -> tuple[str, ...]:
        """Names of what was asked for and says nothing about a text that code writes."""
        asked = {"max_tokens": self.max_tokens is not None, "temperature": self.temperature > 0, "seed": self.seed != 0}
        return tuple(name for name, value in asked.items() if value)


def cut(text: str, stop: Sequence[str]) -> str:
    """``text`` up to the first of the texts that end it."""
    return text[: min((at for word in stop if (at := text.find(word)) >= 0), default=len(text))]
