"""Price lists of others: a provider's file of gpuhunt, or of SkyPilot's catalogue.

Both list machines. Those with one card are taken, the cheapest of each card, since half of a machine with two cannot be
rented. A card this package does not know is left out: without its peak nothing could be said of it.
"""

from __future__ import annotations

import ast
import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from allotment.errors import ProjectError
from allotment.training.estimation._cards import Card, card_key, find_card

_GPUHUNT = {"instance_name", "price", "gpu_count", "gpu_name", "gpu_memory", "spot"}
_SKYPILOT = {"InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "SpotPrice"}
_OWN = {"gpu", "usd_per_hour", "provider", "as_of"}


def read_price_list(path: Path) -> tuple[Card, ...]:
    """Cards and prices of a file: gpuhunt's ``<provider>.csv``, SkyPilot's ``<cloud>/vms.csv``, or one like this
    package's own ``cards.csv``. A price is as old as the file, where the file does not say.

    Raises:
        ProjectError: it cannot be read, is of no such kind, or holds no machine with one card that is known.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            columns = set(rows.fieldnames or ())
            offers = list(_offers(path, columns, rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProjectError(f"the price list cannot be read ({error}).", element=str(path)) from None
    if not offers:
        raise ProjectError(
            "the price list has no machine with exactly one card that is known.",
            element=str(path),
            remedy="Name prices yourself: `--price 'RTX 3090=0.44'`.",
        )
    return _cheapest(offers)


def _offers(path: Path, columns: set[str], rows: csv.DictReader[str]) -> Iterator[Card]:
    day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    if columns >= _GPUHUNT:
        source, read = Card("", 0, None, provider=path.stem, as_of=day, source=f"gpuhunt, {path.name}"), _gpuhunt
    elif columns >= _SKYPILOT:
        source = Card("", 0, None, provider=path.parent.resolve().name, as_of=day, source=f"SkyPilot, {path.name}")
        read = _skypilot
    elif columns >= _OWN:
        source, read = Card("", 0, None, source=path.name), _own
    else:
        raise ProjectError(
            "this is no price list that is known.",
            element=str(path),
            remedy="Give a provider's CSV of gpuhunt, a vms.csv of SkyPilot's catalogue, or a CSV with the columns"
            f" {', '.join(sorted(_OWN))}.",
        )
    for row in rows:
        card = read(row, source)
        if card is not None:
            yield card


def _gpuhunt(row: Mapping[str, str], source: Card) -> Card | None:
    price, count = _number(row["price"]), _number(row["gpu_count"])
    memory = _number(row["gpu_memory"])  # "H100" is three cards; RunPod's instances say which
    known = find_card(row["instance_name"] or "", memory) or find_card(row["gpu_name"] or "", memory)
    if known is None or count != 1 or not price:
        return None
    spot = row["spot"] == "True"
    return _with_specs(known, replace(source, usd_per_hour_spot=price) if spot else replace(source, usd_per_hour=price))


def _skypilot(row: Mapping[str, str], source: Card) -> Card | None:
    known = find_card(_skypilot_name(row), _skypilot_gib(row))
    price, spot = _number(row["Price"]), _number(row["SpotPrice"])
    if known is None or _number(row["AcceleratorCount"]) != 1 or not (price or spot):
        return None
    return _with_specs(known, replace(source, usd_per_hour=price or None, usd_per_hour_spot=spot or None))


def _skypilot_name(row: Mapping[str, str]) -> str:
    """``AcceleratorName`` says RTX4070 of an RTX 4070 Ti SUPER, too; Vast's instances (``1x-RTX_4070S_Ti-32-65536``)
    and RunPod's ``GpuInfo`` (``H100 PCIe``) tell which."""
    parts = row["InstanceType"].split("-")
    if len(parts) == 4 and parts[0] == "1x":
        return parts[1].replace("4070S_Ti", "4070_Ti_SUPER").replace("4080S", "4080_SUPER")
    name, told = row["AcceleratorName"], str(_gpu_info(row).get("Name", ""))
    return told if name == "H100" and card_key(told).startswith("h100") else name


def _skypilot_gib(row: Mapping[str, str]) -> float | None:
    """Memory of the card. RunPod's rows write 24 and mean GB where MiB are asked for; Vast's write 24564."""
    memory = _gpu_info(row).get("MemoryInfo")
    size = memory.get("SizeInMiB") if isinstance(memory, dict) else None
    if not isinstance(size, int | float) or not size:
        return None
    return float(size) if size < 1024 else size / 1024


def _gpu_info(row: Mapping[str, str]) -> dict[str, object]:
    try:
        found = ast.literal_eval(row.get("GpuInfo") or "{}")["Gpus"][0]
    except (ValueError, SyntaxError, KeyError, IndexError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _own(row: Mapping[str, str], source: Card) -> Card | None:
    known = find_card(row["gpu"] or "")
    if known is None:
        return None
    return _with_specs(
        known,
        replace(
            source,
            usd_per_hour=_number(row["usd_per_hour"]),
            usd_per_hour_spot=_number(row.get("usd_per_hour_spot")),
            provider=row["provider"] or "",
            as_of=row["as_of"] or source.as_of,
        ),
    )


def _with_specs(known: Card, priced: Card) -> Card:
    return replace(priced, gpu=known.gpu, vram_gib=known.vram_gib, bf16_tflops=known.bf16_tflops)


def _cheapest(offers: list[Card]) -> tuple[Card, ...]:
    """One row for each card and provider, with the lowest price on demand and the lowest spot price."""
    found: dict[tuple[str, str], Card] = {}
    for offer in offers:
        before = found.get((offer.gpu, offer.provider))
        found[offer.gpu, offer.provider] = (
            offer
            if before is None
            else replace(
                before,
                usd_per_hour=_lower(before.usd_per_hour, offer.usd_per_hour),
                usd_per_hour_spot=_lower(before.usd_per_hour_spot, offer.usd_per_hour_spot),
            )
        )
    return tuple(found.values())


def _lower(one: float | None, other: float | None) -> float | None:
    return min((price for price in (one, other) if price is not None), default=None)


def _number(text: str | None) -> float | None:
    """A finite number of 0 or more; none where there is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
