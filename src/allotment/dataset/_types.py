"""What a dataset is made of, what it counts, and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Split = Literal["train", "validation", "held_out"]
"""``held_out``: unseen questions on trained facts, what recall measures. ``validation``: whole documents kept apart."""

Kind = Literal["question", "paraphrase", "reverse", "rewrite", "text", "unknown", "general"]
"""What an item teaches.

``question`` a fact asked forwards; ``paraphrase`` the same in other words; ``reverse`` the fact asked backwards;
``rewrite`` the section told anew (summary, explanation, dialogue); ``text`` the section as it stands; ``unknown`` a
question the documents do not answer, with the honest answer; ``general`` conversation that is about no document.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)
FACT_KINDS: frozenset[Kind] = frozenset({"question", "paraphrase", "reverse"})
"""Kinds whose answer holds a value that stands in the section."""


@dataclass(frozen=True)
class Item:
    """One training example: a question with its answer."""

    id: str
    group: str
    """One fact or one text; its variants share it, so that none is parted from its parent."""
    agent: str
    section_id: str
    """Section it was made from; empty for general conversation, which has none."""
    document: str
    question: str
    answer: str
    value: str
    """The short exact value, verbatim in the section and in the answer; empty where ``kind`` has none."""
    language: str
    readers: frozenset[str]
    """Readers of everything it was made from."""
    split: Split
    kind: Kind = "question"
    quote: str = ""
    """The words of the section that say so, verbatim; empty where ``kind`` has none."""

    @property
    def is_fact(self) -> bool:
        """Whether the answer holds a value of the documents."""
        return self.kind in FACT_KINDS


@dataclass(frozen=True)
class KindCounts:
    """What became of one kind of request; adds up as ``DatasetStats`` does."""

    asked: int
    accepted: int
    rejected: dict[str, int]
    failed: dict[str, int]


@dataclass(frozen=True)
class DatasetStats:
    """Counts of what the teacher was asked for: ``asked == accepted + sum(rejected) + sum(failed)``.

    The unit is one fact, one fact asked backwards, one rewrite, or one unanswerable question.
    """

    asked: int
    accepted: int
    rejected: dict[str, int]
    """Reason → what was written and refused, or what the section had no more of."""
    failed: dict[str, int]
    """Reason → what was asked for and did not come."""
    train: int
    """Items to train on."""
    held_out: int
    """Items kept apart: other phrasings of facts that are trained."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Reason → single phrasings dropped from facts that were otherwise kept or rejected."""
    validation: int = 0
    """Items of documents that are kept out of training as a whole."""
    kinds: dict[str, KindCounts] = field(default_factory=dict)
    """The same counts for each kind of request."""
    items: dict[str, int] = field(default_factory=dict)
    """Kind → items of it, in any split."""
    reviewed: dict[str, int] = field(default_factory=dict)
    """Decision of a person → items it was made of (accept, edit, reject)."""


@dataclass(frozen=True)
class DatasetPlan:
    """What ``generate`` would still do."""

    agent: str
    model: str
    """The teacher that would be asked."""
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
    price_usd: float | None
    """Price of the calls still to be made; 0 for the embedded engine, none where no price is known."""
    price_as_of: str | None
    """Date of the prices used."""
    error_share: float | None
    """Half width of the 95 % interval of tokens, time and price, as a share of them; none before two were measured."""
    measured: int
    """Requests of this agent's ledger that the figures rest on; 0: on four characters a token alone."""
