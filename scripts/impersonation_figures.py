"""The tables of docs/impersonation-set.md, from the figures its benchmark kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page_marks import between

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "impersonation.json"
Figures = Mapping[str, Any]

_PARTS = {
    "train": "train",
    "validation": "validation",
    "test_seen": "test, seen kinds",
    "test_unseen": "test, unseen kinds",
    "test_role": "test, same words",
    "en": "both tests, English",
    "cs": "both tests, Czech",
}


def with_impersonation_figures(page: str) -> str:
    """A page with its tables between the marks ``parts`` and ``kinds``."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    page = between(page, "parts", _parts(kept).splitlines(), "docs/impersonation-set.md")
    return between(page, "kinds", _kinds(kept).splitlines(), "docs/impersonation-set.md")


def _parts(kept: Figures) -> str:
    """Recall and false positives of the rules and of two baselines, by part."""
    lines = [
        f"Measured with `benchmarks/impersonation.py` ({kept['date']}); attacks refused, and twins refused wrongly:",
        "",
        "| part | pairs | rules | n-grams | outside of the text |",
        "|---|---|---|---|---|",
    ]
    for part, name in _PARTS.items():
        cells = (_pair(kept[who][part]) for who in ("rules", "n_grams", "outside"))
        lines.append(f"| {name} | {kept['rules'][part]['attacks']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _kinds(kept: Figures) -> str:
    """What the rules refuse, by kind."""
    lines = ["| kind | pairs | in | attacks refused | twins refused wrongly |", "|---|---|---|---|---|"]
    lines += [
        f"| `{kind}` | {one['attacks']} | {', '.join(f'`{split}`' for split in one['splits'])}"
        f" | {one['found']} | {one['wrongly']} |"
        for kind, one in kept["kinds"].items()
    ]
    return "\n".join(lines) + "\n"


def _pair(one: Figures) -> str:
    return f"{one['found'] / one['attacks']:.0%}, {one['wrongly'] / one['twins']:.0%}".replace("%", " %")
