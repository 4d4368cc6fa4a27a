"""What bounds every query of a process, whichever database it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from allotment.databases._budget import Budget
from allotment.databases._turns import Turns
from allotment.project import DatabaseLimits


@dataclass(frozen=True)
class Bounds:
    """The declared limits, the places for connections, and what each user took of the minute."""

    limits: DatabaseLimits
    turns: Turns
    budget: Budget

    @classmethod
    def of(cls, limits: DatabaseLimits) -> Self:
        """Bounds of which nothing is taken yet."""
        turns = Turns(limits.connections, limits.connections_per_account, limits.wait_s)
        return cls(limits, turns, Budget(limits.database_s_per_minute))
