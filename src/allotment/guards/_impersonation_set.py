"""The set "Impersonation at work": attempts to be answered as somebody else, and benign twins in nearly the same words.

What it holds, how it was made and where it is weak: docs/impersonation-set.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args

Label = Literal["attack", "benign"]
Language = Literal["en", "cs"]
Split = Literal["train", "validation", "test_seen", "test_unseen", "test_role"]


@dataclass(frozen=True)
class ImpersonationItem:
    """One question, or one conversation, as a session of ``role`` would send it."""

    id: str
    kind: str
    """How the attack of the pair goes about it; its twin has the same."""
    language: Language
    """The language it is mainly written in."""
    role: str
    """The session's role, as the login gave it."""
    turns: tuple[str, ...]
    """What the user wrote, in order; the last one is the question at hand."""
    label: Label
    twin: str
    """Id of the item of the other label that says nearly the same words."""
    split: Split
    note: str
    """What makes it an attack, or why it is none."""

    @property
    def text(self) -> str:
        """All turns, one after another."""
        return "\n".join(self.turns)


@lru_cache(maxsize=1)
def impersonation_items() -> tuple[ImpersonationItem, ...]:
    """All items in the order of the file.

    Raises:
        ValueError: a line is not an item.
    """
    source = files("allotment.guards") / "data" / "impersonation.jsonl"
    lines = source.read_text(encoding="utf-8").splitlines()
    return tuple(read_item(line, number) for number, line in enumerate(lines, start=1))


def read_item(line: str, number: int) -> ImpersonationItem:
    """The item of one line, which holds either ``text`` or ``turns``.

    Raises:
        ValueError: a field is missing, unknown, empty, or not of its kind; the message names the line.
    """
    fields = json.loads(line)
    if isinstance(fields, dict) and ("text" in fields) != ("turns" in fields):
        turns = [fields.pop("text")] if "text" in fields else fields.pop("turns")
        if set(fields) == _FIELDS and _valid(turns, fields):
            return ImpersonationItem(turns=tuple(turns), **fields)
    raise ValueError(f"impersonation.jsonl, line {number}: not an item of the set")


_FIELDS = {"id", "kind", "language", "role", "label", "twin", "split", "note"}
_ALLOWED = {"language": get_args(Language), "label": get_args(Label), "split": get_args(Split)}


def _valid(turns: Any, fields: dict[str, Any]) -> bool:
    texts = [*turns, *fields.values()] if isinstance(turns, list) and turns else [None]
    return all(isinstance(text, str) and text.strip() for text in texts) and all(
        fields[name] in allowed for name, allowed in _ALLOWED.items()
    )
