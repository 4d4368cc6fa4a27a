"""An experiment's table: its runs, what they teach, and what they cost together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allotment.experiments._compare import Choice, Effect, Group, choice_of, crashes_of, effects_of, groups_of
from allotment.experiments._journal import Journal
from allotment.experiments._plan import Plan
from allotment.experiments._rows import Row, rows_of
from allotment.experiments._state import FINAL


@dataclass(frozen=True)
class Totals:
    """Of all runs together. None is unknown."""

    runs: int
    done: int
    at_work: int
    waiting: int
    """Not begun, or between two attempts."""
    failed: int
    minutes_paid: float
    usd: float | None
    usd_failed: float | None
    """Of attempts that did not end well; a part of ``usd``."""
    usd_at_most: float | None
    """What is spent, and the most that attempts in flight may take."""
    max_cost_usd: float | None
    stopped: int
    """By halving."""
    minutes_saved: float
    """What the runs that halving stopped would have taken to their end, at their own rate."""
    usd_saved: float | None


@dataclass(frozen=True)
class Table:
    """An experiment as it stands."""

    name: str
    agent: str
    file: str
    file_sha256: str
    decide: str
    higher_is_better: bool
    executor: str
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    effects: tuple[Effect, ...]
    keep: Choice | None
    crashes: tuple[str, ...]
    totals: Totals

    @property
    def is_over(self) -> bool:
        """Whether every run is where it stays."""
        return all(row.state in FINAL for row in self.rows)

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings that differ from run to run."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.settings))


def table_of(plan: Plan, journal: Journal, home: Path, *, compared: bool = True) -> Table:
    """The table of an experiment whose plan and journal were read.

    Args:
        plan: the experiment.
        journal: what has happened.
        home: its folder.
        compared: whether settings are compared, which takes a moment.
    """
    rows = rows_of(plan, journal, home)
    groups = groups_of(rows, plan.decide)
    return Table(
        name=plan.name,
        agent=plan.agent,
        file=_named(Path(plan.path), home),
        file_sha256=plan.file_sha256,
        decide=plan.decide,
        higher_is_better=plan.is_better_when_higher,
        executor=plan.executor,
        rows=rows,
        groups=groups,
        effects=effects_of(rows, plan.decide) if compared else (),
        keep=choice_of(rows, groups, plan.decide, higher=plan.is_better_when_higher),
        crashes=crashes_of(rows),
        totals=_totals(plan, journal, rows),
    )


def _named(file: Path, home: Path) -> str:
    """The experiment's file as it is named within the project: what others read says nothing of this machine."""
    projects = home.parents[2:3]  # .allotment/experiments/NAME lies three folders below it
    return next((file.relative_to(root).as_posix() for root in projects if file.is_relative_to(root)), str(file))


def ranked(rows: Sequence[Row], decide: str, *, higher: bool) -> list[Row]:
    """Rows by what decides, the best first; those without it behind, in the order of the file."""

    def place(row: Row) -> tuple[bool, float, int]:
        value = row.value(decide)
        return value is None, (-value if higher else value) if value is not None else 0.0, row.number

    return sorted(rows, key=place)


def _totals(plan: Plan, journal: Journal, rows: Sequence[Row]) -> Totals:
    stopped = [row for row in rows if row.state == "stopped"]
    tried = [row for row in rows if row.attempts]
    priced = bool(tried) and all(row.usd is not None for row in tried)
    at_most = [one.usd_at_most for run in plan.runs for one in journal.of(run.id).attempts]
    saved = [_saved(row) for row in stopped]
    return Totals(
        runs=len(rows),
        done=sum(row.is_done for row in rows),
        at_work=sum(row.state == "running" for row in rows),
        waiting=sum(row.state in ("waiting", "paused") for row in rows),
        failed=sum(row.state in FINAL and row.state not in ("done", "stopped") for row in rows),
        minutes_paid=sum(row.minutes_paid for row in rows),
        usd=sum(row.usd or 0.0 for row in tried) if priced else None,
        usd_failed=sum(row.usd_failed or 0.0 for row in tried) if priced else None,
        usd_at_most=sum(one or 0.0 for one in at_most) if at_most and None not in at_most else None,
        max_cost_usd=plan.max_cost_usd,
        stopped=len(stopped),
        minutes_saved=sum(minutes for minutes, _ in saved),
        usd_saved=sum(usd or 0.0 for _, usd in saved) if priced and stopped else None,
    )


def _saved(row: Row) -> tuple[float, float | None]:
    """Minutes and dollars of the epochs that a stopped run did not do."""
    if not row.epochs:
        return 0.0, 0.0
    share = max(0.0, row.epochs_asked - row.epochs) / row.epochs
    return (row.minutes or 0.0) * share, None if row.usd is None else row.usd * share
