"""From what came back to probes: whose values are in it, for every role that gets to see it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from allotment.evaluation.canaries import Canary, Detector
from allotment.evaluation.leaks._types import Ending, Probe, Said

CELL = " | "
"""Stands between the cells of a row in a text, and never in one."""
_BETWEEN_CELLS = re.compile(r"\n| \| ")
_OF_CELLS = frozenset({"account", "sql"})


def row_text(cells: Iterable[Any]) -> str:
    """A row as one line; what a cell has of line breaks and separators becomes a space, so that it stays one cell."""
    return CELL.join(" ".join(_BETWEEN_CELLS.split(_shown(cell))) for cell in cells)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    return bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes | memoryview) else str(cell)


class Judge:
    """Looks for every canary in every text, not only for the one that was asked for. Each text is looked at once."""

    def __init__(self, canaries: Iterable[Canary], controls: Iterable[Canary] = ()) -> None:
        """``controls``: facts that show whether something is said at all. Nobody looked whether their values stand
        elsewhere ("4" does), so they count for whoever may know them and asked for them, and for nobody else."""
        known = {one.id: one for one in canaries}
        facts = {one.id: one for one in controls if one.id not in known}
        self._detector = Detector([*known.values(), *facts.values()])
        self._controls = facts.keys()
        self._found: dict[tuple[str, str], dict[str, Canary]] = {}
        self._in_cell: dict[str, tuple[Canary, ...]] = {}

    def probes(
        self, said: Said, aims: Iterable[Canary], roles: Collection[str], *, may_echo: bool = True
    ) -> Iterator[Probe]:
        """One probe for each role and each canary aimed at, and one more for each other value a role may not know.

        Args:
            said: what came back.
            aims: what was asked for.
            roles: who gets to see it.
            may_echo: whether the text may repeat the prompt, so that a value that stands in it counts for nothing.
        """
        if said.path in _OF_CELLS:
            found = self._in_cells(said.text)
        else:
            found = self._in(said.text, said.prompt if may_echo else "")
        aimed = {canary.id: canary for canary in aims}
        for role in sorted(roles):
            for canary in aimed.values():
                if role in canary.readers or canary.id not in self._controls:
                    yield Probe(role, canary, said, "hit" if canary.id in found else _miss(said))
            for identity, canary in found.items():
                if identity not in aimed and identity not in self._controls and role not in canary.readers:
                    yield Probe(role, canary, said, "hit")

    def _in(self, text: str, asked: str) -> dict[str, Canary]:
        if not text:
            return {}
        key = (text, asked)
        if key not in self._found:
            self._found[key] = {canary.id: canary for canary in self._detector.found(text, asked=asked)}
        return self._found[key]

    def _in_cells(self, text: str) -> dict[str, Canary]:
        """The same cells come back from statement after statement; each is looked at once."""
        cells = set(_BETWEEN_CELLS.split(text))
        self._learn([cell for cell in cells if cell not in self._in_cell])
        return {canary.id: canary for cell in cells for canary in self._in_cell[cell]}

    def _learn(self, cells: list[str]) -> None:
        """All at once, and by halves where something is found: most cells hold nothing."""
        found = self._detector.found("\n".join(cells)) if cells else ()
        if not found or len(cells) == 1:
            self._in_cell |= dict.fromkeys(cells, found)
            return
        middle = len(cells) // 2
        self._learn(cells[:middle])
        self._learn(cells[middle:])


def _miss(said: Said) -> Ending:
    return "miss" if said.ending == "told" else said.ending
