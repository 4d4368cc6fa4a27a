"""What is shown of a kept conversation.

An old answer is shown again only if today's rules would still let the user's role reach what it came from; whose role
was narrowed since reads his question, and that the answer is no longer available.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allotment.access import Principal
from allotment.answering import Answer
from allotment.gateway.history._store import HistoryStore
from allotment.gateway.history._types import Kept
from allotment.gateway.pages._wire import source_data, text_blocks
from allotment.gateway.wording import Catalogue, say

GONE = say("This answer is no longer available to you.")
NOT_KEPT = say("This answer was made from a database; it is not kept. Ask again to see it.")
MayRead = Callable[[Principal, str, tuple[str, ...]], bool]
"""Whether a principal may still read what an agent answered from these documents."""


@dataclass(frozen=True)
class History:
    """The kept conversations, and what decides whether an old answer is shown again."""

    store: HistoryStore
    may_read: MayRead

    def keep(self, principal: Principal, conversation: UUID | None, question: str, answer: Answer) -> UUID:
        """Keep a question with its answer, in a new conversation where the user has none of that number.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        if conversation is not None and self.store.add(principal, conversation, question, answer):
            return conversation
        begun = self.store.begin(principal, question)
        self.store.add(principal, begun, question, answer)
        return begun


def shown(principal: Principal, kept: Kept, may_read: MayRead, words: Catalogue) -> dict[str, Any]:
    """A question and its answer, or why that is not there."""
    asked = {"asked_at": kept.asked_at.isoformat(), "question": kept.question}
    documents = tuple(source.document for source in kept.sources)
    if kept.agent is not None and not may_read(principal, kept.agent, documents):
        return asked | {"available": False, "answer": words.say(GONE)}
    if kept.answer is None:
        told = {"available": False, "answer": words.say(NOT_KEPT)}
        return asked | told | {"agent": kept.agent, "record": kept.record}
    sources = [source_data(one, kept.agent) for one in kept.sources]
    blocks = text_blocks(kept.answer, kept.outcome)
    whole = {"available": True, "answer": kept.answer, "blocks": blocks, "outcome": kept.outcome}
    return asked | whole | {"agent": kept.agent, "record": kept.record, "sources": sources}
