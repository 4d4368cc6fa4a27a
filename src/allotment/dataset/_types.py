"""What a dataset is made of, what it counts, and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "held_out"]


@dataclass(frozen=True)
class Item:
    """One question with its answer."""

    id: str
    group: str
    """One fact; items of a group are phrasings of one question with one answer."""
    agent: str
    section_id: str
    document: str
    question: str
    answer: str
    value: str
    """The short exact value, verbatim in the section and in the answer."""
    language: str
    readers: frozenset[str]
    """Readers of the section it was made from."""
    split: Split


@dataclass(frozen=True)
class DatasetStats:
    """Counts of facts that add up: ``asked == accepted + sum(rejected) + sum(failed)``."""

    asked: int
    accepted: int
    rejected: dict[str, int]
    """Reason → facts the teacher wrote and a check refused."""
    failed: dict[str, int]
    """Reason → facts that were asked for and did not come."""
    train: int
    """Items to train on."""
    held_out: int
    """Items kept apart: other phrasings of facts that are trained."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Reason → single phrasings dropped from facts that were otherwise kept or rejected."""


@dataclass(frozen=True)
class DatasetPlan:
    """What ``generate`` would still do."""

    agent: str
    sections: int
    """Sections the agent may learn."""
    calls: int
    """Requests to the teacher that are still to be made."""
    done: int
    """Requests already in the ledger."""
    prompt_tokens: int
    completion_tokens: int
    minutes: float | None
    """Wall time; none while no request was measured here."""
    measured: bool
    """Whether the figures rest on this agent's own ledger, or on four characters a token alone."""
