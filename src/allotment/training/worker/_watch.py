"""The watch over a training: every step on record, faults loud, and an end when enough is learnt."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from allotment.errors import TrainingError
from allotment.training._device import Device, peak_gib
from allotment.training._ranks import agreed

_WINDOW = 50
"""Steps a step is compared with."""
_ENOUGH = 10
"""Steps before anything is called a spike."""
_SCALER_GRACE = 12
"""Steps in a row whose gradients may overflow in fp16 while the loss scale is still being found (2**12 of room)."""
SPIKE = 10.0
"""Times the median."""


class Meter:
    """What was trained so far, by this process and those before it."""

    def __init__(self, out: Path, *, began: float, writes: bool) -> None:
        """``began``: the monotonic time at which this process began."""
        self._file = out / "metrics.jsonl"
        self._writes = writes
        self._began = began
        self._before = max((row["seconds"] for row in read_rows(self._file) if "seconds" in row), default=0.0)
        self.tokens = 0
        self.answer_tokens = 0
        self.here = (0, 0.0)
        """Tokens of this process, and the seconds of its steps alone."""
        self.passes = 0
        """Forward passes of the step at hand."""

    def resume(self, step: int) -> None:
        """Go on from the figures of a step that a checkpoint holds."""
        rows = [row for row in read_rows(self._file) if row.get("step") == step and "tokens" in row]
        if rows:
            last = rows[-1]
            self.tokens, self.answer_tokens = last["tokens"], last["answer_tokens"]

    def add(self, tokens: int, answer_tokens: int, passes: int) -> None:
        """Count a step's work."""
        self.tokens += tokens
        self.answer_tokens += answer_tokens
        self.here = (self.here[0] + tokens, self.here[1])
        self.passes = passes

    def took(self, seconds: float) -> None:
        """Count a step's time."""
        self.here = (self.here[0], self.here[1] + seconds)

    @property
    def seconds(self) -> float:
        """What was paid for so far: loading, steps, evaluations and saves of this process and those before it."""
        return self._before + time.monotonic() - self._began

    @property
    def rate(self) -> float | None:
        """Tokens a second of this process."""
        tokens, seconds = self.here
        return tokens / seconds if tokens and seconds else None

    def write(self, **row: Any) -> None:
        """Append a row to ``metrics.jsonl``."""
        if self._writes:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Rows of a run's ``metrics.jsonl``; a line torn by a kill is passed over."""
    if not file.exists():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def epoch_loss(state: TrainerState) -> float:
    """Mean loss of the last epoch's steps, in nats a token; infinite before the first step."""
    logged = [entry for entry in state.log_history if "loss" in entry]
    if not logged:
        return math.inf
    last = [float(entry["loss"]) for entry in logged if math.ceil(entry["epoch"]) == math.ceil(logged[-1]["epoch"])]
    return sum(last) / len(last)


class Finite:
    """Stops a run whose gradients are no numbers, before they reach the weights: a finite loss proves nothing.

    In fp16 gradients may overflow for some steps, until their scale is found. A loss that is no number has no scale to
    find: the model's own activations are beyond the precision, and a step of it can take minutes.
    """

    def __init__(self, precision: str) -> None:
        self._grace = _SCALER_GRACE if precision == "fp16" else 0
        self._in_a_row = 0

    def see(self, norm: float, loss: float, step: int) -> None:
        """Look at a step's gradient norm and at its loss."""
        self._in_a_row = 0 if math.isfinite(norm) else self._in_a_row + 1
        hopeless = self._in_a_row > 0 and not math.isfinite(loss)
        if hopeless or self._in_a_row > self._grace:
            told = f"the loss became {loss}" if hopeless else f"grad_norm became {norm}"
            raise TrainingError(
                f"{told} at step {step}.",
                kind="non-finite",
                remedy="Lower training.learning_rate, or take a precision with a wider range (bf16, fp32).",
            )


class Watch(TrainerCallback):  # type: ignore[misc]
    """Writes every step down, tells progress, and ends a training that has learnt enough or learns no more."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        meter: Meter,
        device: Device,
        say: Callable[..., None],
        *,
        flops_per_token: float | None,
        peak_tflops: float | None,
        evaluate: Callable[[], float] | None,
        keep_best: Callable[[float, int], None],
        best: tuple[float, int],
        trackers: Any = (),
        until: int | None = None,
    ) -> None:
        self._settings = settings
        self._meter = meter
        self._device = device
        self._say = say
        self._mfu_scale = flops_per_token / (peak_tflops * 1e12) if flops_per_token and peak_tflops else None
        self._evaluate = evaluate
        self._keep_best = keep_best
        self._best, self._failed = best
        self._trackers = trackers
        self._until = until
        self.paused = False
        """Whether it ended at ``until``, with epochs left."""
        self._began = self._saved = time.monotonic()
        self._losses: deque[float] = deque(maxlen=_WINDOW)
        self._norms: deque[float] = deque(maxlen=_WINDOW)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the time from which the first checkpoint is due."""
        self._saved = time.monotonic()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """A step's own time: evaluations and checkpoints are not in it."""
        self._began = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """A checkpoint is due after so many minutes, wherever in an epoch that is."""
        now = time.monotonic()
        self._meter.took(now - self._began)
        if agreed(now - self._saved) > 60 * self._settings["checkpoint_minutes"]:
            control.should_save = True
        return control

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The next one is due from now."""
        self._saved = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write the step down."""
        values = logs or {}
        if "loss" not in values:
            return
        loss, norm = float(values["loss"]), float(values["grad_norm"])
        self._spikes(state.global_step, loss, norm)
        rate = self._meter.rate
        mfu = round(rate * self._mfu_scale, 4) if rate and self._mfu_scale else None
        row = {
            "step": state.global_step,
            "epoch": round(float(state.epoch or 0), 4),
            "loss": loss,
            "grad_norm": norm if math.isfinite(norm) else None,
            "learning_rate": float(values["learning_rate"]),
            "tokens": self._meter.tokens,
            "answer_tokens": self._meter.answer_tokens,
            "seconds": round(self._meter.seconds, 3),
            "tokens_per_second": round(rate, 1) if rate else None,
            "mfu": mfu,
            "peak_gib": peak_gib(self._device),
            "passes": self._meter.passes,
        }
        self._meter.write(**row)
        for tracker in self._trackers:
            tracker.log(state.global_step, row)
        told = {key: row[key] for key in ("loss", "tokens_per_second", "mfu", "seconds")}
        self._say("step", done=state.global_step, total=state.max_steps, **told)

    def _spikes(self, step: int, loss: float, norm: float) -> None:
        for name, value, seen in (("loss", loss, self._losses), ("gradient norm", norm, self._norms)):
            usual = max(statistics.median(seen), 1e-3) if seen else math.inf
            if len(seen) >= _ENOUGH and value > SPIKE * usual:
                told = f"{name} {value:.3g}, {value / usual:.0f} times the median of {len(seen)} steps"
                self.event(step, "spike", told)
            if math.isfinite(value):
                seen.append(value)

    def event(self, step: int, event: str, detail: str) -> None:
        """Something worth telling: on record, and as a warning."""
        self._meter.write(step=step, event=event, detail=detail)
        if event in ("spike", "out-of-memory"):
            self._say("warning", text=f"step {step}: {detail}")

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """The epoch that reaches the target loss is the last; so is one too many without a better held-out loss."""
        loss = epoch_loss(state)
        if self._evaluate is not None:
            self._held_out(state, control)
        if loss < self._settings["target_loss"]:
            self.event(state.global_step, "target-loss", f"the epoch's loss is {loss:.4f}")
            control.should_training_stop = True
        if not control.should_training_stop and self._is_to_pause(round(float(state.epoch or 0))):
            self.paused = control.should_training_stop = True
        return control

    def _is_to_pause(self, epochs: int) -> bool:
        return self._until is not None and self._until <= epochs < self._settings["epochs"]

    def _held_out(self, state: TrainerState, control: TrainerControl) -> None:
        assert self._evaluate is not None
        found = self._evaluate()
        row = {"epoch": round(float(state.epoch or 0), 4), "held_out_loss": found}
        self._meter.write(step=state.global_step, **row)
        for tracker in self._trackers:
            tracker.log(state.global_step, row)
        if found < self._best:
            self._best, self._failed = found, 0
            self._keep_best(found, state.global_step)
            return
        self._failed += 1
        if self._settings["patience"] and self._failed >= self._settings["patience"]:
            told = f"the loss on held-out documents has not fallen for {self._failed} epochs"
            self.event(state.global_step, "early-stop", told)
            control.should_training_stop = True
