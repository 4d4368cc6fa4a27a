"""The server the page tests look at, with everything behind it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway_standin import Recorded, StandInChain

from allotment.audit import AuditRecord
from allotment.gateway import HistoryStore, UserStore
from allotment.gateway.feedback import MarkStore


@dataclass
class Site:
    """The server, and everything behind it that a test may look at or change."""

    address: str
    chain: StandInChain
    recorded: Recorded
    store: UserStore
    history: HistoryStore
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
