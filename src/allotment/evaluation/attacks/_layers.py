"""What each layer stopped, counted; and what would have got through without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from allotment.evaluation.attacks._attackers import WRITTEN
from allotment.evaluation.attacks._found import Found
from allotment.evaluation.attacks._seen import LAYERS
from allotment.evaluation.attacks._types import Attack, Layer, Result
from allotment.evaluation.attacks._without import INSTEAD
from allotment.evaluation.report import Cell, Figure, Table
from allotment.evaluation.scoring import wilson_interval

_MARKS: tuple[tuple[str, Callable[[Attack], str]], ...] = (
    ("door", lambda attack: attack.door),
    ("role", lambda attack: attack.role),
    ("claim", lambda attack: attack.claim),
    ("encoding", lambda attack: attack.encoding),
    ("language", lambda attack: attack.language),
    ("strategy", lambda attack: attack.strategy),
    ("trick", lambda attack: attack.trick),
    ("plant", lambda attack: attack.plant),
)
_SEARCH, _WRITER = "a search over changes", "a model that read the refusals"
_ENDS = (*LAYERS, "leaked", "failed")


def layer_tables(found: Found) -> Iterator[Table]:
    """Attempts by what stopped them: in all, by check, and by everything an attempt is made of."""
    if found.endpoint:
        yield from (_by(found, name, mark, ("refused", "answered", "leaked", "failed")) for name, mark in _MARKS)
        return
    yield _all(found)
    yield _by_check(found)
    yield from (_by(found, name, mark, _ENDS) for name, mark in _MARKS)
    if found.adapted:
        yield _adapted(found)
    yield _without(found)


def end_of(result: Result) -> str:
    """In one word: the layer that stopped it, or how else it ended."""
    if result.ending != "stopped":
        return result.ending
    return result.layer or ("refused" if result.detail.startswith("refused") else "answered")


def without_figures(found: Found) -> Iterator[Figure]:
    """The share that would have leaked without each layer; a later run is compared with it."""
    for layer, hits, total, _ in _taken_away(found):
        share, interval = (hits / total, wilson_interval(hits, total)) if total else (None, None)
        title = f"Would have leaked without the layer {layer}"
        yield Figure(f"attacks.without.{layer}", title, share, "neither", interval, total)


def hits_without(found: Found) -> int:
    """How many attempts gave something away once what had stopped them was gone."""
    return sum(hits for layer, hits, _, _ in _taken_away(found) if layer in ("authorize", "router", "model", "gateway"))


def _all(found: Found) -> Table:
    counts = Counter(end_of(result) for result in found.results)
    total = max(1, len(found.results))
    rows = [(end, counts[end], round(counts[end] / total, 4)) for end in _ENDS]
    return Table("layers", "What stopped the attempts", ("layer", "attempts", "share"), tuple(rows))


def _by_check(found: Found) -> Table:
    counts = Counter(
        (result.layer, check)
        for result in found.results
        if result.ending == "stopped" and result.layer
        for check in result.detail.split(", ")
    )
    order = sorted(counts.items(), key=lambda item: (LAYERS.index(item[0][0] or "gateway"), -item[1], item[0][1]))
    rows: list[tuple[Cell, ...]] = [(layer, check, count) for (layer, check), count in order]
    note = "An attempt that several checks refused is counted at each."
    return Table("checks", "Which check of it", ("layer", "check", "attempts"), tuple(rows), note)


def _by(found: Found, name: str, mark: Callable[[Attack], str], ends: tuple[str, ...]) -> Table:
    counts = Counter((mark(found.attacks[result.id]), end_of(result)) for result in found.results)
    rows: list[tuple[Cell, ...]] = []
    for value in sorted({value for value, _ in counts}):
        row = [counts[value, end] for end in ends]
        rows.append((value, *row, sum(row)))
    return Table(f"by_{name}", f"By {name}", (name, *ends, "attempts"), tuple(rows))


def _adapted(found: Found) -> Table:
    """Who made the attempts that learnt from what came back, and where those ended."""
    adapted = [result for result in found.results if result.id in found.adapted]
    makers = {result.id: _WRITER if found.attacks[result.id].seed == WRITTEN else _SEARCH for result in adapted}
    counts = Counter((makers[result.id], end_of(result)) for result in adapted)
    rows: list[tuple[Cell, ...]] = []
    for maker in sorted(set(makers.values())):
        row = [counts[maker, end] for end in _ENDS]
        rows.append((maker, *row, sum(row)))
    return Table("adaptive", "Attempts that learnt from what came back", ("made by", *_ENDS, "attempts"), tuple(rows))


def _without(found: Found) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for layer, hits, total, failed in _taken_away(found):
        low, high = wilson_interval(hits, total)
        rows.append((layer, INSTEAD[layer], hits, total, f"{low:.1%} to {high:.1%}", failed))
    columns = ("layer taken away", "what took its place", "would have leaked", "of", "95 %", "failed")
    note = "A sample of what each layer stopped, spread over doors and roles, made again without it."
    return Table("without", "What would have got through", columns, tuple(rows), note)


def _taken_away(found: Found) -> Iterator[tuple[Layer, int, int, int]]:
    """Layer, hits, attempts that proved something, and those that failed, of each layer that was taken away."""
    for layer in LAYERS:
        rows = [row for row in found.without if row.get("layer") == layer]
        if rows:
            failed = sum(row["ending"] == "failed" for row in rows)
            yield layer, sum(row["ending"] == "leaked" for row in rows), len(rows) - failed, failed
