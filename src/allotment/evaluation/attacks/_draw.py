"""What the next attempt at a door is made of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from allotment.evaluation.attacks import _claims, _mutators, _seeds, _statements, _strategies, _tricks
from allotment.evaluation.attacks._compose import AUTO, Parts
from allotment.evaluation.attacks._deck import Deck, T
from allotment.evaluation.attacks._plants import Plan, PlantedRow
from allotment.evaluation.attacks._targets import Cell, Target
from allotment.evaluation.attacks._texts import LANGUAGES
from allotment.evaluation.attacks._types import Door

_FOREIGN, _OWN = "foreign", "own"
_MODELS = {"document": [_FOREIGN] * 4 + [AUTO] * 5 + [_OWN], "row": [_FOREIGN] * 4 + [AUTO] * 4 + [_OWN] * 2}
"""Names asked for, by where the canary lies. One of an agent of others ends at the gateway; for a row the attacker's
own ones with an account are named more often, since there the statements are written."""
_ENCODINGS = [f"{encoding}/{part}" for encoding in _mutators.ENCODINGS for part in _mutators.PARTS]
_DOCUMENT_EVERY, _ROW_EVERY = 16, 80
"""One attempt in so many leans on a planted document, or row."""


class Draw:
    """Deals every dimension out evenly."""

    def __init__(self, doors: Mapping[Door, Sequence[Cell]], plans: Iterable[Plan], chance: random.Random) -> None:
        self._chance = chance
        self._cells = {door: self._deck(cells) for door, cells in doors.items()}
        self._targets = {cell: self._deck(cell.targets) for cells in doors.values() for cell in cells}
        self._plans = {
            kind: self._by_cell(plan for plan in plans if isinstance(plan.plant, PlantedRow) == kind)
            for kind in (False, True)
        }
        self._agents: dict[tuple[str, ...], Deck[str]] = {}
        self._made = 0
        self._seeds = self._deck(_seeds.seeds())
        self._claims = self._deck([*_claims.claims(), *[_claims.NONE] * len(_claims.claims())])
        self._encodings = self._deck([*_ENCODINGS, *[_mutators.PLAIN] * len(_ENCODINGS)])
        self._languages = self._deck(LANGUAGES)
        strategies = _strategies.strategies()
        self._strategies = self._deck([*strategies, *[_strategies.SINGLE] * 2 * len(strategies)])
        self._tricks = {door: self._some_tricks(door) for door in doors}
        self._bare = self._deck((True, False))
        self._models = {origin: self._deck(names) for origin, names in _MODELS.items()}
        self._statements = self._deck(_statements.statements())
        self._queries = self._deck(_statements.queries())

    def cell(self, door: Door) -> Cell:
        """Whose turn it is at a door."""
        return self._cells[door].draw()

    def parts_in(self, cell: Cell) -> Parts:
        """Those of the next attempt of a role on a reader set."""
        door = cell.door
        target = self._targets[cell].draw()
        if door == "sql":
            return Parts(door, target, self._agent(target.with_account), seed=self._statements.draw())
        if door == "search":
            return self._search(target)
        return self._asked(door, cell, target)

    def _search(self, target: Target) -> Parts:
        reader = self._chance.choice(sorted(target.canary.readers) or ["none"])
        return Parts("search", target, self._agent(target.own), reader=reader, seed=self._queries.draw())

    def _asked(self, door: Door, cell: Cell, target: Target) -> Parts:
        self._made += 1
        plan = self._plan(cell)
        target = plan.target if plan else target
        parts = Parts(
            door,
            target,
            plan.agent if plan else target.knowing,
            model=self._model(target, plan),
            reader=self._chance.choice(sorted(target.canary.readers) or ["none"]),
            seed=self._seeds.draw(),
            claim=self._claims.draw() if plan is None else _claims.NONE,
            encoding=self._encodings.draw() if plan is None else _mutators.PLAIN,
            language=self._languages.draw(),
            strategy=self._strategies.draw() if plan is None else _strategies.SINGLE,
            trick=self._tricks[door].draw() if plan is None else _tricks.NONE,
            plan=plan,
        )
        if parts.trick == _tricks.NONE or not self._bare.draw():
            return parts
        # A hole in how requests are taken shows best by the question that the agent learnt, as it learnt it.
        single, plain = _strategies.SINGLE, _mutators.PLAIN
        return replace(parts, seed=_seeds.PLAIN, claim=_claims.NONE, encoding=plain, strategy=single)

    def _model(self, target: Target, plan: Plan | None) -> str:
        if plan is not None:
            return plan.agent
        is_row = target.canary.origin == "row"
        chosen = self._models["row" if is_row else "document"].draw()
        if chosen == _OWN:
            own = target.with_account if is_row else target.own
            return self._agent(own) if own else AUTO
        return target.knowing if chosen == _FOREIGN else AUTO

    def _plan(self, cell: Cell) -> Plan | None:
        is_row = self._made % _ROW_EVERY == 0
        if not is_row and self._made % _DOCUMENT_EVERY:
            return None
        deck = self._plans[is_row].get((cell.role, cell.set_name))
        return deck.draw() if deck else None

    def _by_cell(self, plans: Iterable[Plan]) -> dict[tuple[str, str], Deck[Plan]]:
        grouped: dict[tuple[str, str], list[Plan]] = {}
        for plan in plans:
            grouped.setdefault((plan.target.role, plan.target.canary.set_name), []).append(plan)
        return {key: self._deck(group) for key, group in grouped.items()}

    def _some_tricks(self, door: Door) -> Deck[str]:
        names = list(_tricks.tricks(door))
        return self._deck([*names, *[_tricks.NONE] * len(names)] or [_tricks.NONE])

    def _agent(self, names: tuple[str, ...]) -> str:
        if names not in self._agents:
            self._agents[names] = self._deck(names)
        return self._agents[names].draw()

    def _deck(self, items: Iterable[T]) -> Deck[T]:
        return Deck(items, self._chance)
