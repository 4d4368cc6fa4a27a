"""The limits in force, as ``check`` and ``serve`` tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.project import LimitsConfig, Scope


@dataclass(frozen=True)
class LimitRow:
    """What one user, role or agent may take of the gateway; nothing is left out."""

    scope: str
    name: str
    """Empty: every one without a limit of its own."""
    requests_per_minute: int
    tokens_per_day: int
    concurrent: int
    usd_per_month: float


COLUMNS = ("limit of", "requests a minute", "tokens a day", "at once", "USD a month")


def limit_rows(limits: LimitsConfig) -> tuple[LimitRow, ...]:
    """The limits of every user, role and agent, then those that differ."""
    named: list[tuple[Scope, str]] = [("user", ""), ("role", ""), ("agent", "")]
    named += [("user", name) for name in sorted(limits.users)]
    named += [("role", name) for name in sorted(limits.roles)]
    named += [("agent", name) for name in sorted(limits.agents)]
    return tuple(LimitRow(scope, name, **limits.of(scope, name).model_dump()) for scope, name in named)


def limit_cells(row: LimitRow) -> tuple[str, ...]:
    """A row of the table."""
    whose = f"{row.scope} {row.name}" if row.name else f"every {row.scope}"
    amounts = (row.requests_per_minute, row.tokens_per_day, row.concurrent)
    return (whose, *(f"{amount:,}" for amount in amounts), f"{row.usd_per_month:,.2f}")
