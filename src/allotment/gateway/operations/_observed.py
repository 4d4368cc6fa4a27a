"""``ObservedChain``: the chain with its figures, spans and line in the log; it sees no words of anybody."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from allotment.access import Principal
from allotment.answering import AgentInfo, Answer, DocumentText, Embedding, Event, Step
from allotment.gateway._chain import Chain
from allotment.gateway._watched import Watched
from allotment.gateway.operations._exchange import LIMITED, Exchange, current
from allotment.gateway.operations._metrics import Metrics
from allotment.gateway.operations._tracing import Tracing


class ObservedChain:
    """Implements ``Chain``."""

    def __init__(self, chain: Chain, metrics: Metrics, tracing: Tracing) -> None:
        self._chain = chain
        self._metrics = metrics
        self._tracing = tracing

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """See ``Chain.agents_for``."""
        return self._chain.agents_for(principal)

    def stream(
        self, principal: Principal, question: str, *, agent: str | None = None, **options: Any
    ) -> Iterator[Event]:
        """See ``Chain.stream``."""
        exchange = current()
        known = frozenset(info.name for info in self._chain.agents_for(principal))
        exchange.agent = agent if agent in known else None
        seen = _Seen(exchange, self._metrics, self._tracing, known)
        return Watched(self._chain.stream(principal, question, agent=agent, **options), seen.see, seen.end)

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        """See ``Chain.embed``."""
        known = frozenset(info.name for info in self._chain.agents_for(principal))
        current().agent = agent if agent in known else None
        return self._chain.embed(principal, texts, agent=agent)

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        """See ``Chain.read_document``."""
        current().agent = agent if agent in {info.name for info in self._chain.agents_for(principal)} else None
        found = self._chain.read_document(principal, agent, document)
        current().decision = found.record
        return found


@dataclass
class _Seen:
    exchange: Exchange
    metrics: Metrics
    tracing: Tracing
    known: frozenset[str]
    steps: list[tuple[str, float, float]] = field(default_factory=list)
    answer: Answer | None = None
    _step: tuple[str, float] | None = None

    def see(self, event: Event) -> None:
        if isinstance(event, Step):
            self._next(event.name)
            self.exchange.agent = event.agent or self.exchange.agent
        elif isinstance(event, Answer):
            self._next(None)
            self.answer = event
            self.exchange.outcome, self.exchange.decision = event.outcome, event.record
            self.exchange.agent = event.agent or self.exchange.agent

    def _next(self, name: str | None) -> None:
        now = time.time()
        if self._step is not None:
            self.steps.append((*self._step, now))
            self.metrics.step(self._step[0], now - self._step[1])
        self._step = (name, now) if name is not None else None

    def end(self) -> None:
        self._next(None)
        agent = self.exchange.agent if self.exchange.agent in self.known else None
        answer = self.answer
        if answer is None and self.exchange.outcome != LIMITED:
            self.exchange.outcome = "broken off"
            self.metrics.broken_off()
        elif answer is not None:
            self.metrics.answer(agent, answer.outcome, answer.prompt_tokens, answer.completion_tokens)
        attributes: dict[str, str | int] = {
            "allotment.request": self.exchange.id,
            "allotment.outcome": self.exchange.outcome or "",
            "allotment.agent": agent or "",
        }
        if self.exchange.decision is not None:
            attributes["allotment.decision"] = self.exchange.decision
        self.tracing.answer(self.steps, attributes)
