"""``LimitStore``: what users, roles and agents took, counted in PostgreSQL; one statement takes, one gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from allotment.errors import DatabaseUnavailable
from allotment.gateway.storage._database import Database
from allotment.project import Limit, Scope

_RESERVE = (
    "SELECT gateway.limit_reserve(%s, %s::text[], %s::text[], %s::integer[], %s::bigint[], %s::integer[],"
    " %s::numeric[], %s, %s, %s, %s)"
)
_SETTLE = "SELECT gateway.limit_settle(%s, %s::text[], %s::text[], %s, %s, %s)"


@dataclass(frozen=True)
class Subject:
    """One user, role or agent, and how much it may take; nothing of ``limit`` is left out."""

    scope: Scope
    name: str
    limit: Limit


@dataclass(frozen=True)
class Refusal:
    """Whose limit is reached, which one, and when there is more."""

    subject: Subject
    measure: str
    """``requests``, ``tokens``, ``concurrent`` or ``usd``."""
    wait_s: int
    tell: bool
    """Whether it belongs on record: once a minute for each subject, in whichever process."""


@dataclass(frozen=True)
class Remaining:
    """What a user may still take, for the headers of a response."""

    requests: int
    tokens: int
    most_requests: int
    """Of a minute."""
    most_tokens: int
    """Of a day."""
    requests_s: int
    """Seconds until all requests may be made again."""
    tokens_s: int
    """Seconds until all tokens may be taken again."""


class LimitStore:
    """Takes and gives back, of all subjects of a request or of none. Raises ``DatabaseUnavailable`` where it cannot."""

    def __init__(self, database: Database, clock: Callable[[], datetime] | None = None) -> None:
        """``clock`` is the database's own if none: all processes then count by one clock."""
        self._database = database
        self._clock = clock

    def reserve(
        self, id: UUID, subjects: Sequence[Subject], tokens: int, usd: float, lives_s: float
    ) -> Refusal | Remaining | None:
        """Take one request, one place, ``tokens`` and ``usd`` of every subject, or nothing of any.

        Args:
            id: of the reservation; further subjects may be added to it later.
            subjects: at most one of a kind.
            tokens: most tokens the answer is expected to take.
            usd: what they cost at most.
            lives_s: seconds after which it is given back by itself, for its process died.

        Returns:
            What the user among the subjects has left (none if there is no user), or whose limit is reached.
        """
        limits = [subject.limit for subject in subjects]
        row = self._database.row(
            _RESERVE,
            (
                id,
                [subject.scope for subject in subjects],
                [subject.name for subject in subjects],
                [limit.requests_per_minute for limit in limits],
                [limit.tokens_per_day for limit in limits],
                [limit.concurrent for limit in limits],
                [Decimal(str(limit.usd_per_month)) for limit in limits],
                tokens,
                Decimal(str(usd)),
                timedelta(seconds=lives_s),
                self._now(),
            ),
        )
        if row is None:
            raise DatabaseUnavailable("the database did not count the request.", element="gateway.limits")
        told = row[0]
        if "left" not in told:
            subject = next(each for each in subjects if (each.scope, each.name) == (told["scope"], told["name"]))
            return Refusal(subject, told["measure"], int(told["wait_s"]), bool(told["tell"]))
        for left in told["left"]:
            if left["scope"] == "user":
                most = next(subject.limit for subject in subjects if subject.scope == "user")
                return Remaining(
                    left["requests"],
                    left["tokens"],
                    most.requests_per_minute or 0,
                    most.tokens_per_day or 0,
                    int(left["requests_s"]),
                    int(left["tokens_s"]),
                )
        return None

    def settle(self, id: UUID, subjects: Sequence[Subject], tokens: int, usd: float) -> None:
        """Give the reservation back and charge what was really taken."""
        scopes, names = [each.scope for each in subjects], [each.name for each in subjects]
        self._database.row(_SETTLE, (id, scopes, names, tokens, Decimal(str(usd)), self._now()))

    def sessions(self) -> int:
        """How many sessions there are that nobody ended."""
        row = self._database.row("SELECT count(*) FROM gateway.sessions")
        return int(row[0]) if row else 0

    def connections(self) -> dict[str, int]:
        """How many connections to the database there are, are free, and are waited for."""
        return self._database.connections()

    def _now(self) -> datetime | None:
        return self._clock() if self._clock else None


def new_id() -> UUID:
    """Of a reservation that was not made before."""
    return uuid4()
