"""A question with what is known of its answer, and what came back by each means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QuestionSet = Literal["trained", "unseen", "unanswerable", "general"]
"""``trained``: held-out wordings of facts that were trained. ``unseen``: about documents that were not.
``unanswerable``: about what stands in no document. ``general``: what the base model may know by itself."""
Means = Literal["base", "adapter", "base+retrieval", "adapter+retrieval", "chain"]
"""``chain``: everything a user's question passes, for the decision to say that it is not known."""

FOUR: tuple[Means, ...] = ("base", "adapter", "base+retrieval", "adapter+retrieval")
SETS: dict[QuestionSet, str] = {
    "trained": "held-out questions on trained facts",
    "unseen": "questions of unseen documents",
    "unanswerable": "questions that have no answer",
    "general": "general knowledge",
}
NAMES: dict[Means, str] = {
    "base": "base model",
    "adapter": "adapter",
    "base+retrieval": "base model + retrieval",
    "adapter+retrieval": "adapter + retrieval",
    "chain": "the whole chain",
}


@dataclass(frozen=True)
class Question:
    """One question and what is known of its answer."""

    id: str
    set: QuestionSet
    fact: str
    """Wordings of one fact share it: they count as one when it is said how sure a share is."""
    text: str
    value: str
    """What a right answer holds; empty where there is none."""
    answer: str
    """The reference answer; empty where there is none."""
    language: str
    source: str
    """Where the question comes from, as a person reads it."""
    document: str = ""
    section_id: str = ""

    @property
    def has_answer(self) -> bool:
        """Whether there is a right answer to be compared with."""
        return bool(self.value)


@dataclass(frozen=True)
class Reply:
    """What came back for one question by one means."""

    text: str
    unknown: bool
    """Whether it says that it does not know: in the chain its decision, elsewhere the words."""
    outcome: str = "answered"
    """In the chain ``answered``, ``unknown`` or ``refused``."""


@dataclass(frozen=True)
class Answers:
    """All replies by one means."""

    means: Means
    replies: dict[str, Reply]
    """Question id → reply; one that failed has none."""
    failed: dict[str, str]
    """Question id → why nothing came back."""
    missing: str = ""
    """Why the means could not be used at all; empty where it could."""

    @property
    def is_known(self) -> bool:
        """Whether figures may rest on it: it was there, and at most one of ten questions failed."""
        return not self.missing and bool(self.replies) and 10 * len(self.failed) <= self.asked

    @property
    def asked(self) -> int:
        """Questions that were put, with those that failed."""
        return len(self.replies) + len(self.failed)

    @property
    def why_not(self) -> str:
        """Why no figure rests on it; empty where figures do."""
        if self.is_known:
            return ""
        if self.missing:
            return self.missing
        if not self.asked:
            return "there was no question to ask"
        reason = next(iter(self.failed.values()), "")
        return f"{len(self.failed)} of {self.asked} questions failed: {reason}"
