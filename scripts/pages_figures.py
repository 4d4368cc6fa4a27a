"""The table of docs/pages.md, from the figures its benchmark kept."""

from __future__ import annotations

import json
from pathlib import Path

from page_marks import between

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "pages.json"


def with_pages_figures(page: str) -> str:
    """The page with its table between the marks."""
    return between(page, "figures", _table().splitlines(), "docs/pages.md")


def _table() -> str:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    size = kept["first page bytes"]["total"]
    cached, fresh = (_usable(kept["usable"], cache) for cache in ("full", "empty"))
    lines = [
        f"Measured {kept['when'][:10]} on {kept['cores']} cores, {kept['load before']:.0f} programs at work beside it:",
        "",
        "| what | bound | found |",
        "|---|---|---|",
        f"| the first page, as it comes over the line | 60 kB | {size / 1000:.1f} kB |",
        f"| it can be used, files in the browser's cache (fastest, median) | 100 ms | {cached} |",
        f"| it can be used, nothing in the cache (fastest, median) | 100 ms | {fresh} |",
    ]
    lines.append(
        f"| of which its own work in the browser (median) | | {kept['usable']['work of the page, median ms']:.0f} ms |"
    )
    lines += [_streaming(one) for one in kept["streaming"]]
    return "\n".join(lines) + "\n"


def _usable(figures: dict[str, float], cache: str) -> str:
    return f"{figures[f'{cache} cache, fastest ms']:.0f}, {figures[f'{cache} cache, median ms']:.0f} ms"


def _streaming(one: dict[str, float]) -> str:
    what = f"frames a second (mean, worst) while {one['tokens']:,} tokens come, {one['tokens a second']:,} a second"
    work = f"{one['work of the page, ms a frame']:.1f} ms of work a frame"
    return f"| {what} | 30 | {one['frames a second, mean']:.0f}, {one['frames in the worst second']}; {work} |"
