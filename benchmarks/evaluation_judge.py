"""How far the rules, and a model as judge, agree with the 100 answers that people labelled.

Writes ``benchmarks/results/evaluation_judge.json`` for docs/evaluation-knowledge.md; models judged earlier stay in it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from allotment.evaluation.knowledge._judge import (
    Agreement,
    hand_labels,
    judge_agreement,
    model_judge,
    rules_agreement,
)
from allotment.models import Engines
from allotment.workspace import Ledger, write_atomic

RESULTS = Path(__file__).parent / "results" / "evaluation_judge.json"


def measure(model: str) -> tuple[Agreement, float]:
    """What a model as judge agrees with, and how many seconds an answer took it."""
    with Engines() as engines, TemporaryDirectory() as folder:
        judge = model_judge(engines.get(model), Ledger(Path(folder) / "verdicts.jsonl"), {"model": model}, _progress())
        began = time.perf_counter()
        found = judge_agreement(f"judge {model}", judge, hand_labels())
        return found, (time.perf_counter() - began) / found.items


def _progress() -> Callable[[], None]:
    done = count(1)
    return lambda: print(f"\r{next(done)} of {len(hand_labels())}", end="", flush=True)


def row_of(found: Agreement, seconds: float | None) -> dict[str, Any]:
    """What the page shows."""
    return {
        **asdict(found),
        "seconds_each": None if seconds is None else round(seconds, 2),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def main() -> None:
    """Measure, and keep the results beside those of other models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct")
    model = parser.parse_args().model
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known |= {one.name: row_of(one, None) for one in rules_agreement(hand_labels())}
    found, seconds = measure(model)
    known[found.name] = row_of(found, seconds)
    write_atomic(RESULTS, json.dumps(known, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
