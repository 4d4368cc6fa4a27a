"""Everything a worker can be told to do, each with a key in the ledger and one row as its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from allotment.evaluation.attacks._doors import Doors
from allotment.evaluation.attacks._ledger import result_in, row_of
from allotment.evaluation.attacks._refusals import answered, decided
from allotment.evaluation.attacks._search import adaptive
from allotment.evaluation.attacks._types import Attack, Layer, Result
from allotment.evaluation.attacks._without import Without
from allotment.evaluation.canaries import Canary
from allotment.models import is_present, is_server

Kind = Literal["attack", "without", "control", "override", "claim", "decided", "answered", "adaptive"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One thing to be done."""

    key: str
    kind: Kind
    attack: Attack | None = None
    layer: Layer | None = None
    """What is taken away."""
    stopped: Result | None = None
    """How the attempt ended with everything in place."""
    canary: Canary | None = None
    role: str = ""
    question: str = ""
    seed: int = 0
    most: int = 0
    first: int = 0
    known: dict[str, Row] = field(default_factory=dict)
    """Attempts of an earlier run that are not made again."""


class Performer:
    """Does tasks on one target."""

    def __init__(self, doors: Doors, canaries: tuple[Canary, ...]) -> None:
        self._doors = doors
        self._canaries = canaries
        self._without = Without(doors.target, canaries)

    def perform(self, task: Task) -> Iterator[tuple[str, Row]]:
        """Key and row of each end; one that went wrong is a failed one."""
        if task.kind == "adaptive":
            yield from self._adaptive(task)
            return
        began = time.monotonic()
        try:
            row = self._row(task)
        except Exception as error:  # whatever it is, it is this task's alone, and it proves nothing
            row = {"ending": "failed", "layer": task.layer, "detail": f"{type(error).__name__}: {error}"}
        yield task.key, {"seconds": round(time.monotonic() - began, 4), **row, "kind": task.kind}

    def _row(self, task: Task) -> Row:
        if task.kind == "attack" and task.attack is not None:
            return row_of(self._doors.attempt(task.attack))
        if task.kind == "without" and task.attack is not None and task.stopped is not None:
            return self._without.hit(task.attack, task.stopped)
        if task.kind == "control" and task.canary is not None:
            return self._without.control(task.canary, task.role)
        ask: Callable[..., Row] = answered if task.kind == "answered" else decided
        return ask(self._doors.target, task.role, task.question)

    def _adaptive(self, task: Task) -> Iterator[tuple[str, Row]]:
        target = self._doors.target
        name = target.project.models.teacher
        engine = target.engines.get(name) if is_server(name) or is_present(name) else None

        def ask(attack: Attack) -> Result:
            known = task.known.get(attack.id)
            return result_in(known) if known else self._doors.attempt(attack)

        tried = adaptive(
            target.project, self._canaries, task.seed, ask, most=task.most, first=task.first, engine=engine
        )
        for attack, result in tried:
            yield result.id, {**row_of(result), "kind": "adaptive", "attack": asdict(attack)}
        yield task.key, {"ending": "done", "kind": "adaptive-end"}
