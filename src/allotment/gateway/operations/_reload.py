"""A new ``allotment.yaml`` put in force while requests run: what it forbids stops first, what it adds comes last.

1. *Narrowed*: the new file was read and checked. From here on a request needs a yes of both policies, and running
   answers the new one does not allow are ended; not another byte of them leaves.
2. *Opened*: accounts and row policies are made as the new file says, and checked.
3. *Switched*: new requests meet the new application, in one assignment. The old one is closed when its last request
   ended.

A file that fails at any step leaves the old application in force, with the accounts it had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from allotment.access import Policy, Principal, Request, decide
from allotment.answering import AgentInfo, DocumentText, Embedding, Event, Step
from allotment.errors import PolicyError
from allotment.gateway._chain import Chain
from allotment.gateway._watched import Watched
from allotment.gateway.limits._limiter import Limiter
from allotment.gateway.operations._exchange import current
from allotment.gateway.operations._running import Running

CHANGED = "What you may ask was changed while this was answered. Please load the page again and ask anew."

Allows = Callable[[Principal, str | None], bool]
"""Whether a policy lets this principal ask this agent; none asks for any agent at all."""


def allows(policy: Policy, same: Callable[[str], bool]) -> Allows:
    """What a policy still allows of another's answers.

    Args:
        policy: the new one.
        same: whether what an agent is made of, its account's rows and its documents, is what it was.
    """

    def allowed(principal: Principal, agent: str | None) -> bool:
        if agent is None:
            return bool(policy.entitled(principal.role)) and policy.agrees_with(principal)
        rule = policy.agents.get(agent)
        if rule is None or not same(agent):
            return False
        request = Request(agent, account=rule.account, search=True)
        return decide(policy, policy.known(principal), request).outcome == "allow"

    return allowed


@dataclass
class Gate:
    """What an application's answers need besides its own policy; nothing at first."""

    also: Allows | None = None

    def require(self, principal: Principal, agent: str | None) -> None:
        """Refuse what the policy that comes does not allow.

        Raises:
            PolicyError: it does not.
        """
        if self.also is not None and not self.also(principal, agent):
            raise PolicyError(CHANGED)

    def narrow(self, also: Allows, running: Running) -> int:
        """From here on ``also`` is needed; what runs without it is ended. Returns how many answers were."""
        # In this order: an answer that begins meanwhile meets the gate, or is seen among those that run.
        self.also = also
        ended = 0
        for exchange in running.answering():
            if exchange.principal is not None and not also(exchange.principal, exchange.agent):
                exchange.end(CHANGED)
                ended += 1
        return ended

    def widen(self) -> None:
        """The policy that was to come does not: the application's own is enough again."""
        self.also = None


class GatedChain:
    """Implements ``Chain``: the gate is asked at the beginning of an answer, and when its agent is chosen."""

    def __init__(self, chain: Chain, gate: Gate) -> None:
        self._chain = chain
        self._gate = gate

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """The agents both policies allow."""
        also = self._gate.also
        infos = self._chain.agents_for(principal)
        return infos if also is None else tuple(info for info in infos if also(principal, info.name))

    def stream(
        self, principal: Principal, question: str, *, agent: str | None = None, **options: Any
    ) -> Iterator[Event]:
        """See ``Chain.stream``."""
        exchange = current()
        exchange.principal = principal

        def see(event: Event) -> None:
            if isinstance(event, Step) and event.agent is not None:
                exchange.agent = event.agent
                self._gate.require(principal, event.agent)

        self._gate.require(principal, agent)
        return Watched(self._chain.stream(principal, question, agent=agent, **options), see, lambda: None)

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        """See ``Chain.embed``."""
        exchange = current()
        exchange.principal, exchange.agent = principal, agent
        self._gate.require(principal, agent)
        return self._chain.embed(principal, texts, agent=agent)

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        """See ``Chain.read_document``."""
        exchange = current()
        exchange.principal, exchange.agent = principal, agent
        self._gate.require(principal, agent)
        return self._chain.read_document(principal, agent, document)


@dataclass(eq=False)
class Serving:
    """One application in force, the gate in front of its chain, and how it is closed."""

    app: FastAPI
    gate: Gate
    limiter: Limiter
    close: Callable[[], None]
    requests: int = 0
    lifespan: AbstractAsyncContextManager[Any] | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Switch:
    """The ASGI application that is served: each request goes to the one that is in force when it comes."""

    def __init__(self, first: Serving) -> None:
        self.serving = first
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        mine = self.serving
        mine.requests += 1
        mine.idle.clear()
        try:
            await mine.app(scope, receive, send)
        finally:
            mine.requests -= 1
            if mine.requests == 0:
                mine.idle.set()

    def note_unreadable(self, address: str | None, why: str) -> None:
        """Put on record that somebody sent what is no request."""
        self.serving.app.state.note_unreadable(address, why)

    def replace(self, new: Serving) -> None:
        """Put ``new`` in force, from another thread; the old one is closed when its last request ended."""
        if self._loop is None:
            raise RuntimeError("nothing is served yet")
        asyncio.run_coroutine_threadsafe(self._replace(new), self._loop).result()

    async def _replace(self, new: Serving) -> None:
        await _enter(new)
        old, self.serving = self.serving, new
        task = asyncio.create_task(_close(old))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()
        await _enter(self.serving)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _close(self.serving)
        for task in tuple(self._closing):
            await task
        await send({"type": "lifespan.shutdown.complete"})


async def _enter(serving: Serving) -> None:
    serving.idle.set()
    serving.lifespan = serving.app.router.lifespan_context(serving.app)
    await serving.lifespan.__aenter__()


async def _close(serving: Serving) -> None:
    await serving.idle.wait()
    if serving.lifespan is not None:
        await serving.lifespan.__aexit__(None, None, None)
    await asyncio.get_running_loop().run_in_executor(None, serving.close)
