"""Thousands of attempts, the same from the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from allotment.errors import InputError
from allotment.evaluation.attacks._compose import compose
from allotment.evaluation.attacks._deck import Turns
from allotment.evaluation.attacks._draw import Draw
from allotment.evaluation.attacks._plants import plans
from allotment.evaluation.attacks._targets import Cell, cells
from allotment.evaluation.attacks._types import Attack, Door
from allotment.evaluation.canaries import Canary
from allotment.project import Project

WEIGHTS: dict[Door, float] = {"api": 0.4, "session": 0.15, "sql": 0.25, "search": 0.2}
"""Share of the attempts by door; the share of one that nobody can try goes to the others."""
_TRIES = 40
_VARIANTS = 1_000_000


def generate(project: Project, canaries: Sequence[Canary], count: int, seed: int) -> Iterator[Attack]:
    """Attempts, spread evenly over roles and reader sets at every door; the same arguments give the same.

    Any beginning is spread as the whole is, so that a run can end early. Those that lean on a plant expect what
    ``plants`` gives for the same canaries and seed.

    Args:
        project: whose roles, agents and accounts.
        canaries: what is aimed at; one whose question says its value is left out.
        count: how many.
        seed: decides everything else.

    Raises:
        InputError: there is no canary that a role may not know; or not so many attempts that differ.
    """
    doors = cells(project, canaries)
    return _attacks(project, doors, count, seed)


def _attacks(project: Project, doors: dict[Door, tuple[Cell, ...]], count: int, seed: int) -> Iterator[Attack]:
    chance = random.Random(f"attacks {seed}")  # noqa: S311 a seed gives the same attempts again
    targets = [target for cell in doors.get("session", ()) for target in cell.targets]
    draw = Draw(doors, plans(project, targets, seed), chance)
    turns = Turns({door: WEIGHTS[door] for door in doors})
    seen: set[str] = set()
    for number in range(count):
        attack = _new(project, draw, draw.cell(turns.draw()), number, seen, chance)
        seen.add(attack.id)
        yield attack


def _new(project: Project, draw: Draw, cell: Cell, number: int, seen: set[str], chance: random.Random) -> Attack:
    """An attempt, made of other parts if it would say the value, spelled otherwise if it was made before."""
    parts = draw.parts_in(cell)
    for _ in range(_TRIES):
        attack = compose(project, parts, number)
        if attack is not None and attack.id not in seen:
            return attack
        parts = draw.parts_in(cell) if attack is None else replace(parts, variant=chance.randrange(1, _VARIANTS))
    raise InputError(
        f"attempt {number} cannot be made: its words say the value, or it was made before.",
        element=parts.target.canary.id,
        remedy="Ask for fewer attempts, or leave this canary out.",
    )
