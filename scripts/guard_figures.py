"""How the figures of ``benchmarks/guards.py`` are written: shares with their intervals, and parts of pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from allotment.guards.training import Share

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "guards.json"
Figures = Mapping[str, Any]
LEARNT = " ¹"
"""Mark of a set that is learnt."""
ENOUGH = 4
"""Texts that a way of writing needs to be told, and to count for a goal."""
FEW = 50
"""Fewer texts are told with a share."""


@cache
def kept() -> Figures:
    """What the benchmark wrote."""
    found: Figures = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def with_interval(hits: int, of: int) -> str:
    """``92.1 % (87.6–95.1)``."""
    share = Share(hits, of)
    low, high = share.interval
    return f"{percent(share.value)} ({low * 100:.1f}–{high * 100:.1f})"


def told_share(hits: int, of: int) -> str:
    """A share with its interval, and the number of texts where they are few."""
    return with_interval(hits, of) + (f" of {of}" if of < FEW else "")


def percent(share: float) -> str:
    """``92.1 %``."""
    return f"{share * 100:.1f} %"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def marked(name: str, figures: Figures) -> str:
    """A set's name, marked where it is learnt."""
    return f"{name}{LEARNT if figures['learnt'] else ''}"


def quoted(text: str, most: int = 110) -> str:
    """A text as code on one line, without what would end the code or the table."""
    line = " ".join(text.split())
    plain = "".join(char for char in line if char.isprintable() and char not in "`|<>[]")
    return f"`{plain[:most]}`" if plain else "(nothing to be seen)"


def wrong_texts(sets: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """A list of sets with texts under each."""
    for name, texts in sets.items():
        yield f"- {name}:"
        yield from (f"    - {quoted(text)}" for text in texts)


def measured_line() -> str:
    """When, where and with what it was measured."""
    about = kept()["about"]
    return (
        f"{about['date']}, {about['machine']}, Python {about['python']}, numpy {about['numpy']}, scikit-learn"
        f" {about['scikit-learn']}."
    )
