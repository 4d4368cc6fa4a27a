"""How good the checks of generated answers are, on labelled pairs, beside naive baselines and a small judge.

Reads ``tests/data/judge``, writes ``benchmarks/results/dataset_judge.json``. ``--no-judge`` leaves the model
out and keeps the verdicts it gave to the same pairs and the same prompt before, if there are any.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.dataset._judge import JUDGE_VERSION, JudgeSupport
from allotment.dataset._round_trip import leads_back
from allotment.dataset._support import LexicalSupport
from allotment.dataset._text import contains, normalise
from allotment.models import Engines, pull

RESULTS = Path(__file__).parent / "results" / "dataset_judge.json"
PAIRS = Path(__file__).parents[1] / "tests" / "data" / "judge" / "pairs.jsonl"
JUDGE = "qwen2.5-coder-1.5b-instruct"
PARTS = ("dev", "test")
ENOUGH_WORDS = 0.7
NOT_ASKED = "."

Pair = dict[str, str]
Check = Callable[[Pair], bool]


def main() -> None:
    """Run, print the table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", default=JUDGE, help="model that judges")
    parser.add_argument("--no-judge", action="store_true")
    parser.add_argument("--part", choices=("all", *PARTS), default="all", help="pairs the model judges")
    options = parser.parse_args()
    raw = PAIRS.read_bytes()
    pairs = [json.loads(line) for line in raw.decode().splitlines()]
    verdicts, seconds = run_checks(pairs)
    key = f"{options.judge} {JUDGE_VERSION} {hashlib.sha256(raw).hexdigest()[:16]}"
    judged = kept_judge() if options.no_judge else {key: judge(pairs, options.judge, options.part)}
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "pairs": {part: sum(pair["part"] == part for pair in pairs) for part in PARTS},
        "parts": {part: measure(pairs, verdicts | spoken(judged, pairs), part) for part in PARTS},
        "seconds_per_pair": seconds | {f"judge {name.split()[0]}": one["seconds"] for name, one in judged.items()},
        "judge": judged,
    }
    show(figures)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def checks() -> dict[str, Check]:
    """Row → whether it lets a pair pass."""
    lexical = LexicalSupport()

    def supported(pair: Pair) -> bool:
        return lexical.supports(pair["question"], pair["answer"], pair["passage"], pair["language"])

    def back(pair: Pair) -> bool:
        return leads_back(pair["question"], pair["value"], pair["passage"], ())

    return {
        "lexical": supported,
        "round trip": back,
        "lexical and round trip": lambda pair: supported(pair) and back(pair),
        f"{ENOUGH_WORDS:.0%} of the words": has_enough_words,
        "value in passage": lambda pair: contains(pair["passage"], pair["value"]),
    }


def has_enough_words(pair: Pair) -> bool:
    """The naive check: most words of the answer stand somewhere in the passage."""
    said = re.findall(r"\w+", normalise(pair["answer"]))
    told = set(re.findall(r"\w+", normalise(pair["passage"])))
    return sum(word in told for word in said) >= ENOUGH_WORDS * len(said)


def run_checks(pairs: Sequence[Pair]) -> tuple[dict[str, list[bool | None]], dict[str, float]]:
    """Verdicts and seconds per pair of every check that needs no model."""
    verdicts: dict[str, list[bool | None]] = {}
    seconds = {}
    for name, passes in checks().items():
        began = time.perf_counter()
        verdicts[name] = [passes(pair) for pair in pairs]
        seconds[name] = round((time.perf_counter() - began) / len(pairs), 6)
    return verdicts, seconds


def judge(pairs: Sequence[Pair], model: str, part: str) -> dict[str, Any]:
    """The model's verdicts, one sign a pair: ``+`` supported, ``-`` not, ``.`` not asked; and seconds per pair.

    Passages are taken in an order of no meaning; Ctrl-C ends the questions, and what was said until then counts.
    """
    pull(model)
    marks = [NOT_ASKED] * len(pairs)
    wanted = [at for at, pair in enumerate(pairs) if part in ("all", pair["part"])]
    with Engines() as engines, contextlib.suppress(KeyboardInterrupt):
        checker = JudgeSupport(engines.get(model))
        began = time.perf_counter()
        for at in sorted(wanted, key=lambda at: hashlib.sha256(pairs[at]["passage"].encode()).digest()):
            texts = (pairs[at][field] for field in ("question", "answer", "passage", "language"))
            marks[at] = "+" if checker.supports(*texts) else "-"
            print(marks[at], end="", flush=True)
            seconds = time.perf_counter() - began
    asked = len(marks) - marks.count(NOT_ASKED)
    return {"seconds": round(seconds / asked, 2), "asked": asked, "verdicts": "".join(marks)}


def kept_judge() -> dict[str, Any]:
    """Verdicts of the last run, if they are of these pairs and this prompt."""
    if not RESULTS.is_file():
        return {}
    now = f" {JUDGE_VERSION} {hashlib.sha256(PAIRS.read_bytes()).hexdigest()[:16]}"
    kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")).get("judge", {})
    return {key: value for key, value in kept.items() if key.endswith(now)}


def spoken(judged: dict[str, Any], pairs: Sequence[Pair]) -> dict[str, list[bool | None]]:
    """The judge's signs as verdicts; none where it was not asked."""
    signs = {"+": True, "-": False}
    return {f"judge {name.split()[0]}": [signs.get(mark) for mark in one["verdicts"]] for name, one in judged.items()}


def measure(pairs: Sequence[Pair], verdicts: dict[str, list[bool | None]], part: str) -> dict[str, Any]:
    """Row → scores over all pairs of a part, per language, and how many of each fault it caught."""
    found = {}
    for name, said in verdicts.items():
        rows = [(pair, verdict) for pair, verdict in zip(pairs, said, strict=True) if pair["part"] == part]
        rows = [(pair, verdict) for pair, verdict in rows if verdict is not None]
        if rows:
            languages = sorted({pair["language"] for pair, _ in rows})
            found[name] = {
                "all": score(rows),
                "languages": {one: score([row for row in rows if row[0]["language"] == one]) for one in languages},
                "faults": caught(rows),
            }
    return found


def score(rows: Sequence[tuple[Pair, bool | None]]) -> dict[str, Any]:
    """Precision, recall and F1 of "supported", and of catching what is not, with the counts they rest on."""
    counts: dict[str, int] = defaultdict(int)
    for pair, verdict in rows:
        is_right = pair["label"] == "supported"
        counts[("kept" if verdict else "lost") if is_right else ("missed" if verdict else "caught")] += 1
    kept, lost, missed, stopped = (counts[name] for name in ("kept", "lost", "missed", "caught"))
    return {
        "counts": {"kept": kept, "lost": lost, "missed": missed, "caught": stopped},
        "supported": prf(kept, missed, lost),
        "wrong": prf(stopped, lost, missed),
    }


def prf(hits: int, false_hits: int, misses: int) -> dict[str, float]:
    """Precision, recall and F1."""
    precision = hits / max(1, hits + false_hits)
    recall = hits / max(1, hits + misses)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}


def caught(rows: Sequence[tuple[Pair, bool | None]]) -> dict[str, list[int]]:
    """Fault → pairs caught, of how many."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for pair, verdict in rows:
        if pair["fault"]:
            found[pair["fault"]][0] += not verdict
            found[pair["fault"]][1] += 1
    return dict(sorted(found.items()))


def show(figures: dict[str, Any]) -> None:
    """Print the parts as tables."""
    for part, rows in figures["parts"].items():
        print(f"\n{part:40}" + "".join(f"{name:>11}" for name in ("precision", "recall", "F1", "wrong: P", "R", "F1")))
        for name, scores in rows.items():
            numbers = (scores["all"][side][metric] for side in ("supported", "wrong") for metric in METRICS)
            print(f"{name:40}" + "".join(f"{number:11.3f}" for number in numbers))


METRICS = ("precision", "recall", "f1")


if __name__ == "__main__":
    main()
