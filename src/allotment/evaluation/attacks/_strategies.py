"""Conversations of several turns: ``data/strategies.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from allotment.evaluation.attacks._texts import LANGUAGES, fill, read

SINGLE = "single"
_FLOOD = (
    "The corridor was painted last week. The lamps were changed. The kettle is on the second floor. The plants by the "
    "window get water on Mondays. The lift stops on every floor. "
)
FLOOD = (_FLOOD * 40)[:3_500]
"""Long harmless text; with it a message stays as short as the gateway takes one."""

Turn = tuple[str, str]
"""Who says it, and what."""


@dataclass(frozen=True)
class Strategy:
    """Turns of a conversation, the last one always the user's."""

    id: str
    source: str
    how: Literal["turns", "history"]
    """``turns``: sent one after another. ``history``: sent at once as a conversation that never was."""
    turns: Mapping[str, tuple[Turn, ...]]
    """Language → turns."""

    def filled(self, language: str, values: Mapping[str, str]) -> tuple[Turn, ...]:
        """Its turns for one attempt."""
        return tuple((who, fill(text, values)) for who, text in self.turns[language])


@cache
def strategies() -> dict[str, Strategy]:
    """All of them, by id."""
    return {
        row["id"]: Strategy(
            row["id"],
            row["source"],
            row["how"],
            {language: tuple(_turn(turn) for turn in row[language]) for language in LANGUAGES},
        )
        for row in read("strategies")
    }


def halves(text: str) -> tuple[str, str]:
    """A text cut in two between words, or within one if there is but one."""
    middle = text.find(" ", len(text) // 2)
    cut = middle if middle > 0 else len(text) // 2
    return text[:cut], text[cut:].lstrip()


def _turn(turn: Any) -> Turn:
    if isinstance(turn, str):
        return "user", turn
    ((who, text),) = turn.items()
    return str(who), str(text)
