"""A labelled item, and what a person decided about a mark."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Verdict = Literal["useful", "wrong_answer", "wrongly_refused", "wrong_agent"]
"""What a user says of an answer of his own."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Use = Literal["guards", "routing", "dataset"]
"""Who learns from an item: the question classifier, the router, or people who review an agent's dataset."""
USES: tuple[Use, ...] = get_args(Use)
Label = Literal["allow", "injection", "impersonation"]
"""What a question is to the guards: harmless, or one of the attacks that are refused."""
LABELS: tuple[Label, ...] = get_args(Label)
Means = Literal["adapter", "account"]
MOST_CHARACTERS = 8_000
"""Of an item's text: as many as the audit record keeps of a question."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LabelledItem(_Kept):
    """A question with the label a person gave it. It is made from one mark, and from nothing else."""

    use: Use
    text: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    """The question as it was asked, or the words the person put in its place."""
    role: str = Field(min_length=1)
    """The role it was asked with."""
    readers: tuple[str, ...] = Field(min_length=1)
    """Roles that may read the text, and so may get anything that was learnt from it."""
    agent: str | None = None
    """Whose question it is (routing), or whose answer was wrong (dataset)."""
    means: Means | None = None
    """By what the agent is to answer it (routing)."""
    label: Label | None = None
    """What it is to the guards."""
    verdict: Verdict
    note: str = ""
    """What the user wrote beside his mark."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.text.strip():
            raise ValueError("the text is empty")
        if self.role not in self.readers or list(self.readers) != sorted(set(self.readers)):
            raise ValueError("readers are sorted, and the role that asked is one of them")
        needed = {"guards": (self.label,), "routing": (self.agent, self.means), "dataset": (self.agent,)}[self.use]
        if None in needed:
            raise ValueError(f"an item for {self.use} lacks its label")
        return self


class Decided(_Kept):
    """What a person decided about the mark on one decision of the record."""

    decision: int = Field(ge=1)
    """Number of the audit record that the user marked."""
    mark: str
    """Which mark it was: a user who marks again makes another one."""
    outcome: Literal["approve", "reject"]
    by: str = Field(min_length=1)
    """Who decided."""
    at: datetime = Field(strict=False)
    record: int = Field(ge=1)
    """Number of the audit record of this decision."""
    reason: str = ""
    item: LabelledItem | None = None
    """What was approved; none of a rejected mark."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.item is not None) != (self.outcome == "approve"):
            raise ValueError("an approved mark has an item, and no other has")
        return self
