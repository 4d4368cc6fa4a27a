"""The figures of docs/experiments.md and the page docs/experiments-comparison.md, from the benchmarks' results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from page_marks import between

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
COMPARISON = """# A comparison: rank, learning rate, data mix, precision

24 trainings of the example company's warehouse agent on `gemma-3-270m`, LoRA, three epochs over 68 questions and
answers that its teacher wrote, 18 other wordings asked closed-book afterwards. One file
(`benchmarks/support/experiments/comparison.yaml`), one command (`benchmarks/experiments.py comparison`), on a processor
with two cores that other work shared: minutes say little here, recall and loss are what they are.

"""
TEACHES = """## What it teaches

- **Ask each fact in several wordings first.** No rank, learning rate or precision makes up for paraphrases that are not
  there. Part of that is training less: the same three epochs are half the minutes then.
- **Then find the learning rate.** The lowest of the three learns next to nothing in three epochs, whatever the rank.
- **Rank and precision may be chosen by memory and speed.** No difference in what is known could be shown for either;
  the intervals below say how large one might still be.
- **The run to keep is one of several that know about the same.** Eighteen questions cannot tell them apart: two more
  right answers are noise. More questions (`dataset.paraphrases`) or several seeds would.

"""
PICTURES = """![Recall against dollars, with the run to keep](../benchmarks/results/experiments_comparison_cost.svg)

![Settings and outcomes of each run](../benchmarks/results/experiments_comparison_settings.svg)

![How the loss of each run fell](../benchmarks/results/experiments_comparison_loss.svg)

"""


def with_experiment_figures(page: str) -> str:
    """The page with its table of figures."""
    file = RESULTS / "experiments.json"
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    lines = ["| what | figure | measured |", "|---|---|---|", *(_row(*row) for row in _rows(known))]
    return between(page, "figures", lines, "docs/experiments.md")


def _row(what: str, figure: str, part: dict[str, Any]) -> str:
    return f"| {what} | {figure} | {part['date']}, {part['machine']} |"


def _rows(known: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    rows = []
    if part := known.get("simulated"):
        held = list(part["driver_rss_mib_by_ended_attempts"].values())
        busy, whole = part["busy_share_while_runs_wait"], part["busy_share_to_the_end"]
        runs = f"{part['runs']:,} simulated runs on {part['cards']} cards"
        rows += [
            (f"{runs}: cards busy while runs wait", f"{busy:.1%} ({whole:.1%} to the end of the last)", part),
            (f"{runs}: memory of the driver", f"{held[0]:.0f} MiB at 100 ended, {held[-1]:.0f} at the last", part),
        ]
    for executor in ("local", "ray"):
        if part := known.get(f"overhead_{executor}"):
            found = part["overhead_s_per_run"]
            told = f"{found['mean']:.2f} s in the mean, {found['most']:.2f} at most"
            rows.append((f"what the engine adds to a run, `{executor}`", told, part))
        if part := known.get(f"disturbed_{executor}"):
            told = f"{part['rows_equal']} of {part['rows']} rows equal to those of an undisturbed run"
            rows.append(
                (f"ten runs, three made to crash, and {part['killed']['what']} killed, `{executor}`", told, part)
            )
    return rows


def comparison_page() -> str:
    """The comparison as far as it has come."""
    file = RESULTS / "experiments_comparison.md"
    if not file.exists():
        return COMPARISON + "It has not been run to its end yet.\n"
    before, mark, tables = file.read_text(encoding="utf-8").replace("# comparison\n\n", "", 1).partition("## Runs\n")
    return COMPARISON + before + TEACHES + PICTURES + mark + tables
