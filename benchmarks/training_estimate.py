"""Memory of a training on a processor: predicted before, measured after.

Each point is a model with random weights, trained for three steps by the very process that ``allotment training run``
starts. Its prediction is printed and kept before that process is. Writes ``benchmarks/results/training_estimate.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.random_model import example, make_model

from allotment.project import TrainingConfig
from allotment.training.estimation._fit import Batch, Setup
from allotment.training.estimation._shapes import shape_of
from allotment.training.worker._heap import worker_environment

RESULTS = Path(__file__).parent / "results" / "training_estimate.json"
_STEPS = 3


@dataclass(frozen=True)
class Point:
    """A model, a batch and a way to train."""

    model: str
    lengths: tuple[int, ...]
    answer: int
    settings: dict[str, Any] = field(default_factory=dict)


MODELS: dict[str, dict[str, Any]] = {
    "qwen2, 38 M": {
        "model_type": "qwen2",
        "num_hidden_layers": 12,
        "hidden_size": 448,
        "intermediate_size": 1792,
        "num_attention_heads": 7,
        "num_key_value_heads": 1,
        "vocab_size": 8192,
        "tie_word_embeddings": True,
    },
    "llama, 135 M": {
        "model_type": "llama",
        "num_hidden_layers": 30,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49_152,
        "tie_word_embeddings": True,
    },
    "qwen3, 101 M": {
        "model_type": "qwen3",
        "num_hidden_layers": 10,
        "hidden_size": 768,
        "intermediate_size": 2304,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 128,
        "vocab_size": 32_000,
        "tie_word_embeddings": True,
    },
    "gemma3, 268 M": {
        "model_type": "gemma3_text",
        "num_hidden_layers": 18,
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 262_144,
        "tie_word_embeddings": True,
    },
    "qwen2, 387 M": {
        "model_type": "qwen2",
        "num_hidden_layers": 24,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "vocab_size": 32_000,
        "tie_word_embeddings": True,
    },
}

POINTS = (
    Point("qwen2, 38 M", (256,) * 6, 48),
    Point("qwen2, 38 M", (512,) * 4, 64, {"gradient_checkpointing": True}),
    Point("llama, 135 M", (128,) * 6, 32),
    Point("llama, 135 M", (384,) * 4, 96, {"gradient_checkpointing": True}),
    Point("llama, 135 M", (256,) * 8, 32, {"micro_batch_tokens": 512}),
    Point("llama, 135 M", (128,) * 4, 64, {"method": "full"}),
    Point("qwen3, 101 M", (96, 160, 224, 288), 40, {"packing": False}),
    Point("qwen3, 101 M", (192,) * 4, 40, {"method": "full", "gradient_checkpointing": True}),
    Point("gemma3, 268 M", (64,) * 8, 24),
    Point("gemma3, 268 M", (64,) * 8, 24, {"method": "partial", "unfrozen": ("layers.16", "layers.17", "norm")}),
    Point("qwen2, 387 M", (128,) * 4, 32, {"rank": 32}),
    Point("qwen2, 387 M", (256,) * 4, 32, {"gradient_checkpointing": True}),
    # After these the term of the heap was corrected for checkpointing; what follows was measured with that.
    Point("qwen2, 38 M", (320,) * 8, 64, {"gradient_checkpointing": True, "rank": 8}),
    Point("llama, 135 M", (160,) * 5, 32, {"method": "full", "gradient_checkpointing": True}),
    Point("qwen3, 101 M", (384,) * 4, 64, {"gradient_checkpointing": True}),
    Point("gemma3, 268 M", (128,) * 4, 24, {"gradient_checkpointing": True}),
    Point("gemma3, 268 M", (64,) * 4, 32, {"method": "full"}),
)


def main() -> None:
    """Predict, measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="keep the figures of the points before N")
    parser.add_argument("--table", action="store_true", help="print the written figures as the docs have them")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(RESULTS.read_text(encoding="utf-8"))))
        return
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["points"][: options.first] if options.first else []
    with tempfile.TemporaryDirectory() as folder:
        rows += [measured(Path(folder), point) for point in POINTS[options.first :]]
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "libc": " ".join(platform.libc_ver()),
        "worst_error_percent": max(abs(row["error_percent"]) for row in rows),
        "within_safe_bound": sum(row["measured_gib"] <= row["safe_gib"] for row in rows),
        "points": rows,
    }
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(table(figures))


def measured(folder: Path, point: Point) -> dict[str, Any]:
    """Predict, then train, then compare."""
    base = folder / point.model.replace(", ", "-").replace(" ", "")
    if not base.exists():
        make_model(base, **MODELS[point.model])
    predicted = predict(base, point)
    print(f"{point}: predicted {predicted['predicted_gib']} GiB", flush=True)
    result = train(folder / "run", base, point)
    error = 100 * (predicted["predicted_gib"] / result["peak_gib"] - 1)
    print(f"  measured {result['peak_gib']} GiB, error {error:+.1f} %", flush=True)
    return {
        "model": point.model,
        "method": point.settings.get("method", "lora"),
        "lengths": list(point.lengths),
        "answer_tokens": point.answer,
        "settings": {key: value for key, value in point.settings.items() if key != "method"},
        **predicted,
        "measured_gib": result["peak_gib"],
        "error_percent": round(error, 1),
        "tokens_per_second": result["tokens_per_second"],
    }


def training_of(point: Point) -> TrainingConfig:
    """The settings of a point."""
    count = len(point.lengths)
    common = {"epochs": 1, "batch_size": count, "max_length": max(point.lengths), "probe_steps": 0, "rank": 16}
    plain = {"gradient_checkpointing": False, "target_loss": 0.0}
    return TrainingConfig.model_validate({**common, **plain, **point.settings})


def predict(base: Path, point: Point) -> dict[str, Any]:
    """From the configuration of the model alone."""
    training, longest = training_of(point), max(point.lengths)
    whole = sum(point.lengths) if training.packing else longest * len(point.lengths)
    batch = Batch(whole, longest, point.answer * len(point.lengths))
    shape = shape_of(str(base))
    memory = Setup(shape, training, batch, "cpu", training.gradient_checkpointing is True).memory
    return {
        "parameters": shape.parameters,
        "predicted_gib": round(memory.expected_gib, 3),
        "safe_gib": round(memory.safe_gib, 3),
        "terms": {name: round(size, 3) for name, size in memory.terms.items()},
    }


def train(out: Path, base: Path, point: Point) -> dict[str, Any]:
    """Three steps in the process that trains; what it measured."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    rows = [example(length, point.answer) for length in point.lengths] * _STEPS
    (out / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    spec = {
        "base": {"file": str(base), "sha256": ""},
        "template": "chatml",
        "training": training_of(point).model_dump(mode="json"),
        "examples_file": str(out / "examples.jsonl"),
        "validation_file": None,
        "out": str(out),
        "estimate": None,
    }
    (out / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    command = [sys.executable, "-m", "allotment.training.worker._worker", str(out / "spec.json")]
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **worker_environment()}
    told = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    if result["state"] != "ok":
        raise SystemExit(f"{point} ended as {result['state']}: {result['error']}\n{told.stderr[-2000:]}")
    found: dict[str, Any] = result["measured"]
    return found


def table(figures: dict[str, Any]) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| model | method | examples × tokens | settings | predicted GiB | safe | measured | error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in figures["points"]:
        lengths, settings = row["lengths"], row["settings"]
        batch = f"{len(lengths)} × {lengths[0]}" if len(set(lengths)) == 1 else " + ".join(map(str, lengths))
        told = ", ".join(f"{key}: {value}".lower() for key, value in settings.items() if key != "unfrozen")
        figures_of = [f"{row[key]:.2f}" for key in ("predicted_gib", "safe_gib", "measured_gib")]
        cells = [row["model"], row["method"], batch, told, *figures_of, f"{row['error_percent']:+.1f} %"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
