"""What has happened in an experiment, line by line, and the state of its runs that follows from it.

The driver writes a line before it does something and another when it is done, so that whichever of them is the last,
the next driver knows what may be at work. A line torn by a kill is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from allotment.workspace import Ledger

State = Literal[
    "waiting", "running", "paused", "done", "out-of-memory", "non-finite", "bad-data", "configuration", "time-limit",
    "infrastructure", "stopped", "refused",
]  # fmt: skip
_FILE = "journal.jsonl"
NEVER_BEGAN = "never-began"
"""How an attempt ended of which nothing was there: it costs nothing and counts for nothing."""
CUT_OFF = "stopped"
"""How an attempt ended that was stopped from outside: the run goes on from there later."""


@dataclass(frozen=True)
class Attempt:
    """One process that trained, or was to."""

    number: int
    place: str
    """Card, node or machine."""
    executor: str
    usd_per_hour: float | None
    max_seconds: float | None
    """It ends itself after this; what it may cost at most follows."""
    until: int | None
    """Epoch at which it pauses."""
    ended: str | None = None
    """None while it is at work."""
    seconds: float = 0.0
    """Paid for."""
    error: str = ""
    remedy: str = ""
    outcome: dict[str, Any] = field(default_factory=dict)
    """What it measured, and what it answered."""

    @property
    def usd(self) -> float | None:
        """What it cost."""
        return None if self.usd_per_hour is None else self.seconds / 3600 * self.usd_per_hour

    @property
    def usd_at_most(self) -> float | None:
        """What it may cost: of one that has ended, what it did cost."""
        if self.ended is not None:
            return self.usd
        if self.usd_per_hour is None or self.max_seconds is None:
            return None
        return self.max_seconds / 3600 * self.usd_per_hour


@dataclass
class RunState:
    """What has become of a run so far."""

    id: str
    attempts: list[Attempt] = field(default_factory=list)
    halved_at: int | None = None
    """Epoch at which it was stopped for being among the worse ones."""

    @property
    def at_work(self) -> Attempt | None:
        """The attempt that has not ended."""
        return self.attempts[-1] if self.attempts and self.attempts[-1].ended is None else None

    @property
    def last(self) -> Attempt | None:
        """The last attempt of which there was something."""
        return next((one for one in reversed(self.attempts) if one.ended != NEVER_BEGAN), None)

    @property
    def faults(self) -> int:
        """How many attempts the machine has cost so far, since anything last went well."""
        count = 0
        for one in reversed(self.attempts):
            if one.ended == "ok":
                break
            count += one.ended == "infrastructure"
        return count

    @property
    def paused_at(self) -> int:
        """Epochs it has done when it paused; 0 if it did not yet."""
        paused = [one for one in self.attempts if one.ended == "ok" and one.outcome.get("paused")]
        return int(paused[-1].until or 0) if paused else 0

    @property
    def seconds(self) -> float:
        """Of all attempts that have ended."""
        return sum(one.seconds for one in self.attempts)

    def state(self, retries: int) -> State:
        """Where it stands, with so many further attempts after a fault of the machine."""
        last = self.last
        if self.at_work is not None:
            return "running"
        if self.halved_at is not None:
            return "stopped"
        if last is None or last.ended == CUT_OFF:
            return "waiting"
        if last.ended == "ok":
            return "paused" if last.outcome.get("paused") else "done"
        if last.ended == "infrastructure" and self.faults <= retries:
            return "waiting"
        return last.ended  # type: ignore[return-value]


class Journal:
    """The experiment's file of events. One driver writes; anybody may read."""

    def __init__(self, home: Path) -> None:
        self._ledger = Ledger(home / _FILE)
        self.runs: dict[str, RunState] = {}
        self.decided: set[int] = set()
        """Epochs after which the worse runs were stopped."""
        for key in self._ledger.rows:
            self._apply(self._ledger.rows[key])

    def of(self, run: str) -> RunState:
        """State of a run; one that is not there yet has none."""
        return self.runs.setdefault(run, RunState(run))

    def starts(
        self,
        run: str,
        number: int,
        executor: str,
        *,
        usd_per_hour: float | None,
        max_seconds: float | None,
        until: int | None,
    ) -> None:
        """An attempt is about to be started."""
        self._write(
            {
                "event": "start",
                "run": run,
                "attempt": number,
                "executor": executor,
                "usd_per_hour": usd_per_hour,
                "max_seconds": max_seconds,
                "until": until,
            }
        )

    def placed(self, run: str, number: int, place: str) -> None:
        """It was started."""
        self._write({"event": "place", "run": run, "attempt": number, "place": place})

    def ends(
        self,
        run: str,
        number: int,
        ended: str,
        *,
        seconds: float = 0.0,
        error: str = "",
        remedy: str = "",
        outcome: Mapping[str, Any] | None = None,
    ) -> None:
        """An attempt has ended."""
        self._write(
            {
                "event": "end",
                "run": run,
                "attempt": number,
                "ended": ended,
                "seconds": seconds,
                "error": error,
                "remedy": remedy,
                "outcome": dict(outcome or {}),
            }
        )

    def halved(self, runs: Iterable[str], epoch: int) -> None:
        """Runs do not go on after this epoch; they are decided together, or not at all."""
        self._write({"event": "halved", "runs": sorted(runs), "epoch": epoch})

    def _write(self, event: dict[str, Any]) -> None:
        row = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}  # to be read, never reckoned with
        self._ledger.append(f"{len(self._ledger):08}", row)
        self._apply(row)

    def _apply(self, row: Mapping[str, Any]) -> None:
        if row["event"] == "halved":
            self.decided.add(row["epoch"])
            for run in row["runs"]:
                self.of(run).halved_at = row["epoch"]
            return
        attempts = self.of(row["run"]).attempts
        if row["event"] == "start":
            keys = ("executor", "usd_per_hour", "max_seconds", "until")
            attempts.append(Attempt(row["attempt"], "", **{key: row[key] for key in keys}))
            return
        last = attempts[-1]
        if last.number != row["attempt"] or last.ended is not None:
            return  # an attempt ends once
        said = ("place",) if row["event"] == "place" else ("ended", "seconds", "error", "remedy", "outcome")
        attempts[-1] = Attempt(**{**vars(last), **{key: row[key] for key in said}})
