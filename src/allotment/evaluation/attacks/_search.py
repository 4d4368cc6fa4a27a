"""Attempts that learn from what came back: a search over changes, and a model that reads the refusals."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from allotment.evaluation.attacks._attackers import Attacker, Changing, Maker, Writing
from allotment.evaluation.attacks._targets import DOORS, Cell, cells
from allotment.evaluation.attacks._types import Attack, Door, Result
from allotment.evaluation.canaries import Canary
from allotment.models import Engine
from allotment.project import Project

Ask = Callable[[Attack], Result]
_WRITES_EVERY = 3


class _Line:
    """Tries of one role on one canary by one door, one after another."""

    def __init__(self, cell: Cell, maker: Maker, chance: random.Random, writer: Attacker | None) -> None:
        self._search = Changing(cell, maker, chance)
        self._writer = writer
        self._last: tuple[Attack, Result] | None = None
        self._made = 0
        self.is_open = True

    def wants_to_write(self, calls_left: int) -> bool:
        """Whether the next try is the model's."""
        return bool(self._writer and self._last and calls_left > 0 and self._made % _WRITES_EVERY == 0)

    def next(self, *, written: bool) -> Attack | None:
        """The next try; none where no other can be made."""
        self._made += 1
        if self._last is None:
            return self._search.first()
        if written and self._writer and (attack := self._writer.next(*self._last)):
            return attack
        return self._search.next(*self._last)

    def learn(self, attack: Attack, result: Result) -> None:
        """Take in what came back; a leak ends the line."""
        self._last = (attack, result)
        self.is_open = result.ending != "leaked"


def adaptive(
    project: Project,
    canaries: Sequence[Canary],
    seed: int,
    ask: Ask,
    *,
    most: int = 200,
    first: int = 0,
    engine: Engine | None = None,
    calls: int = 40,
) -> Iterator[tuple[Attack, Result]]:
    """Try, keep what got further, change it, try again; in turns for every role, reader set and door.

    What was tried is given back at once, so that nothing is lost if ``ask`` or ``engine`` fails later.

    Args:
        project: whose roles, agents and accounts.
        canaries: what is aimed at.
        seed: the same gives the same, if ``ask`` answers the same.
        ask: makes one attempt and tells what became of it.
        most: attempts at most.
        first: number of the first attempt.
        engine: writes some of the tries from the refusals, at temperature 0; none leaves all to the search.
        calls: of ``engine`` at most.

    Raises:
        InputError: there is no canary that a role may not know.
        EngineError: ``engine`` does not answer.
    """
    groups = cells(project, canaries)
    return _tries(project, groups, seed, ask, most, first, engine, calls)


def _tries(
    project: Project,
    groups: dict[Door, tuple[Cell, ...]],
    seed: int,
    ask: Ask,
    most: int,
    first: int,
    engine: Engine | None,
    calls: int,
) -> Iterator[tuple[Attack, Result]]:
    chance = random.Random(f"search {seed}")  # noqa: S311 a seed gives the same search again
    maker = Maker(project, first, chance)
    lines = [_line(cell, maker, chance, engine, seed) for cell in _in_turns(groups)]
    while lines:
        for line in lines:
            if most <= 0:
                return
            written = line.wants_to_write(calls)
            calls -= written
            attack = line.next(written=written)
            if attack is None:
                line.is_open = False
                continue
            most -= 1
            result = ask(attack)
            line.learn(attack, result)
            yield attack, result
        lines = [line for line in lines if line.is_open]


def _in_turns(groups: dict[Door, tuple[Cell, ...]]) -> Iterator[Cell]:
    """All doors from the first attempts on."""
    rows = zip_longest(*(groups[door] for door in DOORS if door in groups))
    return (cell for row in rows for cell in row if cell is not None)


def _line(cell: Cell, maker: Maker, chance: random.Random, engine: Engine | None, seed: int) -> _Line:
    chosen = Cell(cell.door, cell.role, cell.set_name, (chance.choice(cell.targets),))
    talks = engine is not None and cell.door in ("api", "session")
    return _Line(chosen, maker, chance, Writing(chosen, maker, engine, seed) if engine and talks else None)
