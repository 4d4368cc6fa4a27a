"""The server the page tests look at, with everything behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway_standin import Recorded, StandInChain

from allotment.gateway import HistoryStore, UserStore


@dataclass
class Site:
    """The server, and everything behind it that a test may look at or change."""

    address: str
    chain: StandInChain
    recorded: Recorded
    store: UserStore
    history: HistoryStore
    narrowed: set[str] = field(default_factory=set)
    """Users who may no longer read what they were once answered."""

    def session(self, user: str) -> str:
        """The token of a new session."""
        return self.store.start_session(user, "127.0.0.1", "Chrome, Linux")
