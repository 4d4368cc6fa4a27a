"""A whole run: copy, canaries, attempts, the same without layers, ordinary questions; then what was found."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from allotment.evaluation.attacks._copy import Opened, open_copy, remove_leftovers
from allotment.evaluation.attacks._found import Budget, Found, Settings, collected
from allotment.evaluation.attacks._generate import generate
from allotment.evaluation.attacks._guarded import guard_tasks
from allotment.evaluation.attacks._ledger import RunLedger, is_failed
from allotment.evaluation.attacks._planned import (
    control_tasks,
    layer_tasks,
    ordinary_tasks,
    require_canaries,
    shuffled,
)
from allotment.evaluation.attacks._plants import plants
from allotment.evaluation.attacks._tasks import Task
from allotment.evaluation.attacks._versions import run_id, versions_of
from allotment.evaluation.attacks._workers import Note, Progress, Setup, carry_out, cores
from allotment.evaluation.canaries import find_canaries
from allotment.project import Project
from allotment.workspace import Workspace


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
        without = layer_tasks(ledger, stopped, canaries, seed)
        do.all("layers", [*control_tasks(opened.project, canaries, seed), *without], budget)
        do.all("ordinary", [*guard_tasks(opened.project, canaries, seed), *ordinary_tasks(opened, seed)], budget)
        if self.settings.adaptive:
            do.adaptive(self.settings.adaptive, seed, first=len(attacks), budget=budget)
        ledger.sync()
        not_tested = [*copy.not_tested, *known.lacking, *NEVER_TESTED]
        return collected(Found(
            self.project, self.settings, canaries, stopped, len(attacks), not_tested=not_tested, workers=workers,
            versions=versions_of(self.project, self.workspace),
        ), ledger)  # fmt: skip


NEVER_TESTED = (
    "The administration's pages, the login with a password and the company's identity provider.",
    "The network, the operating system, and whoever can read the disk.",
)


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
        alone = replace(self, setup=replace(self.setup, threads=cores()), workers=1)
        alone.all("adaptive", [task], budget)


LABELS = {
    "attempts": "attempts",
    "layers": "without layers",
    "ordinary": "ordinary questions",
    "adaptive": "adaptive attempts",
}
