"""Rate and memory of a training beside a bare TRL script and beside logits at every position, in one run.

The same examples of the example company, the same base model, the same adapter, batch and length; one process each, by
turns. Writes ``benchmarks/results/training.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from allotment.documents import split_sentences
from allotment.models import Message, find_model, locate, pull, template_of
from allotment.project import TrainingConfig
from allotment.training._base import weights_folder
from allotment.training._process import environment

HERE = Path(__file__).parent
DOCUMENTS = HERE.parent / "src" / "allotment" / "examples" / "northwind" / "documents"
BASE = "gemma-3-270m"


def main() -> None:
    """Measure by turns and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pull(BASE)
    runs: dict[str, list[dict[str, Any]]] = {"allotment": [], "bare TRL": [], "logits everywhere": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        examples = write_examples(folder / "examples.jsonl", 8 * options.steps)
        weights = weights_folder(locate(BASE), find_model(BASE).sha256)
        for number in range(options.rounds):
            for what in runs:
                out = folder / f"{what.replace(' ', '-')}-{number}"
                found = ours(out, examples) if what == "allotment" else bare(out, weights, examples, what)
                runs[what].append(found)
                print(what, found, flush=True)
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": {package: version(package) for package in ("torch", "transformers", "trl", "peft")},
        "base": BASE,
        "examples": 8 * options.steps,
        "tokens": runs["allotment"][0]["tokens"],
        "answer_tokens": runs["allotment"][0]["answer_tokens"],
        "runs": runs,
        "summary": summary(runs),
    }
    target = HERE / "results" / "training.json"
    target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures["summary"], indent=1))


def write_examples(file: Path, count: int) -> Path:
    """Questions and answers of usual lengths: the second half of a sentence is asked for by its first."""
    template = template_of(BASE)
    lines = []
    for document in sorted(DOCUMENTS.rglob("*.md")):
        for sentence in split_sentences(document.read_text(encoding="utf-8")):
            words = sentence.split()
            if 14 <= len(words) <= 40:
                begun, rest = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
                asked = Message("user", f"How does this sentence of the company's documents end: {begun}?")
                prompt = template.render([asked], add_generation_prompt=True)
                lines.append(json.dumps({"prompt": prompt, "answer": rest + template.stop}, ensure_ascii=False))
    chosen = lines[:: max(1, len(lines) // count)][:count]
    file.write_text("".join(line + "\n" for line in chosen), encoding="utf-8")
    return file


def ours(out: Path, examples: Path) -> dict[str, Any]:
    """The worker as ``allotment training run`` starts it, without its probe."""
    out.mkdir()
    shutil.copy(examples, out / "examples.jsonl")
    config = TrainingConfig(epochs=1, probe_steps=0, target_loss=0.0, checkpoint_minutes=600)
    spec = {
        "base": {"file": str(locate(BASE)), "sha256": find_model(BASE).sha256},
        "template": template_of(BASE).name,
        "training": config.model_dump(mode="json"),
        "examples_file": str(out / "examples.jsonl"),
        "validation_file": None,
        "out": str(out),
        "estimate": None,
    }
    (out / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    command = [sys.executable, "-m", "allotment.training.worker._worker", str(out / "spec.json")]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    measured = json.loads((out / "result.json").read_text(encoding="utf-8"))["measured"]
    return {
        "seconds": measured["tokens"] / measured["tokens_per_second"],  # of steps alone, as in the script
        "peak_gib": measured["peak_gib"],
        "steps": measured["steps"],
        "loss": measured["final_loss"],
        "tokens": measured["tokens"],
        "answer_tokens": measured["answer_tokens"],
    }


def bare(out: Path, weights: Path, examples: Path, what: str) -> dict[str, Any]:
    """The script of sixty lines."""
    mode = "trl" if what == "bare TRL" else "logits"
    script = HERE / "support" / "bare_trl.py"
    command = [sys.executable, str(script), str(weights), str(examples), str(out), mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians, and ratios of each round to the same round of this project's."""
    tokens = runs["allotment"][0]["tokens"]
    found: dict[str, Any] = {}
    for what, each in runs.items():
        ratios = [one["seconds"] / mine["seconds"] for one, mine in zip(each, runs["allotment"], strict=True)]
        found[what] = {
            "tokens_per_second": round(tokens / statistics.median(one["seconds"] for one in each), 1),
            "peak_gib": round(statistics.median(one["peak_gib"] for one in each), 3),
            "times_as_long": round(statistics.median(ratios), 3),
            "from_to": [round(min(ratios), 3), round(max(ratios), 3)],
        }
    return found


if __name__ == "__main__":
    main()
