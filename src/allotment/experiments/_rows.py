"""One row of an experiment's table for each run: its settings, where it stands, what it gave, took and cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allotment.experiments import _supervise
from allotment.experiments._journal import Journal, RunState, State
from allotment.experiments._plan import Plan, PlannedRun, run_folder
from allotment.experiments._state import state_of

_TAIL = 16_384
"""Bytes of a run's metrics that are read to know where it is."""


@dataclass(frozen=True)
class Row:
    """One run. None is unknown, or not yet known."""

    id: str
    """``EXPERIMENT/RUN``."""
    number: int
    settings: dict[str, Any]
    """Those that differ from run to run."""
    state: State
    place: str
    attempts: int
    epochs: float | None
    epochs_asked: int
    step: int | None
    loss: float | None
    """Of answer tokens, in nats: the last epoch's mean; of a run at work the last step's."""
    held_out_loss: float | None
    recall: float | None
    """Share of the questions answered right."""
    right: int | None
    asked: int | None
    tokens_per_second: float | None
    peak_gib: float | None
    minutes: float | None
    """Of training, by every process that had a part in it."""
    minutes_paid: float
    """Of all attempts, loading and asking included."""
    usd: float | None
    """Of all attempts."""
    usd_failed: float | None
    """Of attempts that did not end well; a part of ``usd``. What they saved in checkpoints was not lost."""
    left_s: float | None
    """Seconds until its last epoch ends, at its own rate."""
    predicted_gib: float | None
    predicted_minutes: float | None
    predicted_usd: float | None
    stopped_at: int | None
    """Epoch at which it was stopped for being among the worse ones."""
    error: str
    remedy: str
    note: str

    def value(self, decide: str) -> float | None:
        """What decides."""
        found: float | None = self.minutes if decide == "minutes" else getattr(self, decide)
        return found

    @property
    def is_done(self) -> bool:
        """Whether it was trained to its end."""
        return self.state == "done"


def rows_of(plan: Plan, journal: Journal, home: Path) -> tuple[Row, ...]:
    """All runs of a plan, in the order of the file."""
    return tuple(_row(plan, run, journal, home) for run in plan.runs)


def _row(plan: Plan, run: PlannedRun, journal: Journal, home: Path) -> Row:
    state, stands = journal.of(run.id), state_of(plan, journal, run)
    figures = _figures(run_folder(home, run.id), state, stands)
    last, now = state.last, state.at_work
    running_s = figures.get("beat_s", 0.0) if now is not None else 0.0
    paid = state.seconds + running_s
    asked = int(run.training["epochs"])
    return Row(
        id=f"{plan.name}/{run.id}",
        number=run.number,
        settings=run.varied,
        state=stands,
        place=last.place if last else "",
        attempts=sum(one.ended != "never-began" for one in state.attempts),
        epochs=figures.get("epochs"),
        epochs_asked=asked,
        step=figures.get("steps"),
        loss=figures.get("loss"),
        held_out_loss=figures.get("held_out_loss"),
        recall=figures.get("recall"),
        right=figures.get("right"),
        asked=figures.get("asked"),
        tokens_per_second=figures.get("tokens_per_second"),
        peak_gib=figures.get("peak_gib"),
        minutes=_minutes(figures.get("seconds")),
        minutes_paid=paid / 60,
        usd=_usd(state, running_s),
        usd_failed=_usd_failed(state),
        left_s=_left_s(figures, asked) if now is not None else None,
        predicted_gib=run.peak_gib,
        predicted_minutes=run.minutes,
        predicted_usd=run.usd,
        stopped_at=state.halved_at,
        error=run.refused if stands == "refused" else (last.error if last and stands != "done" else ""),
        remedy=last.remedy if last and stands != "done" else "",
        note=run.note,
    )


def _figures(folder: Path, state: RunState, stands: State) -> dict[str, Any]:
    """What the last good attempt measured; of a run at work, or one that broke off, what it wrote last as well."""
    good = [one.outcome for one in state.attempts if one.ended == "ok"]
    known = dict(good[-1]) if good else {}
    if stands in ("done", "paused", "stopped", "refused") or not state.attempts:
        return known
    return {**known, **_written(folder / _supervise.WORK / "metrics.jsonl"), **_beat(folder, state)}


def _beat(folder: Path, state: RunState) -> dict[str, Any]:
    beat, now = _supervise.read_json(folder / _supervise.HEARTBEAT), state.at_work
    is_its_own = now is not None and beat.get("attempt") == now.number
    return {"beat_s": float(beat["seconds"])} if is_its_own else {}


def _written(file: Path) -> dict[str, Any]:
    """The last step and the last evaluation on record, without reading all of it."""
    try:
        with file.open("rb") as lines:
            lines.seek(max(0, file.stat().st_size - _TAIL))
            tail = lines.read().splitlines()
    except OSError:
        return {}
    found: dict[str, Any] = {}
    for line in tail:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if "held_out_loss" in row:
            found["held_out_loss"] = row["held_out_loss"]
        elif "loss" in row:
            keys = ("loss", "tokens_per_second", "peak_gib", "seconds")
            found |= {key: row[key] for key in keys} | {"steps": row["step"], "epochs": row["epoch"]}
    return found


def _left_s(figures: Mapping[str, Any], asked: int) -> float | None:
    epochs, seconds = figures.get("epochs"), figures.get("seconds")
    return seconds / epochs * max(0.0, asked - epochs) if epochs and seconds else None


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60


def _usd(state: RunState, running_s: float) -> float | None:
    """None where nothing was started, or a price is not known."""
    if not state.attempts or any(one.usd_per_hour is None for one in state.attempts):
        return None
    now = state.at_work
    running = running_s / 3600 * (now.usd_per_hour or 0.0) if now is not None else 0.0
    return sum(one.usd or 0.0 for one in state.attempts) + running


def _usd_failed(state: RunState) -> float | None:
    if not state.attempts or any(one.usd_per_hour is None for one in state.attempts):
        return None
    return sum(one.usd or 0.0 for one in state.attempts if one.ended not in ("ok", None))
