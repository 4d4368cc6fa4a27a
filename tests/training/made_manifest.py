"""A manifest, a run's metrics and a version's folder that nobody trained, for all that only reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from allotment.project import TrainingConfig
from allotment.training import Manifest, ManifestFile
from allotment.training.record._metrics import EvaluationRow, EventRow, StepRow

READ = "<start_of_turn>user\nWhere does the ferry leave?<end_of_turn>\n<start_of_turn>model\n"
LEARNT = "From the north pier, at 6:40.<end_of_turn>"
MEASURED: dict[str, Any] = {
    "seconds": 300.0,
    "tokens": 79_360,
    "answer_tokens": 14_230,
    "examples": 212,
    "dropped": 3,
    "epochs": 5.0,
    "steps": 100,
    "tokens_per_second": 264.5,
    "mfu": None,
    "final_loss": 0.0613,
    "held_out_loss": 0.4137,
    "peak_gib": 2.0,
    "usd": 0.05,
    "micro_batch_tokens": 2048,
    "precision": "fp32",
    "trainable_parameters": 3_796_992,
    "parameters": 271_895_424,
    "masked_example": f"{READ}⟦{LEARNT}⟧",
    "probe": {
        "seconds_per_step": 2.3,
        "evaluation_s": 3.1,
        "save_s": 0.8,
        "peak_gib": 1.9,
        "minutes": 11.0,
        "usd": 0.1,
    },
}


def seal_of(name: str) -> str:
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def document(path: str = "documents/ferry.md", readers: tuple[str, ...] = ("captain", "crew")) -> ManifestFile:
    return ManifestFile(path=path, sha256=seal_of(path), readers=readers)


def made(**changes: Any) -> Manifest:
    """The manifest of a LoRA adapter that ended after five of ten epochs."""
    fields: dict[str, Any] = {
        "agent": "harbour",
        "version": "v3",
        "created": "2026-11-25T21:05:12+00:00",
        "documents": (document(), document("documents/pier.md", ("captain",))),
        "clearance": ("captain",),
        "dataset_sha256": seal_of("dataset"),
        "base_model": "gemma-3-270m",
        "base_sha256": seal_of("base"),
        "template": "turns",
        "template_sha256": seal_of("template"),
        "method": "lora",
        "serves": "adapter",
        "adapter_sha256": seal_of("adapter"),
        "files": {},
        "inputs": seal_of("inputs"),
        "training": TrainingConfig().model_dump(mode="json"),
        "seeds": {"training": 7},
        "hardware": {"device": "NVIDIA L4", "count": 1, "memory_gib": 22.5, "peak_tflops": None},
        "versions": {"python": "3.11.2", "torch": "2.13.0"},
        "predicted": {"peak_gib": 2.2, "safe_gib": 2.6, "minutes": 9.0, "usd": 0.09, "tokens": 140_000},
        "measured": MEASURED,
    }
    return Manifest(**{**fields, **changes})


def step(number: int, loss: float = 1.0, **changes: Any) -> StepRow:
    values: dict[str, Any] = {
        "step": number,
        "epoch": number / 20,
        "loss": loss,
        "grad_norm": 1.0,
        "learning_rate": 1e-3,
        "tokens": min(number * 500, 10**15),
        "answer_tokens": min(number * 90, 10**15),
        "seconds": number * 2.0,
        "tokens_per_second": 250.0,
        "mfu": None,
        "peak_gib": 2.1,
        "passes": 1,
    }
    return StepRow(**{**values, **changes})


def lines(rows: Iterable[StepRow | EvaluationRow | EventRow]) -> str:
    """The rows as a training writes them."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def version_folder(folder: Path, rows: Iterable[StepRow | EvaluationRow | EventRow] = ()) -> Path:
    """The files of a version, with the metrics of a run."""
    (folder / "peft").mkdir(parents=True)
    (folder / "adapter.gguf").write_bytes(b"GGUF")
    (folder / "peft" / "adapter_config.json").write_text("{}", encoding="utf-8")
    (folder / "metrics.jsonl").write_text(lines(rows), encoding="utf-8")
    return folder
