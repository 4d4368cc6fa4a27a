"""Items in the forms other trainers read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from allotment.dataset._types import Item, Split

ExportFormat = Literal["messages", "alpaca", "sharegpt"]


def export(items: Iterable[Item], format: ExportFormat, split: Split = "train") -> list[dict[str, Any]]:
    """One row for each item of ``split``, with where it comes from and who may read it.

    The held-out questions stay out of a training file unless they are asked for.
    """
    make = _FORMATS[format]
    return [{**make(item), "metadata": _metadata(item)} for item in items if item.split == split]


def _messages(item: Item) -> dict[str, Any]:
    turns = (("user", item.question), ("assistant", item.answer))
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def _alpaca(item: Item) -> dict[str, Any]:
    return {"instruction": item.question, "input": "", "output": item.answer}


def _sharegpt(item: Item) -> dict[str, Any]:
    turns = (("human", item.question), ("gpt", item.answer))
    return {"conversations": [{"from": speaker, "value": value} for speaker, value in turns]}


def _metadata(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "group": item.group,
        "document": item.document,
        "section_id": item.section_id,
        "value": item.value,
        "language": item.language,
        "readers": sorted(item.readers),
    }


_FORMATS: dict[ExportFormat, Callable[[Item], dict[str, Any]]] = {
    "messages": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
}
