"""A whole run: copy, canaries, attempts, the same without layers, ordinary questions; then what was found."""

from __future__ import annotations

import random
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from allotment import __version__
from allotment.errors import InputError
from allotment.evaluation.attacks._benign import Benign, benign
from allotment.evaluation.attacks._copy import Opened, open_copy, remove_leftovers
from allotment.evaluation.attacks._generate import generate
from allotment.evaluation.attacks._guarded import guard_tasks
from allotment.evaluation.attacks._ledger import RunLedger, attack_in, is_failed, result_in
from allotment.evaluation.attacks._plants import plants
from allotment.evaluation.attacks._tasks import Task
from allotment.evaluation.attacks._types import Attack, Result
from allotment.evaluation.attacks._workers import Note, Progress, Setup, carry_out, cores
from allotment.evaluation.canaries import DECLARED, Canary, Detector, find_canaries, spread
from allotment.project import PROJECT_FILE, Project
from allotment.training import current_version
from allotment.workspace import Workspace, hash_file, hash_json

BENIGN = 1_000
"""Ordinary questions put to the checks and the router."""
ANSWERED = 60
"""Of them, put to the whole chain."""
CONTROLS, ROW_CONTROLS = 32, 8
"""Canaries of documents, and of rows, that readers ask for plainly; for a row the real model writes the SQL."""
PER_LAYER = 40
"""Attempts stopped by a layer that are made again without it, at most."""
_SHARES = {"attempts": 0.7, "layers": 0.85, "ordinary": 0.95, "adaptive": 1.0}
"""Of the budget that may be spent when each part ends."""


@dataclass(frozen=True)
class Settings:
    """What a run is to do."""

    count: int = 10_000
    budget_minutes: float | None = None
    seed: int = 1
    workers: int = 0
    """0 takes one for each core."""
    fresh: bool = False
    """Whether what an earlier run with the same inputs did is forgotten."""
    adaptive: int = 0


@dataclass
class Found:
    """Everything a run has to show, whether it came to its end or not."""

    project: Project
    settings: Settings
    canaries: tuple[Canary, ...]
    attacks: dict[str, Attack]
    planned: int
    results: list[Result] = field(default_factory=list)
    """In the order they ended."""
    times: list[float] = field(default_factory=list)
    """When each ended, seconds since 1970."""
    without: list[dict[str, Any]] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)
    overrides: list[dict[str, Any]] = field(default_factory=list)
    """What the guard said to orders to forget the rules, and to claims of a role."""
    claims: list[dict[str, Any]] = field(default_factory=list)
    decided: list[dict[str, Any]] = field(default_factory=list)
    answered: list[dict[str, Any]] = field(default_factory=list)
    not_tested: list[str] = field(default_factory=list)
    versions: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    workers: int = 1
    endpoint: str = ""
    """Address of a foreign one; empty for the project's own gateway."""


class Budget:
    """When each part of a run has to end."""

    def __init__(self, minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._began, self._minutes = clock(), minutes

    def deadline(self, part: str) -> float | None:
        """The moment at which nothing more of a part is begun; none without a budget."""
        return None if self._minutes is None else self._began + self._minutes * 60 * _SHARES[part]


def run_attacks(
    project: Project,
    workspace: Workspace,
    settings: Settings,
    *,
    progress: Progress | None = None,
    note: Note | None = None,
) -> Found:
    """Attack a copy of the project, as much as is wanted and the budget allows; the same run goes on where it was.

    Raises:
        InputError: there is nothing to attack, for no value is known that some may know and others may not.
        EngineError: twenty attempts in a row failed; what was done is kept.
    """
    began = time.monotonic()
    runs = workspace.home / "evaluation" / "attacks"
    with workspace.lock("attacks", timeout_s=1):
        remove_leftovers(runs)
        folder = runs / run_id(project, workspace, settings.seed)
        if settings.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        with open_copy(project, workspace, folder / "copy") as opened:
            found = _Run(project, workspace, settings, folder, progress, note).carried_out(opened)
    found.seconds = round(time.monotonic() - began, 1)
    return found


def run_id(project: Project, workspace: Workspace, seed: int, *more: str) -> str:
    """The same for the same seed over the same declarations, canaries, documents, adapters and router, by the same
    package: then a run may go on."""
    read = [project.root / DECLARED, workspace.home / "evaluation" / "planted.json", workspace.sections_file]
    read += [
        workspace.routing_file,
        *(workspace.dataset_dir(agent) / "items.jsonl" for agent in sorted(project.agents)),
    ]
    hashes = [hash_file(file) if file.is_file() else "" for file in read]
    return hash_json([seed, __version__, *versions_of(project, workspace), *hashes, *more])[:12]


def versions_of(project: Project, workspace: Workspace) -> list[tuple[str, str]]:
    """Name and hash of everything that is attacked."""
    declared, documents = project.root / PROJECT_FILE, workspace.documents_file
    found = [("project", hash_file(declared)), ("documents", hash_file(documents) if documents.is_file() else "none")]
    for agent in sorted(project.agents):
        version = current_version(workspace, agent)
        manifest = workspace.adapters_dir(agent) / (version or "") / "manifest.json"
        sealed = hash_file(manifest)[:12] if manifest.is_file() else "none"
        found.append((f"adapter of {agent}", f"{version or 'none'} {sealed}"))
    for name, config in sorted(project.databases.items()):
        file = config.load or config.file
        if file is not None and (project.root / file).is_file():
            found.append((f"database {name}", hash_file(project.root / file)))
    return found


@dataclass
class _Run:
    project: Project
    workspace: Workspace
    settings: Settings
    folder: Path
    progress: Progress | None
    note: Note | None

    def carried_out(self, opened: Opened) -> Found:
        """All parts, each as far as the budget goes."""
        budget, seed = Budget(self.settings.budget_minutes), self.settings.seed
        known = find_canaries(opened.project, opened.workspace, opened.databases, seed=seed)
        canaries = require_canaries(known.canaries)
        attacks = list(generate(opened.project, canaries, self.settings.count, seed))
        copy = opened.finish(plants(opened.project, canaries, seed))
        ledger = RunLedger(self.folder)
        workers = self.settings.workers or cores()
        setup = Setup(copy, canaries, max(1, cores() // workers))
        do = _Doing(setup, ledger, workers, self.progress, self.note)
        do.all("attempts", [Task(a.id, "attack", attack=a) for a in shuffled(attacks, seed)], budget)
        stopped = {attack.id: attack for attack in attacks}
        do.all("layers", [*control_tasks(opened.project, canaries, seed), *layer_tasks(ledger, stopped, seed)], budget)
        do.all("ordinary", [*guard_tasks(opened.project, canaries, seed), *self._ordinary(opened, seed)], budget)
        if self.settings.adaptive:
            do.adaptive(self.settings.adaptive, seed, first=len(attacks), budget=budget)
        ledger.sync()
        not_tested = [*copy.not_tested, *known.lacking, *NEVER_TESTED]
        return collected(Found(
            self.project, self.settings, canaries, stopped, len(attacks), not_tested=not_tested, workers=workers,
            versions=versions_of(self.project, self.workspace),
        ), ledger)  # fmt: skip

    def _ordinary(self, opened: Opened, seed: int) -> list[Task]:
        """Ordinary questions: all to checks and router, some to the whole chain."""
        try:
            questions = list(benign(opened.project, opened.workspace, BENIGN, seed))
        except InputError:  # no agent has questions yet; the report says that nothing was asked
            return []
        return [_ordinary_task(item, "decided") for item in questions] + [
            _ordinary_task(item, "answered") for item in questions[:ANSWERED]
        ]


NEVER_TESTED = (
    "The administration's pages, the login with a password and the company's identity provider.",
    "The network, the operating system, and whoever can read the disk.",
)


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
    """Readers who ask plainly, for canaries of every reader set."""
    rows = [canary for canary in canaries if canary.origin == "row"]
    chosen = [
        *spread([one for one in canaries if one.origin != "row"], CONTROLS, seed),
        *spread(rows, ROW_CONTROLS, seed),
    ]
    pairs = [(canary, role) for canary in chosen for role in sorted(canary.readers & project.roles.keys())[:1]]
    return [Task(f"control:{canary.id}:{role}", "control", canary=canary, role=role) for canary, role in pairs]


def layer_tasks(ledger: RunLedger, attacks: dict[str, Attack], seed: int) -> list[Task]:
    """Of the attempts each layer stopped, some of every door and role, to be made again without it."""
    strata: dict[Any, dict[tuple[str, str], list[Result]]] = defaultdict(lambda: defaultdict(list))
    for key, row in sorted(ledger.rows()):
        if key in attacks and row["ending"] == "stopped":
            attack = attacks[key]
            strata[row["layer"]][attack.door, attack.role].append(result_in(row))
    tasks: list[Task] = []
    for layer, groups in sorted(strata.items()):
        for result in _in_turn(list(groups.values()), PER_LAYER, f"{layer} {seed}"):
            key = f"without:{layer}:{result.id}"
            tasks.append(Task(key, "without", attack=attacks[result.id], layer=layer, stopped=result))
    return tasks


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


@dataclass
class _Doing:
    setup: Setup
    ledger: RunLedger
    workers: int
    progress: Progress | None
    note: Note | None

    def all(self, part: str, tasks: Sequence[Task], budget: Budget) -> None:
        """Do what is not done yet."""
        done = self.ledger.done()
        left = [task for task in tasks if task.key not in done]
        label, deadline = LABELS[part], budget.deadline(part)
        carry_out(
            self.setup, left, self.workers, self.ledger.keep,
            label=label, progress=self.progress, note=self.note, deadline=deadline,
        )  # fmt: skip
        self.ledger.sync()

    def adaptive(self, most: int, seed: int, *, first: int, budget: Budget) -> None:
        """Attempts that learn from what came back, one after another in one process."""
        rows = ((key, row) for key, row in self.ledger.rows() if row.get("kind") == "adaptive")
        known = {key: row for key, row in rows if not is_failed(row)}
        task = Task(f"adaptive:{most}", "adaptive", seed=seed, most=most, first=first, known=known)
        self.all("adaptive", [task], budget)


LABELS = {
    "attempts": "attempts",
    "layers": "without layers",
    "ordinary": "ordinary questions",
    "adaptive": "adaptive attempts",
}


def collected(found: Found, ledger: RunLedger) -> Found:
    """What the ledger has of this run, each kind in its place."""
    places = {"without": found.without, "control": found.controls}
    places |= {"override": found.overrides, "claim": found.claims}
    places |= {"decided": found.decided, "answered": found.answered}
    for key, row in ledger.rows():
        kind = row.get("kind", "attack")
        if kind == "adaptive":  # made as the run went on: they stand for none of those that were planned before
            found.planned += key not in found.attacks
            found.attacks[key] = attack_in(row)
        if key in found.attacks:
            if "reply" in row:
                found.results.append(result_in(row))
            else:  # a process died at it, or it could not be begun
                number = found.attacks[key].number
                found.results.append(Result(number, key, "failed", None, "", str(row["detail"]), 0.0, False))
            found.times.append(row["at"])
        elif kind in places:
            places[kind].append(row)
    return found
