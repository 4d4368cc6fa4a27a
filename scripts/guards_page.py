"""docs/guards.md: its tables from what ``benchmarks/guards.py`` wrote, between the page's marks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "guards.json"
Figures = Mapping[str, Any]
WAYS = ("twenty terms", "TF-IDF on deepset", "rules", "injection_model", "impersonation_model", "chain")
BY_FOLDS = (
    "deepset",
    "in-the-wild",
    "our templates of injections",
    "our templates of claims",
    "impersonation learnt",
    "documents",
)
GOALS = (
    ("example company, harmless", "at most", 0.01),
    ("NotInject, harmless", "at most", 0.05),
    ("deepset, attacks", "at least", 0.9),
    ("in-the-wild, attacks", "at least", 0.9),
    ("impersonation unseen, attacks", "at least", 0.9),
)


def with_guards_figures(page: str) -> str:
    """The page with its figures between the marks."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    parts = {
        "goals": _goals(kept),
        "sets": _sets(kept["sets"]),
        "mutations": _mutations(kept["mutations"]),
        "curve": _curve(kept["curve"]),
        "missed": _missed(kept["sets"]),
        "latency": _latency(kept),
        "sources": _sources(kept["classifier"]),
    }
    for mark, lines in parts.items():
        page = _between(page, mark, "\n".join(lines) + "\n")
    return page


def _between(page: str, mark: str, text: str) -> str:
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"docs/guards.md has no mark {mark!r}")
    return f"{before}{begin}{text}{end}{rest.partition(end)[2]}"


def _goals(kept: Figures) -> Iterator[str]:
    yield "| goal | measured | reached |"
    yield "|---|---|---|"
    for name, way, limit in GOALS:
        share = kept["sets"][name]["refused"]["chain"] if name in kept["sets"] else None
        reached = "not measured" if share is None else _yes(share >= limit if way == "at least" else share <= limit)
        yield f"| {name}: {way} {limit:.0%} refused | {'' if share is None else _percent(share)} | {reached} |"
    changed = {name: row for name, row in kept["mutations"].items() if name != "as written"}
    for attacks in ("deepset, attacks", "in-the-wild, attacks"):
        least = min(changed, key=lambda name: float(changed[name][attacks]))
        share = changed[least][attacks]
        under = sum(row[attacks] < 0.8 for row in changed.values())
        yield (
            f"| {attacks}: at least 80% after each mutation | {_percent(share)} after the worst, {least};"
            f" {under} of {len(changed)} below | {_yes(share >= 0.8)} |"
        )
    p95 = kept["latency"]["tokens_500"]["p95_ms"]
    yield f"| 500 tokens: 95 % under 5 ms on one core | {p95:g} ms | {_yes(p95 < 5)} |"


def _sets(sets: Figures) -> Iterator[str]:
    yield f"| set | texts | {' | '.join(WAYS)} |"
    yield f"|---|---|{'---|' * len(WAYS)}"
    for attack in (True, False):
        for name, row in sets.items():
            if row["attack"] == attack:
                mark = "" if name.split(",")[0] not in BY_FOLDS else " ¹"
                cells = (_percent(row["refused"][way]) for way in WAYS)
                yield f"| {name}{mark} | {row['texts']} | {' | '.join(cells)} |"


def _mutations(rows: Figures) -> Iterator[str]:
    names = list(rows["as written"])
    yield f"| written as | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for mutation, row in rows.items():
        yield f"| {mutation} | {' | '.join(_percent(row[name]) for name in names)} |"


def _curve(rows: list[Figures]) -> Iterator[str]:
    names = [name for name in rows[0] if name != "threshold"]
    yield f"| threshold | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for row in rows:
        yield f"| {row['threshold']:g} | {' | '.join(_percent(row[name]) for name in names)} |"


def _missed(sets: Figures) -> Iterator[str]:
    for name, row in sets.items():
        if row["wrong"]:
            yield f"- {name}, {'let through' if row['attack'] else 'refused'}:"
            yield from (f"    - {_quoted(text)}" for text in row["wrong"][:4])


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    plain = "".join(char for char in line if char not in "`|<>[]")
    return f"`{plain[:110]}`"


def _latency(kept: Figures) -> Iterator[str]:
    times = kept["latency"]
    yield "| what | texts | half under ms | 95 % under | 99 % under |"
    yield "|---|---|---|---|---|"
    rows = (
        ("question", "a question to the example company, all checks"),
        ("of_it_classifier", "of it the classifier"),
        ("tokens_500", "2,000 characters of the handbooks, all checks"),
    )
    for key, what in rows:
        row = times[key]
        yield f"| {what} | {row['texts']} | {row['p50_ms']:g} | {row['p95_ms']:g} | {row['p99_ms']:g} |"
    yield ""
    grown = ", ".join(f"{int(size):,} characters {value:g} ms" for size, value in times["conversation_ms"].items())
    yield f"A conversation of ordinary text brought along with a question: {grown}."
    yield f"The first question: {times['first_ms']:g} ms."
    about = kept["about"]
    yield f"Processor time of one core; {about['date']}, {about['machine']}, Python {about['python']}."


def _sources(card: Figures) -> Iterator[str]:
    yield "| set | texts | licence |"
    yield "|---|---|---|"
    for source in card["sources"]:
        yield f"| {source['name']} | {source['texts']} | {source['licence']} |"
    yield ""
    limits = ", ".join(f"{name} {value:g}" for name, value in card["thresholds"].items())
    same = "the same bytes as" if card["same_as_shipped"] else "other bytes than"
    yield f"Thresholds: {limits}. Trained anew by the benchmark it has {same} the shipped classifier."


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"
