"""What a run is to do beside its attempts, each as a task: and in which order."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from allotment.errors import InputError
from allotment.evaluation.attacks._benign import Benign, benign
from allotment.evaluation.attacks._copy import Opened
from allotment.evaluation.attacks._ledger import RunLedger, result_in
from allotment.evaluation.attacks._tasks import Task
from allotment.evaluation.attacks._types import Attack, Layer, Result
from allotment.evaluation.canaries import Canary, Detector, spread
from allotment.project import Project

BENIGN = 1_000
"""Ordinary questions put to the checks and the router."""
ANSWERED = 60
"""Of them, put to the whole chain."""
CONTROLS, ROW_CONTROLS = 32, 8
"""Canaries of documents, and of rows, that readers ask for plainly; for a row the real model writes the SQL."""
PER_LAYER = 40
"""Attempts stopped by a layer that are made again without it, at most."""


def require_canaries(canaries: Sequence[Canary]) -> tuple[Canary, ...]:
    """Those that can only come from their source, if there are any: the day of the run comes from every clock.

    Raises:
        InputError: there are none: nothing could leak that would be noticed.
    """
    today = datetime.now(UTC).date()
    clocks = "\n".join(str(today + timedelta(days)) for days in (-1, 0, 1))
    told = set(Detector(canaries).found(clocks))
    kept = tuple(canary for canary in canaries if canary not in told)
    if not kept:
        raise InputError(
            "there is nothing to attack: no value is known that some roles may know and others may not.",
            element="canaries",
            remedy="Plant some: `allotment evaluate canaries --plant`, then read and train.",
        )
    return kept


def shuffled(attacks: Sequence[Attack], seed: int) -> list[Attack]:
    """The attempts in an order in which every beginning is a fair sample of all."""
    mixed = list(attacks)
    random.Random(f"order {seed}").shuffle(mixed)  # noqa: S311 the same order in every run
    return mixed


def control_tasks(project: Project, canaries: Sequence[Canary], seed: int) -> list[Task]:
    """Readers who ask plainly, for canaries of every reader set; of each set every role in turn, each at least once."""
    rows = [canary for canary in canaries if canary.origin == "row"]
    written = [canary for canary in canaries if canary.origin != "row"]
    groups: dict[frozenset[str], list[Canary]] = defaultdict(list)
    for canary in (*spread(written, CONTROLS, seed), *spread(rows, ROW_CONTROLS, seed)):
        groups[canary.readers.intersection(project.roles)].append(canary)
    turns = [
        (turn, group[turn % len(group)], sorted(readers)[turn % len(readers)])
        for readers, group in groups.items()
        for turn in range(max(len(group), len(readers)) if readers else 0)
    ]
    turns.sort(key=itemgetter(0))
    return [Task(f"control:{canary.id}:{role}", "control", canary=canary, role=role) for _, canary, role in turns]


def layer_tasks(ledger: RunLedger, attacks: dict[str, Attack], canaries: Sequence[Canary], seed: int) -> list[Task]:
    """Of the attempts each layer stopped, some of every door and role, to be made again without it."""
    known = {canary.id for canary in canaries if canary.readers}
    strata: dict[Any, dict[tuple[str, str], list[Result]]] = defaultdict(lambda: defaultdict(list))
    for key, row in sorted(ledger.rows()):
        if key in attacks and row["ending"] == "stopped":
            attack = attacks[key]
            if attack.canary not in known and not _needs_no_reader(attack, row["layer"]):
                continue
            strata[row["layer"]][attack.door, attack.role].append(result_in(row))
    tasks: list[Task] = []
    for layer, groups in sorted(strata.items()):
        for result in _in_turn(list(groups.values()), PER_LAYER, f"{layer} {seed}"):
            key = f"without:{layer}:{result.id}"
            tasks.append(Task(key, "without", attack=attacks[result.id], layer=layer, stopped=result))
    return tasks


def ordinary_tasks(opened: Opened, seed: int) -> list[Task]:
    """Ordinary questions: all to checks and router, some to the whole chain."""
    try:
        questions = list(benign(opened.project, opened.workspace, BENIGN, seed))
    except InputError:  # no agent has questions yet; the report says that nothing was asked
        return []
    return [_ordinary_task(item, "decided") for item in questions] + [
        _ordinary_task(item, "answered") for item in questions[:ANSWERED]
    ]


def _needs_no_reader(attack: Attack, layer: Layer) -> bool:
    """Whether it can be made again though nobody may know what it is after: nobody is asked in the attacker's place."""
    return layer in ("guard", "output") or attack.door == "sql"


def _in_turn(groups: list[list[Result]], most: int, seed: str) -> list[Result]:
    """One of each group in turn, drawn by the seed, until there are enough."""
    drawn = random.Random(seed)  # noqa: S311 the same sample in every run
    left = [drawn.sample(group, len(group)) for group in groups]
    chosen: list[Result] = []
    while any(left) and len(chosen) < most:
        chosen += [group.pop() for group in left if group]
    return chosen[:most]


def _ordinary_task(item: Benign, kind: Any) -> Task:
    return Task(f"{kind}:{item.id}", kind, role=item.role, question=item.question)
