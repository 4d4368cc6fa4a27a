"""The figures of docs/evaluation-attacks.md, from the benchmark's results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "attacks.json"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"


def with_attack_figures(page: str) -> str:
    """The page with its tables of figures."""
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    before, _, rest = page.partition(BEGIN)
    told = "\n".join(_lines(known)) if known else "Not measured yet."
    return f"{before}{BEGIN}{told}\n{END}{rest.partition(END)[2]}"


def _lines(known: dict[str, Any]) -> Iterator[str]:
    for project, by_workers in sorted(known.items()):
        yield f"### {project}\n"
        yield from (
            "| workers | attempts | minutes | attempts a second | outcome | measured |",
            "|---|---|---|---|---|---|",
        )
        for workers, run in sorted(by_workers.items()):
            speed = run["figures"]["attacks.speed"]["value"]
            told = f"{run['count']:,} | {run['seconds'] / 60:.1f} | {speed:.1f} | {run['outcome']}"
            yield f"| {workers} | {told} | {run['date']}, {run['machine']} |"
        run = by_workers[max(by_workers)]
        yield from ("", "| stopped by | attempts | share |", "|---|---|---|")
        yield from (f"| {layer} | {count:,} | {share:.1%} |" for layer, count, share in run["layers"])
        yield from ("", "| layer taken away | in its place | would have leaked | of | 95 % |", "|---|---|---|---|---|")
        yield from (f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {row[4]} |" for row in run["without"])
        yield ""
