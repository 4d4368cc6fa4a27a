"""The server the page tests look at, with everything behind it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from gateway_standin import Recorded, StandInChain

from allotment.access import Principal
from allotment.answering import Answer
from allotment.audit import AuditRecord
from allotment.errors import DatabaseUnavailable
from allotment.gateway import HistoryStore, UserStore
from allotment.gateway.feedback import MarkStore
from allotment.project import HistoryConfig


class HoldableHistory(HistoryStore):
    """A history that can be made to wait before it keeps an answer, as a busy database does."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, HistoryConfig())
        self._may_keep = threading.Event()
        self._may_keep.set()
        self._waits = threading.Event()
        self._is_lost = False

    @contextmanager
    def held(self, *, lost: bool = False) -> Iterator[threading.Event]:
        """Nothing is kept within the block; what was to be is kept after it, or lost with the database.

        Yields:
            set once an answer waits to be kept.
        """
        self._waits.clear()
        self._may_keep.clear()
        self._is_lost = lost
        try:
            yield self._waits
        finally:
            self._is_lost = False
            self._may_keep.set()

    def add(self, principal: Principal, conversation: UUID, question: str, answer: Answer) -> bool:
        """Keep a question with its answer, once that may be."""
        is_lost = self._is_lost
        self._waits.set()
        self._may_keep.wait()
        if is_lost:
            raise DatabaseUnavailable("the database went away.", element="gateway", remedy="Start it.")
        return super().add(principal, conversation, question, answer)


@dataclass
class Site:
    """The server, and everything behind it that a test may look at or change."""

    address: str
    chain: StandInChain
    recorded: Recorded
    store: UserStore
    history: HoldableHistory
    marks: MarkStore
    decisions: dict[int, dict[str, object]] = field(default_factory=dict)
    """What the record says of the decisions answers name."""
    narrowed: set[str] = field(default_factory=set)
    """Users who may no longer read what they were once answered."""

    def find(self, sequences: Collection[int], /) -> dict[int, AuditRecord]:
        """Those of ``decisions`` with these numbers."""
        known = {number: self.decisions[number] for number in sequences if number in self.decisions}
        return {number: AuditRecord(number, datetime.now(UTC), dict(event), "") for number, event in known.items()}

    def session(self, user: str) -> str:
        """The token of a new session."""
        return self.store.start_session(user, "127.0.0.1", "Chrome, Linux")
