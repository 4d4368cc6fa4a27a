"""What an attempt left in its run's folder: how it ended, what it measured, what it answered."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allotment.experiments import _supervise
from allotment.experiments._executor import Job, Look
from allotment.experiments._journal import NEVER_BEGAN

IsRight = Callable[[str, str], bool]
"""Whether an answer holds a value."""
_KEPT = (
    "held_out_loss", "tokens", "tokens_per_second", "mfu", "peak_gib", "epochs", "steps", "seconds",
    "micro_batch_tokens", "precision", "trainable_parameters", "examples", "dropped", "paused", "asking_s",
)  # fmt: skip
"""Of what was measured: figures for the table. The rest stays in the run's folder."""


@dataclass(frozen=True)
class Ended:
    """How an attempt ended."""

    state: str
    """``ok``, a kind of crash, ``stopped``, or ``never-began``."""
    seconds: float
    """Paid for, by the clock of the machine it ran on."""
    error: str = ""
    remedy: str = ""
    outcome: dict[str, Any] = field(default_factory=dict)


def read_outcome(job: Job, look: Look, values: Mapping[str, str], is_right: IsRight) -> Ended:
    """How a job ended, whatever there is of it.

    A result that was cut short, or is another attempt's, is none. Seconds are those the machine counted itself: clocks
    of two machines are never compared.

    Args:
        job: the attempt.
        look: what its executor says.
        values: question → the value its answer must hold.
        is_right: counts answers.
    """
    result = _supervise.read_json(job.folder / _supervise.RESULT)
    seconds = max(_seconds(job, result), look.seconds or 0.0)
    state = result.get("state")
    if result.get("attempt") != job.attempt or state not in _supervise.EXIT_CODES:
        if not seconds and look.state == "absent" and not _began(job):
            return Ended(NEVER_BEGAN, 0.0, look.why)
        why = look.why or "its result was cut short"
        return Ended("infrastructure", seconds, f"{why}; the same run goes on from its last whole checkpoint")
    if state != "ok":
        element = f"{result['element']}: " if result.get("element") else ""
        return Ended(state, seconds, f"{element}{result.get('error', '')}", str(result.get("remedy", "")))
    measured = result["measured"]
    return Ended("ok", seconds, outcome={**_figures(measured), **_answered(job.folder, values, is_right)})


def _began(job: Job) -> bool:
    return _supervise.read_json(job.folder / _supervise.PROCESS).get("attempt") == job.attempt


def _seconds(job: Job, result: Mapping[str, Any]) -> float:
    beat = _supervise.read_json(job.folder / _supervise.HEARTBEAT)
    told = [one.get("seconds") for one in (result, beat) if one.get("attempt") == job.attempt]
    return max((float(one) for one in told if isinstance(one, int | float) and math.isfinite(one)), default=0.0)


def _figures(measured: Mapping[str, Any]) -> dict[str, Any]:
    return {"loss": measured.get("final_loss"), **{key: measured[key] for key in _KEPT if key in measured}}


def _answered(folder: Path, values: Mapping[str, str], is_right: IsRight) -> dict[str, Any]:
    """Questions answered right, and asked; nothing where none was asked."""
    try:
        lines = (folder / _supervise.WORK / "answers.jsonl").read_text(encoding="utf-8").splitlines()
        answers = {row["id"]: str(row["answer"]) for row in map(json.loads, lines)}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    asked = [(answer, values[key]) for key, answer in answers.items() if key in values]
    right = sum(is_right(answer, value) for answer, value in asked)
    return {"right": right, "asked": len(asked), "recall": right / len(asked)} if asked else {}
