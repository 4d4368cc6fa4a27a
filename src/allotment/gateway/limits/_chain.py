"""``LimitedChain``: the chain behind the limits; whoever has it, page or API, cannot forget them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain as joined
from typing import Any

from allotment.access import Principal
from allotment.answering import AgentInfo, Answer, DocumentText, Embedding, Event, Step
from allotment.errors import RateLimited
from allotment.gateway._chain import Chain
from allotment.gateway._watched import Watched
from allotment.gateway.limits._limiter import Limiter, Taken
from allotment.gateway.operations._exchange import LIMITED, Exchange, current

CHARACTERS_PER_TOKEN = 4
"""What a text that is made a vector is charged by; embedding models do not say how many tokens they read."""


class LimitedChain:
    """Implements ``Chain``. A request over a limit is refused before ``stream`` returns, with nothing reached."""

    def __init__(self, chain: Chain, limiter: Limiter) -> None:
        self._chain = chain
        self._limiter = limiter

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """See ``Chain.agents_for``."""
        return self._chain.agents_for(principal)

    def stream(
        self, principal: Principal, question: str, *, agent: str | None = None, **options: Any
    ) -> Iterator[Event]:
        """See ``Chain.stream``; it waits for a place, and goes on to where the agent is chosen, before it returns.

        Raises:
            RateLimited: a limit is reached, or all places are taken and too many wait.
            DatabaseUnavailable: it could not be counted.
        """
        exchange = current()
        exchange.principal = principal
        try:
            return self._stream(exchange, principal, question, agent, options)
        except RateLimited:
            exchange.outcome = LIMITED
            raise

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        """See ``Chain.embed``; charged by the length of the texts.

        Raises:
            RateLimited: see ``stream``.
            DatabaseUnavailable: it could not be counted.
        """
        exchange = current()
        exchange.principal = principal
        # Named here, so that its own limit counts and whatever stands behind this decides about the same agent.
        agents = [info.name for info in self._chain.agents_for(principal)]
        agent = agent or next(iter(agents), None)
        reached = False
        try:
            taken = self._limiter.take(principal, agent if agent in agents else None)
            exchange.remaining = taken.remaining
            try:
                with self._place(principal):
                    found = self._chain.embed(principal, texts, agent=agent)
                reached = True
                return found
            finally:
                tokens = sum(map(len, texts)) // CHARACTERS_PER_TOKEN + 1 if reached else 0
                self._limiter.settle(taken, tokens, 0.0)
        except RateLimited:
            exchange.outcome = LIMITED
            raise

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        """See ``Chain.read_document``; it reaches no model and no database, and takes nothing from the limits."""
        return self._chain.read_document(principal, agent, document)

    @contextmanager
    def _place(self, principal: Principal) -> Iterator[None]:
        self._limiter.enter(principal)
        try:
            yield
        finally:
            self._limiter.places.leave(principal.user)

    def _stream(
        self, exchange: Exchange, principal: Principal, question: str, agent: str | None, options: dict[str, Any]
    ) -> Iterator[Event]:
        # A name that nobody is entitled to is refused further in; it must not make a row of its own here.
        known = agent if agent in {info.name for info in self._chain.agents_for(principal)} else None
        taken = self._limiter.take(principal, known)
        exchange.remaining = taken.remaining
        use = _Use(self._limiter, exchange, principal, taken, agent_taken=known is not None)
        try:
            self._limiter.enter(principal)
        except BaseException:
            use.give_back()
            raise
        use.entered = True
        try:
            events = Watched(self._chain.stream(principal, question, agent=agent, **options), use.see, use.end)
        except BaseException:
            use.end()
            raise
        return _begun(events)


def _begun(events: Watched) -> Iterator[Event]:
    """The events, after those up to the choice of the agent: what its limit refuses is refused here."""
    first: list[Event] = []
    for event in events:
        first.append(event)
        if not isinstance(event, Step) or event.name == "authorizing":
            break
    return Watched(joined(first, events), lambda event: None, events.close)


@dataclass
class _Use:
    """What one request holds, and what it took so far."""

    limiter: Limiter
    exchange: Exchange
    principal: Principal
    taken: Taken
    agent_taken: bool
    entered: bool = False
    reached: bool = False
    """Whether a model or database was reached."""
    answer: Answer | None = None

    def see(self, event: Event) -> None:
        if isinstance(event, Answer):
            self.answer = event
        elif isinstance(event, Step) and event.name == "authorizing" and event.agent and not self.agent_taken:
            self._take_agent(event.agent)
        elif isinstance(event, Step) and event.name == "answering":
            self.reached = True

    def _take_agent(self, agent: str) -> None:
        try:
            self.limiter.take_agent(self.principal, self.taken, agent)
        except RateLimited:
            self.exchange.outcome = LIMITED
            raise
        self.agent_taken = True

    def give_back(self) -> None:
        self.limiter.settle(self.taken, 0, 0.0)

    def end(self) -> None:
        """Charge and leave. An answer that was broken off is charged what was reserved: what it took is not known."""
        if self.entered:
            self.limiter.places.leave(self.principal.user)
        if self.answer is None and self.exchange.outcome != LIMITED:
            why = self.exchange.reason or "the client went away, or the chain broke"
            self.limiter.tell(self.principal, "stream-ended", {"agent": self.exchange.agent, "why": why})
        costs, answer = self.limiter.costs, self.answer
        tokens = answer.prompt_tokens + answer.completion_tokens if answer else 0
        if answer is not None and (tokens or answer.outcome == "failed"):
            self.limiter.settle(self.taken, tokens, costs.usd(answer))
        elif self.reached:
            self.limiter.settle(self.taken, costs.tokens, costs.most_usd)
        else:
            self.give_back()
