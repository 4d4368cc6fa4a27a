"""The table of docs/pages.md, from the figures its benchmark kept."""

from __future__ import annotations

import json
from pathlib import Path

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "pages.json"
_MARK, _END = "<!-- figures -->\n", "<!-- end of figures -->"


def with_pages_figures(page: str) -> str:
    """The page with its table between the marks."""
    before, found, rest = page.partition(_MARK)
    if not found or _END not in rest:
        raise ValueError("docs/pages.md has no mark for its figures")
    return f"{before}{_MARK}{_table()}{_END}{rest.partition(_END)[2]}"


def _table() -> str:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    size = kept["first page bytes"]["total"]
    cached, fresh = (kept["usable"][f"{cache} cache, median ms"] for cache in ("full", "empty"))
    lines = [
        f"Measured {kept['when'][:10]} on {kept['cores']} cores, {kept['load before']:.0f} programs at work beside it:",
        "",
        "| what | bound | found |",
        "|---|---|---|",
        f"| the first page, as it comes over the line | 60 kB | {size / 1000:.1f} kB |",
        f"| it can be used, files in the browser's cache (median) | 100 ms | {cached:.0f} ms |",
        f"| it can be used, nothing in the cache (median) | 100 ms | {fresh:.0f} ms |",
    ]
    lines += [
        f"| frames a second while {one['tokens']:,} tokens come, {one['tokens a second']:,} a second: mean, worst second"
        f" | 30 | {one['frames a second, mean']:.0f}, {one['frames in the worst second']} |"
        for one in kept["streaming"]
    ]
    return "\n".join(lines) + "\n"
