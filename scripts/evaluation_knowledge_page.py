"""The figures of docs/evaluation-knowledge.md, from the benchmark's results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "evaluation_knowledge.json"
BEGIN, END = "<!-- knowledge -->\n", "<!-- end of knowledge -->"


def with_knowledge_figures(page: str) -> str:
    """The page with a table for each project and agent that was measured."""
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    parts = ["\n".join(_project(name, part)) for name, part in sorted(known.items())]
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}" + ("\n\n".join(parts) or "Not measured yet.") + f"\n{END}{rest.partition(END)[2]}"


def _project(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n\nMeasured {part['date']}, {part['machine']}."
    for agent, found in sorted(part["agents"].items()):
        yield f"\n**{agent}** ({found['minutes']:.0f} minutes): {found['verdict']}\n"
        yield from _table(found["knowledge"])
        yield ""
        yield from _table(found["saying_unknown"])
    first = next(iter(part["agents"].values()), None)
    if first:
        yield "\nRules and judge against labels written by hand:\n"
        yield from _table(first["agreement"])


def _table(table: dict[str, Any]) -> Iterator[str]:
    yield "| " + " | ".join(table["columns"]) + " |"
    yield "|" + "---|" * len(table["columns"])
    for row in table["rows"]:
        yield "| " + " | ".join("" if cell is None else str(cell).replace("|", "\\|") for cell in row) + " |"
