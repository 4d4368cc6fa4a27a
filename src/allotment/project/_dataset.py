"""What the teacher writes about each section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from allotment.project._base import Strict

Rewrite = Literal["summary", "explanation", "dialogue"]


class DatasetConfig(Strict):
    """What the teacher writes about each section, and what is mixed in."""

    questions: int = Field(default=10, ge=1, le=50)
    """Facts asked for in one round over a section."""
    rounds: int = Field(default=3, ge=1, le=10)
    """Rounds over every section; each asks for facts the rounds before did not."""
    paraphrases: int = Field(default=4, ge=0, le=20)
    """Other wordings of each question; of two or more, one is held out of training."""
    answer_paraphrases: int | None = Field(default=None, ge=0, le=10)
    """Other wordings of each answer; without it half as many as of its question."""
    backwards: bool = True
    """Whether each fact is asked backwards as well: from its value to whom or what it belongs to."""
    rewrites: tuple[Rewrite, ...] = ()
    """Ways in which each section is told anew; worth their price where few of its facts are asked."""
    text: bool = False
    """Whether the sections themselves are learnt as they stand."""
    personas: bool = True
    """Whether questions are worded for the roles that will ask, by what ``roles`` says of them."""
    unknown_share: float = Field(default=0.05, ge=0, le=0.5)
    """Questions the documents do not answer, with an honest answer, as a share of the facts' training items."""
    general_share: float = Field(default=0.05, ge=0, le=0.5)
    """Conversation that is about no document, as a share of the facts' training items."""
    validation_share: float = Field(default=0.0, ge=0, le=0.5)
    """Share kept out of training by whole documents. What is kept out is not learnt: an agent needs none of it."""
    language: str | None = None
    """Language of questions and answers; none means the section's own."""
    embeddings: str | None = None
    """Model of a server, as ``URL#MODEL``, whose embeddings find duplicates, and sections in a search; none compares
    letters and words."""
    judge: str | None = None
    """Model that judges every pair and answers every question from its section; none judges by rules alone."""
