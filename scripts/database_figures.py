"""The figures of docs/database.md, from those its benchmark kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page_marks import between

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "database.json"
Figures = Mapping[str, Any]


def with_database_figures(page: str) -> str:
    """A page with its figures between the marks ``speed`` and ``timing``."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    page = between(page, "speed", _speed(kept).splitlines(), "docs/database.md")
    return between(page, "timing", _timing(kept["timing"]).splitlines(), "docs/database.md")


_HEAD = (
    "| statement | ours, median and 95 % | bare | connecting alone | over bare: median, 95 %"
    " | processor of the client, ours | bare |"
)


def _speed(kept: Figures) -> str:
    gate, load, busy = kept["gate"], kept["load"], kept["waiting_for_a_core"]
    beside = f" Beside other work: {busy:g} programs ran or waited for a core." if busy > 2 else ""
    lines = [
        f"Measured with `benchmarks/database.py` ({kept['date']}, {kept['machine']}).{beside}",
        "",
        f"The gate takes {gate['p50_ms']:.2f} ms for half of {gate['statements']} statements, {gate['p95_ms']:.2f} ms",
        f"at most for 95 %, and {gate['p99_ms']:.2f} ms for 99 % (of a processor {_three(gate['processor'])} ms).",
        "The whole way of a query (gate, turn, connection, read-only transaction, bounds) beside the bare driver that",
        "connects and runs the same statement, in turn:",
        "",
        _HEAD,
        "|---|---|---|---|---|---|---|",
        *(_asked(name, one) for name, one in kept["overhead"].items()),
        "",
        "About half of the bare way is the connection: a server process of its own, and a password that is checked",
        "with 4,096 rounds.",
        "",
        f"{load['requests']:,} requests of {load['askers_at_once']} askers at once over {load['agents']} agents:",
        f"{load['right']:,} right, none mixed up, {load['seconds']:g} s; at any time {load['most_connections']}",
        f"connections at most, {load['most_of_one_account']} of one account; {load['connections_left']} left after.",
        "",
        "| tables in the database | self-check | schema card | a query | provisioning after a change |",
        "|---|---|---|---|---|",
        *(_grown(int(tables), one) for tables, one in kept["growth"].items()),
    ]
    return "\n".join(lines) + "\n"


def _three(spread: Figures) -> str:
    return f"{spread['p50_ms']:.2f}, {spread['p95_ms']:.2f} and {spread['p99_ms']:.2f}"


def _asked(name: str, one: Figures) -> str:
    def both(what: Figures) -> str:
        return f"{what['p50_ms']:.1f}, {what['p95_ms']:.1f} ms"

    processor = one["processor"]
    cells = [
        name,
        both(one["ours"]),
        both(one["bare"]),
        both(one["connection"]),
        both(one["over_bare"]),
        f"{processor['ours']['p50_ms']:.1f} ms",
        f"{processor['bare']['p50_ms']:.1f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def _grown(tables: int, one: Figures) -> str:
    names = ("self_check_s", "schema_card_s", "query_s", "provision_after_a_change_s")
    return f"| {tables:,} | {' | '.join(f'{one[name]:.2f} s' for name in names)} |"


def _timing(kept: Figures) -> str:
    rows = [
        f"| {name} | {one['hidden_ms']:.2f} ms | {one['absent_ms']:.2f} ms | {one['ratio']:.2f} |"
        for name, one in kept.items()
    ]
    return "| the table has | hidden value | absent value | ratio |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
