"""A conversation and its messages, as they are kept and as they are shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from allotment.answering import Answer, Source


@dataclass(frozen=True)
class Conversation:
    """One conversation in the list."""

    id: UUID
    title: str
    created_at: datetime
    messages: int
    used_at: datetime
    """When it was last asked in."""


@dataclass(frozen=True)
class Kept:
    """A question with its answer, as kept."""

    asked_at: datetime
    question: str
    answer: str | None
    """None: made from rows of a database, which are not kept."""
    outcome: str
    agent: str | None
    record: int | None
    """Number of the decision's audit record."""
    sources: tuple[Source, ...]


def source_row(source: Source) -> dict[str, str]:
    """A source as it is kept."""
    return {
        "section": source.section_id,
        "document": source.document,
        "heading": source.heading,
        "quote": source.quote,
    }


def source_of(row: Mapping[str, Any]) -> Source:
    """A source as it was."""
    return Source(row["section"], row["document"], row["heading"], row["quote"])


def answer_text(answer: Answer, *, rows: bool) -> str | None:
    """What is kept of an answer's words: nothing of one made from rows, unless the project keeps these too."""
    return None if answer.account is not None and not rows else answer.text
