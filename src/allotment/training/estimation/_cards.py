"""Cards: what each holds, how fast it computes, and what an hour of it costs and when that was so."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from allotment.errors import ProjectError

UNDATED = "undated"


@dataclass(frozen=True)
class Card:
    """One kind of card at one provider. None is unknown."""

    gpu: str
    vram_gib: float
    """As the driver reports it, which is less than the name says where memory corrects its errors."""
    bf16_tflops: float | None
    """Peak of dense products in bf16 with sums in fp32, as NVIDIA publishes it."""
    usd_per_hour: float | None = None
    """On demand."""
    usd_per_hour_spot: float | None = None
    """Where the provider may take the card back."""
    provider: str = ""
    as_of: str = UNDATED
    """Day or month of the price."""
    source: str = ""


@lru_cache
def shipped_cards() -> tuple[Card, ...]:
    """The price list that comes with the package, by card; those without a price are cards people own."""
    text = (files("allotment.training.estimation") / "cards.csv").read_text(encoding="utf-8")
    return tuple(_card(row) for row in csv.DictReader(text.splitlines()))


def _card(row: Mapping[str, str]) -> Card:
    return Card(
        row["gpu"],
        float(row["vram_gib"]),
        _number(row["bf16_tflops"]),
        _number(row["usd_per_hour"]),
        _number(row["usd_per_hour_spot"]),
        row["provider"],
        row["as_of"] or UNDATED,
        row["source"],
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


@lru_cache
def known_cards() -> dict[str, Card]:
    """What is known of each card besides its prices, by its name without spaces and maker's words."""
    found: dict[str, Card] = {}
    for card in shipped_cards():
        found.setdefault(card_key(card.gpu), Card(card.gpu, card.vram_gib, card.bf16_tflops))
    return found


_NOISE = {"nvidia", "geforce", "tesla", "quadro", "generation", "edition", ""}
_MEMORY = re.compile(r"\d+gb|hbm\w*")
_WORKSTATION = re.compile(r"a\d000")


def card_key(name: str) -> str:
    """One spelling of a card's name, however drivers and catalogues write it; another card never has the same.

    ``NVIDIA RTX A5000``, ``RTXA5000`` and ``A5000`` are one; ``RTX 4080`` and ``RTX 4080 SUPER`` are two.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word not in _NOISE]
    key = "".join(word for word in words if not _MEMORY.fullmatch(word))
    whole = "".join(words)
    if key in ("a100", "a100sxm4", "a100sxm", "a100pcie"):  # one card in two sizes, however it is plugged in
        return "a100" + next((word for word in words if word in ("40gb", "80gb")), "")
    if key.startswith("h100"):  # three cards; a name that says only H100 is none of them
        return "h100sxm" if key == "h100" and "hbm3" in whole else key.replace("sxm5", "sxm")
    if key == "rtx4060ti" and "16gb" in words:
        return "rtx4060ti16gb"
    return f"rtx{key}" if _WORKSTATION.fullmatch(key) else key.removesuffix("sxm")


def find_card(name: str, memory_gib: float | None = None) -> Card | None:
    """A card by any spelling of its name; none if it is not known, or holds another amount than ``memory_gib``."""
    known = known_cards()
    key = card_key(name)
    if key == "a100" and memory_gib is not None:
        key = "a10040gb" if memory_gib < 60 else "a10080gb"
    if key == "rtx4060ti" and memory_gib is not None and memory_gib > 12:
        key = "rtx4060ti16gb"
    card = known.get(key)
    if card is None or memory_gib is None:
        return card
    return card if abs(card.vram_gib - memory_gib) <= 0.1 * card.vram_gib else None


def peak_tflops(device_name: str) -> float | None:
    """Dense bf16 peak of a card by the name its driver gives it; none if the card is not known."""
    card = find_card(device_name)
    return card.bf16_tflops if card else None


def priced(cards: Sequence[Card], prices: Mapping[str, float]) -> tuple[Card, ...]:
    """The cards with prices of one's own; such a card has that price alone, whoever the list had it from.

    Args:
        cards: a price list.
        prices: name of a card → dollars an hour.

    Raises:
        ProjectError: a card that is neither in the list nor known.
    """
    found = list(cards)
    for name, price in prices.items():
        same = [card for card in found if card_key(card.gpu) == card_key(name)]
        known = same[0] if same else find_card(name)
        if known is None:
            names = ", ".join(sorted({card.gpu for card in (*found, *known_cards().values())}))
            raise ProjectError("this card is not known.", element=f"--price {name}", remedy=f"Known: {names}.")
        mine = replace(
            known, usd_per_hour=price, usd_per_hour_spot=None, provider="your price", as_of="today", source="--price"
        )
        place = found.index(same[0]) if same else len(found)
        found = [card for card in found if card not in same]
        found.insert(place, mine)
    return tuple(found)
