"""The self-check on a timer: accounts of which something is not as declared are closed until it is mended.

It fails closed: a check that cannot be done closes every account of its database, and when no check came to its end
for three intervals, all are closed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from allotment.errors import DatabaseUnavailable
from allotment.repeating import Repeating

LOG = logging.getLogger("allotment.databases")
STALE_CHECKS = 3
"""So many intervals after the last finished check nothing is answered any more."""
_REVIVE_EVERY_S = 5.0

Reasons = Mapping[str, Sequence[str]]
"""Account → why it is closed; accounts that are as declared are not in it."""


class Watch(Repeating):
    """Looks at the databases again and again, one look after the other. As a context manager it begins and ends."""

    def __init__(
        self,
        look: Callable[[], Reasons],
        every_s: float,
        *,
        revive: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``look`` checks everything; ``revive`` is called more often and starts a server that died."""
        self._look = look
        self._revive = revive
        self._every_s = every_s
        self._clock = clock
        self._reasons: Reasons = {}
        self._done_at = self._due = clock()
        super().__init__(self._once, min(every_s, _REVIVE_EVERY_S), name="database-check")

    def __enter__(self) -> Self:
        self.look()
        self._due = self._clock() + self._every_s
        return super().__enter__()

    def look(self) -> None:
        """Check now; tell the log what changed, with the statement that mends it."""
        reasons = self._look()
        for account, why in reasons.items():
            if why != self._reasons.get(account):
                LOG.warning("the account %s is closed: %s", account, "; ".join(why))
        for account in self._reasons.keys() - reasons.keys():
            LOG.warning("the account %s is open again", account)
        self._reasons = reasons
        self._done_at = self._clock()

    @property
    def age_s(self) -> float:
        """Seconds since the last self-check came to its end."""
        return self._clock() - self._done_at

    def problems(self) -> list[str]:
        """Why which accounts are closed, for those who run the gateway; empty when all are open."""
        if self._stale():
            return ["the databases' self-check does not come to its end; no account is used until it does"]
        return [f"{account}: {'; '.join(why)}" for account, why in sorted(self._reasons.items())]

    def require(self, account: str) -> None:
        """Let nothing through to an account that is closed.

        Raises:
            DatabaseUnavailable: the last check found something, or could not be done.
        """
        if self._stale() or account in self._reasons:
            raise DatabaseUnavailable(
                "the account is not as declared, or that could not be checked; nothing is answered from it.",
                element=account,
                remedy="Look with `allotment database check`, mend with `allotment database provision`.",
            )

    def _stale(self) -> bool:
        return self.age_s > STALE_CHECKS * self._every_s + _REVIVE_EVERY_S

    def _once(self) -> None:
        try:
            self._revive()
            if self._clock() >= self._due:
                self.look()
                self._due = self._clock() + self._every_s
        except Exception:
            # Whatever it was, the next try follows; until one succeeds the last finished check grows stale.
            LOG.exception("the databases' self-check failed")
