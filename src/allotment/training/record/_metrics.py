"""The metrics of a run: one JSON object a line, written while it trains, and what can be told from them.

A run that was killed goes on from its last checkpoint and writes some steps anew. What was written about them before
is void, also where the resumed run ended earlier.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from allotment.errors import IntegrityError

METRICS_FILE = "metrics.jsonl"

EventKind = Literal["spike", "out-of-memory", "early-stop", "target-loss", "resumed", "probe"]

_STRICT = ConfigDict(extra="forbid", strict=True)
_OPENING = b'{"step": '
_RECENT = 50
"""Steps a rate is taken from: a run may become slower, after an out-of-memory for one."""
_Count = Annotated[int, Field(ge=0, le=10**15)]


@dataclass(frozen=True, config=_STRICT)
class StepRow:
    """One step of the optimizer."""

    step: _Count
    epoch: float
    loss: float
    """Mean of the step's answer tokens, in nats a token."""
    grad_norm: float | None
    """None where it was not finite and the step was left out."""
    learning_rate: float
    tokens: _Count
    """Prompt and answer, since the run began."""
    answer_tokens: _Count
    seconds: float
    """Of training alone, since the run began."""
    tokens_per_second: float | None
    mfu: float | None
    """Share of the device's peak rate; none where the peak is not known."""
    peak_gib: float
    passes: _Count
    """Forward passes the step took."""


@dataclass(frozen=True, config=_STRICT)
class EvaluationRow:
    """The loss on documents that are not trained on."""

    step: _Count
    epoch: float
    held_out_loss: float


@dataclass(frozen=True, config=_STRICT)
class EventRow:
    """Something that happened to the run."""

    step: _Count
    event: EventKind
    detail: str


@dataclass(frozen=True)
class Metrics:
    """What a run wrote, each step once, in order."""

    steps: tuple[StepRow, ...] = ()
    evaluations: tuple[EvaluationRow, ...] = ()
    events: tuple[EventRow, ...] = ()

    def at(self, kind: EventKind) -> tuple[int, ...]:
        """Steps at which something happened."""
        return tuple(event.step for event in self.events if event.event == kind)

    def seconds_left(self, steps: int) -> float | None:
        """Time until step ``steps`` at the rate of the last ones; none before the first step.

        Args:
            steps: number of the run's last step.
        """
        if not self.steps:
            return None
        last, earlier = self.steps[-1], self.steps[-_RECENT:][0]
        begun, spent = (earlier.step, earlier.seconds) if earlier is not last else (0, 0.0)
        rate = (last.seconds - spent) / max(1, last.step - begun)
        return max(0.0, rate * (steps - last.step))


_SHAPES: Mapping[str, Callable[..., Any]] = {"event": EventRow, "held_out_loss": EvaluationRow, "loss": StepRow}


def read_metrics(file: Path) -> Metrics:
    """The metrics in a file. What a kill left of a line is passed over, at the file's end and before the next row.

    Raises:
        IntegrityError: a line is not one that a training writes: not JSON, of no known shape, with an unknown key.
    """
    steps: list[StepRow] = []
    evaluations: list[EvaluationRow] = []
    events: list[EventRow] = []
    for row in _rows(file):
        if isinstance(row, EvaluationRow):
            _keep_up_to(row.step - 1, evaluations)
            evaluations.append(row)
        elif isinstance(row, StepRow):
            _keep_up_to(row.step - 1, steps)
            _keep_up_to(row.step, evaluations)
            steps.append(row)
        else:
            events.append(row)
            if row.event == "resumed":
                _keep_up_to(row.step, steps)
                _keep_up_to(row.step, evaluations)
    return Metrics(tuple(steps), tuple(evaluations), tuple(events))


def running_mean(values: Sequence[float], width: int, places: Iterable[int] | None = None) -> list[float]:
    """Mean of the ``width`` values around each place, of as many as there are at the ends.

    A mean of the values around a place lies on the curve; one of the values before it lags behind a falling loss. What
    is not finite is left out; a place without a finite value around it has none (NaN).

    Args:
        places: positions in ``values``; without them every one.
    """
    before, after = width // 2, width - width // 2
    wanted = range(len(values)) if places is None else places
    return [_mean(values[max(0, place - before) : place + after]) for place in wanted]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(value / len(finite) for value in finite) if finite else math.nan


def _keep_up_to(step: int, rows: list[Any]) -> None:
    """Drop what was written about later steps."""
    while rows and rows[-1].step > step:
        rows.pop()


def _rows(file: Path) -> Iterator[StepRow | EvaluationRow | EventRow]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            yield _row(line, file, number)


def _row(line: bytes, file: Path, number: int) -> Any:
    try:
        found = _object(line)
        shape = next(_SHAPES[key] for key in _SHAPES if key in found)
        return shape(**found)
    except (ValueError, TypeError, StopIteration, RecursionError):
        raise IntegrityError(
            "is not a line that a training writes.",
            element=f"{file}:{number}",
            remedy="Train again: the record of this run is broken.",
        ) from None


def _object(line: bytes) -> dict[str, Any]:
    """The row in a line, or the one behind a torn row that a resumed run wrote on from."""
    try:
        found = json.loads(line)
    except ValueError:
        found = json.loads(line[max(0, line.rfind(_OPENING)) :])
    return dict(found)
