"""Sections for a teacher to ask about: made up, no two alike, the same for every client."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

_SENTENCES = 16
_TOWNS = ("Harrow", "Elmfield", "Northgate", "Quayside", "Westmoor", "Ashby", "Fernley", "Milford")
_THINGS = ("ropes", "lanterns", "barrels", "ledgers", "spare wheels", "tarpaulins", "seals", "crates")
_KEEPERS = ("the foreman", "the night clerk", "the harbour master", "the quartermaster", "the driver on duty")


def section(number: int) -> str:
    """One paragraph of about 1,500 characters."""
    chance = Random(number)
    return " ".join(_sentence(number, clause, chance) for clause in range(_SENTENCES))


def _sentence(number: int, clause: int, chance: Random) -> str:
    town, things, keeper = chance.choice(_TOWNS), chance.choice(_THINGS), chance.choice(_KEEPERS)
    return f"Clause {clause} of section {number}: depot {town} hands out {chance.randint(2, 99)} {things} by {keeper}."


def write_sections(target: Path, count: int) -> None:
    """One section a line, as ``{"number": …, "text": …}``."""
    with target.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({"number": number, "text": section(number)}) + "\n")
