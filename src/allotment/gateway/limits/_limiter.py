"""``Limiter``: takes for a request what it may need, says no in words, and charges what it really took."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import UUID

from allotment.access import Principal
from allotment.audit import EventKind
from allotment.errors import AccessDenied, DatabaseUnavailable, RateLimited
from allotment.gateway._recorder import Recorder
from allotment.gateway.limits._cost import Costs
from allotment.gateway.limits._places import Places
from allotment.gateway.limits._store import LimitStore, Refusal, Remaining, Subject, new_id
from allotment.project import LimitsConfig, Scope

LOG = logging.getLogger("allotment.gateway.limits")

LIVES_LONGER_S = 60.0
"""Seconds a reservation lives beyond the longest answer."""
_RECORD_EVERY_S = 60.0


@dataclass
class Taken:
    """What one request holds of the limits."""

    id: UUID
    subjects: list[Subject]
    remaining: Remaining | None = None


@dataclass
class Limiter:
    """The limits of one project. Thread-safe."""

    store: LimitStore
    places: Places
    limits: LimitsConfig
    costs: Costs
    record: Recorder
    clock: Callable[[], float] = time.monotonic
    _unsettled: deque[tuple[Taken, int, float]] = field(default_factory=lambda: deque(maxlen=10_000))
    _lock: Lock = field(default_factory=Lock)
    _queue_told_at: float = float("-inf")

    def take(self, principal: Principal, agent: str | None) -> Taken:
        """Take a request of the user and his role, and of the agent if it is known already.

        Raises:
            RateLimited: a limit is reached; nothing was taken.
            DatabaseUnavailable: it could not be counted, so it may not happen.
        """
        taken = Taken(new_id(), [])
        named = [("user", principal.user), ("role", principal.role)] + ([("agent", agent)] if agent else [])
        self._reserve(principal, taken, [self._subject(scope, name) for scope, name in named])  # type: ignore[arg-type]
        self._settle_left()
        return taken

    def take_agent(self, principal: Principal, taken: Taken, agent: str) -> None:
        """Take the request of the agent as well, now that it is chosen.

        Raises:
            RateLimited: its limit is reached; what was taken before still is.
            DatabaseUnavailable: see ``take``.
        """
        self._reserve(principal, taken, [self._subject("agent", agent)])

    def enter(self, principal: Principal) -> None:
        """Wait for a place; ``places.leave`` gives it back.

        Raises:
            RateLimited: none came free in time, or too many wait.
        """
        try:
            self.places.enter(principal.user)
        except RateLimited:
            with self._lock:
                tell = self.clock() - self._queue_told_at >= _RECORD_EVERY_S
                self._queue_told_at = self.clock() if tell else self._queue_told_at
            if tell:
                self.tell(
                    principal,
                    "limit-reached",
                    {"limit": "queue", "places": self.places.places, "queue": self.places.queue},
                )
            raise

    def settle(self, taken: Taken, tokens: int, usd: float) -> None:
        """Charge what was really taken; where the database does not answer, later."""
        self._unsettled.append((taken, tokens, usd))
        self._settle_left()

    @property
    def unsettled(self) -> int:
        """Answers that are charged when the database is there again."""
        return len(self._unsettled)

    def _settle_left(self) -> None:
        while self._unsettled:
            try:
                due = self._unsettled.popleft()
            except IndexError:  # another thread was faster
                return
            taken, tokens, usd = due
            try:
                self.store.settle(taken.id, taken.subjects, tokens, usd)
            except DatabaseUnavailable:
                self._unsettled.appendleft(due)
                LOG.warning("%d answers are charged when the database is there again", len(self._unsettled))
                return

    def _subject(self, scope: Scope, name: str) -> Subject:
        return Subject(scope, name, self.limits.of(scope, name))

    def _reserve(self, principal: Principal, taken: Taken, subjects: list[Subject]) -> None:
        lives_s = self.costs.answer_s + LIVES_LONGER_S
        found = self.store.reserve(taken.id, subjects, self.costs.tokens, self.costs.most_usd, lives_s)
        if isinstance(found, Refusal):
            if found.tell:
                scope, name = found.subject.scope, found.subject.name
                self.tell(principal, "limit-reached", {"limit": found.measure, scope: name, "most": _most(found)})
            raise RateLimited(_words(found), retry_after_s=found.wait_s)
        taken.subjects += subjects
        taken.remaining = found or taken.remaining

    def tell(self, principal: Principal, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Put on record what is refused or ended in any case, so also where it cannot be recorded."""
        try:
            self.record(principal, kind, detail)
        except AccessDenied:
            LOG.exception("%s could not be recorded", kind)


def _most(refusal: Refusal) -> float | int | None:
    limit = refusal.subject.limit
    return {
        "requests": limit.requests_per_minute,
        "tokens": limit.tokens_per_day,
        "concurrent": limit.concurrent,
        "usd": limit.usd_per_month,
    }[refusal.measure]


def _words(refusal: Refusal) -> str:
    whose = {"user": "you", "role": "your role", "agent": "this agent"}[refusal.subject.scope]
    most = _most(refusal)
    if refusal.measure == "requests":
        return f"The limit for {whose} is {most} requests a minute, and they are made."
    if refusal.measure == "tokens":
        return f"The limit for {whose} is {most} tokens a day, and they are used up."
    if refusal.measure == "usd":
        return f"The limit of money for {whose} is used up for this month."
    return f"The limit for {whose} is {most} requests at once, and they are running."
