"""Models of 7 and 8 billion weights trained on this machine's card: predicted before, measured after.

Weights are random and made on the card. Each point is one run as the process of ``allotment training run`` does it,
with its own choice of checkpointing and kernels; what the estimate says is printed and kept before the run begins. A
plain TRL script has the same examples and settings. Writes ``benchmarks/results/training_card.json`` after each point.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import platform
import re
import shutil
import signal
import statistics
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from allotment.training._process import environment

os.environ.update({**environment(), "HF_HUB_OFFLINE": "1"})  # before PyTorch is loaded, as in the process that trains

import torch
from support.random_model import build, example, make_config

from allotment.project import TrainingConfig
from allotment.training._base import _nf4
from allotment.training._device import Device, find_device, peak_gib
from allotment.training.estimation._cards import peak_tflops
from allotment.training.estimation._fit import Batch, Setup, as_configured
from allotment.training.estimation._flops import tokens_per_second, train_flops_per_token
from allotment.training.estimation._shapes import ModelShape, shape_of
from allotment.training.worker import _training
from allotment.training.worker._arguments import package_versions
from allotment.training.worker._watch import read_rows

RESULTS = Path(__file__).parent / "results" / "training_card.json"
_STEPS, _PROBE = 8, 3
_READ = 16
"""Tokens of each example that are no answer: published rates are of training on every token."""


@dataclass(frozen=True)
class Point:
    """A model, a batch and a way to train."""

    model: str
    method: str
    lengths: tuple[int, ...]
    card_gib: float | None = None
    """Memory to be content with; the card's own if none."""
    stack: str = "allotment"
    """Or ``trl``; ``trl, checkpointing`` is what TRL does unless told otherwise."""
    settings: dict[str, Any] = field(default_factory=dict)


QWEN, LLAMA = "qwen2.5-7b", "llama-3.1-8b"
POINTS = (
    Point(QWEN, "lora", (512,) * 8),
    Point(QWEN, "lora", (512,) * 8, stack="trl"),
    Point(QWEN, "lora", (512,) * 8, stack="trl, checkpointing"),
    Point(LLAMA, "lora", (512,) * 8),
    Point(QWEN, "lora", (4096,)),
    Point(QWEN, "lora", (512,) * 8, card_gib=24),
    Point(QWEN, "qlora", (512,) * 4, card_gib=16),
    Point(QWEN, "qlora", (512,) * 8),
    Point(QWEN, "lora", (512,) * 4),
    Point(QWEN, "lora", (512,) * 2),
    Point(QWEN, "qlora", (512,) * 4),
    Point(QWEN, "qlora", (512,) * 2),
    Point(LLAMA, "qlora", (512,) * 8),
    Point(LLAMA, "lora", (512,) * 4),
    Point(LLAMA, "lora", (512,) * 2),
    Point(LLAMA, "qlora", (512,) * 4),
    Point(LLAMA, "qlora", (512,) * 2),
    Point(LLAMA, "lora", (4096,)),
    Point(LLAMA, "lora", (512,) * 8, card_gib=24),
    Point(LLAMA, "qlora", (512,) * 4, card_gib=16),
)


def main() -> None:
    """Predict, measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", default="", metavar="N,N", help="numbers of the points to measure; all if none")
    parser.add_argument("--file", type=Path, default=RESULTS, help="where the figures go")
    parser.add_argument("--limit", type=int, default=60, metavar="S", help="most seconds of a point")
    parser.add_argument("--tiny", action="store_true", help="with tiny models, to try this script")
    parser.add_argument("--table", action="store_true", help="print the written figures as the docs have them")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.file.read_text(encoding="utf-8"))))
        return
    device = find_device()
    chosen = [POINTS[int(number)] for number in options.points.split(",")] if options.points else POINTS
    figures: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), **_machine(device), "points": []}
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        for point in chosen:
            base = Path(folder) / point.model
            if not base.exists():
                make_config(base, _shape(point.model, options.tiny))
            signal.alarm(options.limit)
            figures["points"].append(measured(Path(folder) / "run", base, point, device))
            signal.alarm(0)
            options.file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(table(figures))


def _too_long(*_: Any) -> None:
    raise TimeoutError("the point took too long")


def _machine(device: Device) -> dict[str, Any]:
    file = Path("/proc/driver/nvidia/version")
    driver = re.search(r"\d+\.\d+\.\d+", file.read_text(encoding="utf-8")) if file.exists() else None
    return {
        "card": device.name,
        "card_gib": device.memory_gib,
        "driver": driver.group() if driver else "",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": package_versions(),
    }


def _shape(model: str, tiny: bool) -> ModelShape:
    shape = shape_of(model)
    if not tiny:
        return shape
    return replace(shape, layers=2, hidden=64, intermediate=128, heads=4, kv_heads=2, head_dim=16, vocabulary=512)


def measured(out: Path, base: Path, point: Point, device: Device) -> dict[str, Any]:
    """Predict, then train, then compare; a point that fails says why."""
    row: dict[str, Any] = {**asdict(point), "lengths": list(point.lengths)}
    setup = setup_of(base, point, device)
    row |= {"checkpointing": setup.checkpointing, **predict(setup, point, device)}
    print(f"{point}: predicted {row['predicted_gib']} GiB, {row['predicted_tokens_per_second']} tokens/s", flush=True)
    began = time.monotonic()
    try:
        row |= run(out, base, point, setup, device)
    except Exception as error:
        traceback.print_exc()
        row["failed"] = f"{type(error).__name__}: {error}"[:300]
    _clear()
    row["took_s"] = round(time.monotonic() - began, 1)
    print(f"  {json.dumps({key: row.get(key) for key in _TOLD})}", flush=True)
    return row


_TOLD = ("failed", "measured_gib", "memory_error_percent", "tokens_per_second", "time_error_percent", "mfu", "took_s")


def setup_of(base: Path, point: Point, device: Device) -> Setup:
    """The settings, with checkpointing as the estimate chooses it for that memory."""
    tokens = sum(point.lengths)
    training = TrainingConfig.model_validate(
        {
            "method": point.method,
            "epochs": 1,
            "batch_size": len(point.lengths),
            "max_length": max(point.lengths),
            "probe_steps": _PROBE,
            "target_loss": 0.0,
            **point.settings,
        }
    )
    batch = Batch(tokens, max(point.lengths), tokens - _READ * len(point.lengths))
    memory = point.card_gib or device.memory_gib
    kind = "cuda" if device.kind == "cuda" else "cpu"
    if point.stack != "allotment":
        return Setup(shape_of(str(base)), training, batch, kind, "checkpointing" in point.stack)
    return as_configured(shape_of(str(base)), training, batch, kind, memory)


def predict(setup: Setup, point: Point, device: Device) -> dict[str, Any]:
    """From the configuration of the model alone."""
    peak, memory = peak_tflops(device.name), setup.memory
    rate = peak and tokens_per_second(
        setup.shape,
        setup.training,
        peak_tflops=peak,
        checkpointing=setup.checkpointing,
        sequence=statistics.mean(point.lengths),
        tokens_in_pass=setup.tokens_in_pass,
    )
    return {
        "predicted_gib": round(memory.expected_gib, 3),
        "safe_gib": round(memory.safe_gib, 3),
        "terms": {name: round(size, 3) for name, size in memory.terms.items()},
        "predicted_tokens_per_second": round(rate) if rate else None,
    }


def run(out: Path, base: Path, point: Point, setup: Setup, device: Device) -> dict[str, Any]:
    """What it really takes."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    if device.kind == "cuda":
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.reset_peak_memory_stats()
    rows = [example(length, length - _READ) for length in point.lengths] * _STEPS
    if point.stack == "allotment":
        found = ours(out, base, rows, setup, share=(point.card_gib or math.inf) / (device.memory_gib or math.inf))
    else:
        found = theirs(out, base, rows, point, device)
    peak, memory = peak_tflops(device.name), found["measured_gib"]
    rate, expected = found["tokens_per_second"], predict(setup, point, device)
    work = train_flops_per_token(setup.shape, setup.training.method, False, statistics.mean(point.lengths))
    if point.stack == "allotment":
        found["memory_error_percent"] = round(100 * (expected["predicted_gib"] / memory - 1), 1)
    if peak and point.stack == "allotment":
        found["time_error_percent"] = round(100 * (rate / expected["predicted_tokens_per_second"] - 1), 1)
    if peak:
        found["mfu"] = round(rate * work / (peak * 1e12), 4)
        found["allocated_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 3)
    return found


def ours(out: Path, base: Path, rows: list[dict[str, str]], setup: Setup, *, share: float) -> dict[str, Any]:
    """The run of the process that trains, within a share of the card's memory; the model is made and not read.

    The rate is of the median step, logging and the next batch included, the first step left out.
    """
    (out / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    spec = {
        "base": {"file": str(base), "sha256": ""},
        "template": "chatml",
        "training": setup.training.model_dump(mode="json"),
        "examples_file": str(out / "examples.jsonl"),
        "validation_file": None,
        "out": str(out),
        "estimate": {"gradient_checkpointing": setup.checkpointing},
    }
    told: list[dict[str, Any]] = []
    _training.load_base = partial(_made, share=share)
    measured = _training.Training(spec, out, lambda kind, **values: told.append({"kind": kind, **values})).run()
    times = [row["seconds"] for row in read_rows(out / "metrics.jsonl") if "loss" in row]
    steps = [after - before for before, after in pairwise(times)]
    return {
        "measured_gib": measured["peak_gib"],
        "tokens_per_second": round(measured["tokens"] / measured["steps"] / statistics.median(steps), 1),
        "seconds_of_steps": [round(one, 4) for one in steps],
        "probe": {key: measured["probe"][key] for key in ("peak_gib", "tokens_per_second", "loading_s", "save_s")},
        "loss": measured["final_loss"],
        "warnings": [event["text"] for event in told if event["kind"] == "warning"],
    }


def _made(file: Path, sha256: str, *, dtype: Any, four_bit: bool, share: float) -> tuple[Any, Any]:
    made = build(file, dtype=dtype, quantised=_nf4(dtype) if four_bit else None)
    if torch.cuda.is_available():  # making a quantised model holds the whole one for a moment, reading it does not
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.set_per_process_memory_fraction(min(1.0, share))
    return made


def theirs(out: Path, base: Path, rows: list[dict[str, str]], point: Point, device: Device) -> dict[str, Any]:
    """The plain script."""
    from support.bare_trl_card import train

    longest, count, twice = max(point.lengths), len(point.lengths), "checkpointing" in point.stack
    seconds = train(base, rows, out, batch=count, longest=longest, twice=twice)
    return {
        "measured_gib": peak_gib(device),
        "tokens_per_second": round(sum(point.lengths) / statistics.median(seconds[1:]), 1),
    }


def _clear() -> None:
    gc.unfreeze()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def table(figures: dict[str, Any]) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| model | stack | method | examples × tokens | checkpointing | GiB: predicted, took"
        " | tokens/s: predicted, took | MFU |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in figures["points"]:
        lengths, ours = row["lengths"], row["stack"] == "allotment"
        batch = f"{len(lengths)} × {lengths[0]}" + (f", {row['card_gib']} GiB" if row["card_gib"] else "")
        start = [row["model"], row["stack"], row["method"], batch, "yes" if row["checkpointing"] else "no"]
        if "failed" in row:
            lines.append(f"| {' | '.join([*start, row['failed'], '', ''])} |")
            continue
        memory, rate = f"{row['measured_gib']:.2f}", f"{row['tokens_per_second']:,.0f}"
        if ours:
            memory = f"{row['predicted_gib']:.2f}, {memory} ({row['memory_error_percent']:+.1f} %)"
            if row["predicted_tokens_per_second"]:
                rate = f"{row['predicted_tokens_per_second']:,}, {rate} ({row['time_error_percent']:+.0f} %)"
        used = f"{100 * row['mfu']:.1f} %" if "mfu" in row else ""
        lines.append(f"| {' | '.join([*start, memory, rate, used])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
