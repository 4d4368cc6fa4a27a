"""Which of a dataset's training items are trained on: the mix of their kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allotment.dataset import Item
from allotment.project._training import ItemKind
from allotment.workspace import hash_text

_DIGITS = 8
"""Hex digits of an item's hash that place it between 0 and 1."""


def training_items(items: Sequence[Item], mix: Mapping[ItemKind, float]) -> list[Item]:
    """The items to train on, in their order.

    Args:
        items: of an agent's dataset, whatever their split.
        mix: kind of items → share that is kept, 0 to 1; all of a kind that is not named.
    """
    return [item for item in items if item.split == "train" and _place(item) < mix.get(item.kind, 1.0)]


def _place(item: Item) -> float:
    """Where the item lies between 0 and 1, the same in every mix."""
    return int(hash_text(item.id)[:_DIGITS], 16) / float(16**_DIGITS)
