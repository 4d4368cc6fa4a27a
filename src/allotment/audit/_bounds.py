"""Makes an event fit to be written: values JSON knows, of bounded size. What is cut carries a mark that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

MOST_CHARACTERS = 8_000
"""Of one text."""
MOST_IN_ALL = 64_000
"""Characters of all texts of an event together; those beyond are cut to their mark."""
MOST_ITEMS = 1_000
"""Of one list or object, and of an event in all."""
MOST_LEVELS = 8
"""Of lists and objects in each other."""


def bounded(event: Mapping[str, Any]) -> dict[str, Any]:
    """``event`` as it is, where it is plain and small; else with its values turned into plain ones and cut.

    A number that is none (NaN, infinity) becomes its name, a set a sorted list, and what JSON does not know its text.
    """
    budget = _Budget()
    return budget.object(event, MOST_LEVELS)


class _Budget:
    """What one event may still hold."""

    def __init__(self) -> None:
        self._characters = MOST_IN_ALL
        self._items = MOST_ITEMS

    def object(self, value: Mapping[Any, Any], levels: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if self._items <= 0:
                kept["cut"] = f"[{len(value)} entries in all]"
                break
            self._items -= 1
            name = self.text(str(key))
            kept[name] = self.value(item, levels - 1)
        return kept

    def value(self, value: Any, levels: int) -> Any:
        if value is None or isinstance(value, bool | int):
            return value if not isinstance(value, int) or value.bit_length() <= 256 else self.text(hex(value))
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, str):
            return self.text(value)
        if levels <= 0:
            return "[deeper levels cut]"
        if isinstance(value, Mapping):
            return self.object(value, levels)
        if isinstance(value, set | frozenset):
            return self.list(sorted(value, key=repr), levels)
        if isinstance(value, list | tuple):
            return self.list(value, levels)
        return self.text(value.isoformat() if isinstance(value, datetime) else str(value))

    def list(self, value: Any, levels: int) -> Any:
        kept: list[Any] = []
        for item in value:
            if self._items <= 0:
                kept.append(f"[cut: {len(value)} items in all]")
                break
            self._items -= 1
            kept.append(self.value(item, levels - 1))
        return kept

    def text(self, text: str) -> str:
        room = min(MOST_CHARACTERS, self._characters)
        self._characters -= min(room, len(text))
        return text if len(text) <= room else f"{text[:room]} [cut: {len(text)} characters in all]"
