"""What the gateway needs of the answering chain; ``allotment.answering`` provides it, tests a stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from allotment.access import Principal
from allotment.answering import AgentInfo, AnswerOptions, DocumentText, Embedding, Event


class Chain(Protocol):
    """Guard → route → authorize → agent → output check, as one stream."""

    def stream(
        self,
        principal: Principal,
        question: str,
        *,
        agent: str | None = None,
        options: AnswerOptions | None = None,
        context: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> Iterator[Event]:
        """Steps and pieces of text, then exactly one ``Answer``; ``agent`` none lets the chain choose.

        ``context`` is what a program sent around the question: looked at like it, and read by no model. ``earlier``:
        the user's own earlier questions, for one that only makes sense after them.
        """
        ...

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        """Vectors of a program's own texts."""
        ...

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        """A document that one of the principal's agents learns; ``AccessDenied`` for any other, on record."""
        ...

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """The agents this principal is entitled to, and no others."""
        ...
