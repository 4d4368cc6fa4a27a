"""``training estimate``: the price list that is asked for, and the estimate as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.cli._progress import duration
from allotment.cli._run import print_table
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.training import Card, EstimateRow, TrainingEstimate

_COLUMNS = ("card", "GiB", "$/h", "as of", "method", "peak GiB", "safe", "fits", "time", "$", "spot $", "note")
_UNKNOWN = "unknown"


def price_list(prices: Path | None, own: Sequence[str]) -> tuple[Card, ...]:
    """The shipped list, or the file ``prices``, with prices of one's own (``CARD=USD``).

    Raises:
        ProjectError: the file is no price list, or a price is not of that form.
    """
    from allotment.training import priced, read_price_list, shipped_cards

    listed = shipped_cards() if prices is None else read_price_list(prices)
    return priced(listed, dict(_price(text) for text in own))


def _price(text: str) -> tuple[str, float]:
    card, _, usd = text.rpartition("=")
    try:
        value = float(usd)
    except ValueError:
        value = math.nan
    if not card.strip() or not math.isfinite(value) or value < 0:
        raise ProjectError(
            "this is not a card and its price.", element=f"--price {text}", remedy="Write `--price 'RTX 3090=0.44'`."
        )
    return card.strip(), value


def print_estimate(console: Console, value: TrainingEstimate, *, every: bool) -> None:
    """The rows of the configured method, the best of each other one, and which card is cheapest; or ``every`` row."""
    from rich.text import Text

    what = f"{value.agent}: {value.tokens:,} tokens{_of_examples(value)}, {value.model}{_of_parameters(value)}"
    console.print(Text(f"{what}, method {value.method}"))
    rows = list(value.rows) if every else _worth_showing(value)
    print_table(console, _COLUMNS, [_cells(row, value) for row in rows], "")
    for line in _sentences(value, hidden=len(value.rows) - len(rows)):
        console.print(Text(line))


def _of_examples(value: TrainingEstimate) -> str:
    return "" if value.examples is None else f" of {value.examples:,} examples"


def _of_parameters(value: TrainingEstimate) -> str:
    if value.parameters is None:
        return ""
    return f" with {value.parameters / 1e9:.2f} billion weights" if value.parameters > 1e8 else ""


def _worth_showing(value: TrainingEstimate) -> list[EstimateRow]:
    """The configured method on every card with a price, at its cheapest provider, the cheapest first; then each other
    method on the card it is cheapest on."""
    best: dict[tuple[str, str], EstimateRow] = {}
    for row in value.rows:
        if row.card != value.here.card and row.usd_per_hour is not None:
            key = (row.method, row.card if row.method == value.method else "")
            best[key] = min(best.get(key, row), row, key=_cost)
    mine = [row for (method, _), row in best.items() if method == value.method]
    others = [row for (method, _), row in best.items() if method != value.method]
    return [value.here, *sorted(mine, key=_cost), *others]


def _cost(row: EstimateRow) -> float:
    return math.inf if row.usd is None else row.usd


def _cells(row: EstimateRow, value: TrainingEstimate) -> tuple[str, ...]:
    return (
        f"{row.card}, {row.provider}" if row.provider else row.card,
        _number(row.vram_gib, 0),
        _number(row.usd_per_hour, 2),
        row.as_of,
        row.method,
        _number(row.peak_gib, 1),
        _number(row.safe_gib, 1),
        _UNKNOWN if row.fits is None else "yes" if row.fits else "with changes" if row.changes else "no",
        _UNKNOWN if row.minutes is None else duration(round(row.minutes * 60)),
        _dollars(row.usd),
        _dollars(row.usd_spot),
        _note(row, cheapest=row is value.cheapest),
    )


def _number(number: float | None, digits: int) -> str:
    return _UNKNOWN if number is None else f"{number:,.{digits}f}"


def _dollars(usd: float | None) -> str:
    """To the cent, and less than that in digits that say something."""
    return _UNKNOWN if usd is None else f"{usd:.2f}" if usd >= 0.1 else f"{usd:.2g}"


def _note(row: EstimateRow, *, cheapest: bool) -> str:
    told = ["cheapest"] if cheapest else []
    told += ["checkpointing"] if row.gradient_checkpointing and not row.changes else []
    return ", ".join([*told, *([row.advice] if row.advice else [])])


def _sentences(value: TrainingEstimate, *, hidden: int) -> list[str]:
    found = [_cheapest(value)]
    if value.cheapest is not None and value.parameters is not None:
        found.append(
            "Time and price are of training alone, at the rate most published stacks reach; a slow one takes 1.6 times"
            f" as long. Starting a rented machine and fetching {value.parameters * 2 / 1e9:.1f} GB are billed, too."
        )
    if hidden:
        found.append(f"{hidden} more rows, cards without a price among them: --all. Your prices: --price 'CARD=USD'.")
    return found


def _cheapest(value: TrainingEstimate) -> str:
    row = value.cheapest
    if row is None or row.minutes is None:
        return f"No card of the list with a price fits {value.method}; what would help is in the notes."
    told = (
        f"Cheapest for {value.method}: {row.card}, {row.provider}, {row.usd_per_hour:.2f} $/h ({row.as_of}):"
        f" {duration(round(row.minutes * 60))}, {_dollars(row.usd)} $."
    )
    return f"{told}{_beaten(value, row)}"


def _beaten(value: TrainingEstimate, best: EstimateRow) -> str:
    """A card that costs less an hour and more for the run."""
    slower = [
        (row.usd_per_hour, row.card, row.usd)
        for row in value.rows
        if row.method == value.method and row.usd is not None and row.usd_per_hour is not None
    ]
    less = [one for one in slower if one[0] < (best.usd_per_hour or 0.0)]
    if not less:
        return ""
    usd_per_hour, card, usd = min(less)
    return f" {card} costs less an hour ({usd_per_hour:.2f} $) and more for this run ({_dollars(usd)} $)."
