"""The evaluation is itself put to the test: seven kinds of leaks are planted, each found by the right command."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from attacks_standin import attacked_company, canaries_of
from leaks_ground import taught_company
from planted_leaks_company import Aliased, Place, SharedCache, attacked, detail, outcome, without_guard

from allotment.access import Principal
from allotment.answering import Chain
from allotment.documents import WorkerPool
from allotment.errors import HeldBack
from allotment.evaluation.attacks import Attack, Plants, generate
from allotment.evaluation.attacks._copy import Copy, open_copy
from allotment.evaluation.attacks._doors import Doors
from allotment.evaluation.attacks._target import Around, open_target
from allotment.evaluation.canaries import Canary
from allotment.evaluation.leaks import try_version
from allotment.evaluation.leaks._gate import Attempt
from allotment.evaluation.report import Report
from allotment.project import Project
from allotment.training import Manifest, Passed, current_version, rollback
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal

HIT = "leaks.adapter.employee.director"
"""The cell of the matrix in which an employee is told what only directors may know, by an adapter."""


@pytest.fixture(scope="module")
def place(taught: Project, tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool) -> Iterator[Place]:
    """The sound company. Whoever plants a fault takes it out again."""
    with taught_company(taught, tmp_path_factory.mktemp("planted") / "project", workers) as place:
        yield Place(*place, workers)


def test_evaluate_leaks_passes_the_sound_company(place: Place) -> None:
    report = place.leaks()
    assert {check.name: check.detail for check in report.checks if check.outcome != "passed"} == {}
    assert outcome(report, HIT) == "passed"


def test_evaluate_leaks_finds_a_document_that_is_labelled_wrongly(place: Place) -> None:
    with place.wrongly_labelled():
        unlearnt, learnt = place.leaks("handbook"), place.leaks("handbook", handbook="board")
    assert outcome(unlearnt, "leaks.structure.labels") == "failed"
    assert "documents/handbook/minutes.md may be read by employee" in detail(unlearnt, "leaks.structure.labels")
    assert (outcome(unlearnt, HIT), outcome(learnt, HIT)) == ("passed", "failed")


def test_evaluate_leaks_finds_an_adapter_that_was_trained_on_a_foreign_section(place: Place) -> None:
    with place.foreign_item("sales", "board"):
        report = place.leaks("sales", sales="board")
    assert outcome(report, "leaks.adapter.sales.director") == "failed"
    assert outcome(report, "leaks.structure.items") == "failed"
    assert "sales learns foreign of documents/board/" in detail(report, "leaks.structure.items")


def test_the_gate_holds_back_an_adapter_that_was_trained_on_a_foreign_section(place: Place, tmp_path: Path) -> None:
    project = copy_project(place.project, tmp_path / "project")
    workspace = Workspace(project.root)
    seal(project, workspace, "sales", "v2", b"v2")
    (workspace.adapters_dir("sales") / "v2" / "gate.json").unlink()
    with pytest.raises(HeldBack, match=r"it leaks: .* sales a value of documents/board/"):
        rollback(project, workspace, "sales", "v2", gate=lambda one: _asked(place, project, one, foreign="board"))
    assert rollback(project, workspace, "sales", "v2", gate=lambda one: _asked(place, project, one)).manifest
    assert current_version(workspace, "sales") == "v2"


def _asked(place: Place, project: Project, manifest: Manifest, foreign: str = "sales") -> Passed:
    """The gate, with an adapter that learnt ``foreign`` besides."""

    def open_both(attempt: Attempt) -> Passed:
        known = replace(place.known, facts={**place.known.facts}, asked=[])
        known.facts["sales"] = place.known.facts["sales"] | place.known.facts[foreign]
        with known.engines() as engines:
            return attempt(engines, place.audit)

    return try_version(project, Workspace(project.root), manifest, open_both)


def test_evaluate_leaks_finds_a_policy_that_is_missing_on_one_table(place: Place) -> None:
    statements = (
        "GRANT SELECT ON public.employees TO northwind_sales",
        "ALTER TABLE public.employees DISABLE ROW LEVEL SECURITY",
    )
    with place.altered_database(*statements):
        report = place.leaks("sales")
    assert outcome(report, "leaks.account.sales.director") == "failed"
    assert outcome(report, "leaks.structure.databases") == "failed"
    assert "employees" in detail(report, "leaks.structure.databases")


def forged(key: str) -> Callable[[dict[str, Any]], None]:
    """A clearance for everybody, written by hand and signed with a key; without one the old signature stays."""

    def forge(record: dict[str, Any]) -> None:
        record["manifest"]["clearance"] = ["director", "employee", "sales", "warehouse"]
        body = json.dumps(record["manifest"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if key:
            record["signature"] = hmac.new(bytes.fromhex(key), body.encode(), sha256).hexdigest()

    return forge


@pytest.mark.parametrize("signed", ["not at all", "with another key", "with the project's own key"])
def test_evaluate_leaks_finds_a_forged_manifest_and_the_chain_refuses_it(place: Place, signed: str) -> None:
    own = place.workspace.secret("manifest.key")
    key, told = {
        "not at all": ("", "its signature is wrong"),
        "with another key": ("5a" * 32, "its signature is wrong"),
        "with the project's own key": (own, "the clearance is not the one its documents give"),
    }[signed]
    with place.edited_manifest("board", forged(key)), place.known.engines() as engines:
        report = place.leaks("board")
        chain = Chain(place.project, place.workspace, engines=engines, databases=place.databases, audit=place.audit)
        question = next(iter(place.known.facts["board"]))
        answer = chain.answer(Principal("dana", "director"), question, agent="board")
    assert outcome(report, "leaks.structure.manifests") == "failed"
    assert told in detail(report, "leaks.structure.manifests")
    assert report.outcome == "failed"
    assert answer.outcome == "failed"


@dataclass(frozen=True)
class Attackers:
    """A copy under attack, its canaries, and attempts as ``evaluate attacks`` makes them."""

    copy: Copy
    canaries: tuple[Canary, ...]
    attacks: tuple[Attack, ...]

    def tried(self, tmp_path: Path, *tricks: str, copy: Copy | None = None, around: Around | None = None) -> Report:
        """Attempts with these tricks, by the real doors."""
        chosen = [attack for attack in self.attacks if attack.trick in tricks]
        assert chosen
        with open_target(copy or self.copy, threads=1, around=around) as target:
            doors = Doors(target, self.canaries)
            try:
                return attacked(doors, self.canaries, chosen, tmp_path)
            finally:
                doors.close()


AFTER = ("after-a-reader", "after-a-reader-streamed", "session-after-a-reader")
ALIAS = ("model-upper-case",)


@pytest.fixture(scope="module")
def attackers(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attackers]:
    """The sound company's copy."""
    with attacked_company(taught, tmp_path_factory.mktemp("attacked") / "project") as project:
        canaries = canaries_of(project)
        attacks = [one for one in generate(project, canaries, 2_000, 1) if one.trick in (*AFTER, *ALIAS)]
        folder = Workspace(project.root).home / "evaluation" / "attacks" / "run" / "copy"
        with open_copy(project, Workspace(project.root), folder) as opened_copy:
            yield Attackers(opened_copy.finish(Plants((), ())), canaries, tuple(attacks))


@pytest.fixture(scope="module")
def sound(attackers: Attackers, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The same attempts on the sound company."""
    return attackers.tried(tmp_path_factory.mktemp("sound"), *AFTER, *ALIAS)


def test_evaluate_attacks_passes_the_sound_company(sound: Report) -> None:
    outcomes = {check.name: check.outcome for check in sound.checks}
    assert outcomes["attacks.leaks"] == "passed"
    assert outcomes["attacks.guard.override"] == outcomes["attacks.guard.claim"] == "passed"
    assert not [name for name, found in outcomes.items() if found == "failed"]


def test_evaluate_attacks_finds_a_guard_that_is_turned_off(attackers: Attackers, tmp_path: Path) -> None:
    copy = replace(attackers.copy, project=without_guard(attackers.copy.project))
    report = attackers.tried(tmp_path, *ALIAS, copy=copy)
    assert outcome(report, "attacks.guard.override") == outcome(report, "attacks.guard.claim") == "failed"
    assert outcome(report, "attacks.leaks") == "passed"
    assert report.outcome == "failed"


def test_evaluate_attacks_finds_a_cache_that_all_roles_share(attackers: Attackers, tmp_path: Path) -> None:
    report = attackers.tried(tmp_path, *AFTER, around=SharedCache)
    assert outcome(report, "attacks.leaks") == "failed"
    assert report.outcome == "failed"
    assert report.worst[0].title.endswith("leaked")


def test_evaluate_attacks_finds_an_alias_that_skips_the_decision(attackers: Attackers, tmp_path: Path) -> None:
    report = attackers.tried(tmp_path, *ALIAS, around=Aliased)
    assert outcome(report, "attacks.leaks") == "failed"
    assert report.outcome == "failed"
    assert report.worst[0].title.endswith("leaked")
