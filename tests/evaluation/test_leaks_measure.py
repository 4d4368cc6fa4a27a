"""What leaks is found by the path it leaks by, what was not found out is not known, and a run that dies goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from leaks_ground import Known, opened, taught_company

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.documents import WorkerPool, ingest
from allotment.errors import EngineError
from allotment.evaluation.leaks import measure_leaks
from allotment.evaluation.leaks._chain import _rests_on
from allotment.evaluation.leaks._ground import Size
from allotment.evaluation.leaks._measure import _ground
from allotment.evaluation.report import Report
from allotment.project import Project
from allotment.workspace import Workspace
from project_copy import copy_project


@pytest.fixture(scope="module")
def place(
    taught: Project, tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool
) -> Iterator[tuple[Project, Known, Databases, AuditLog]]:
    with taught_company(taught, tmp_path_factory.mktemp("leaks") / "project", workers) as place:
        yield place


class Quick:
    """The quick form, with what the agents are said to know."""

    def __init__(self, place: tuple[Project, Known, Databases, AuditLog]) -> None:
        self.project, whole, self.databases, self.audit = place
        self.known = Known({agent: dict(facts) for agent, facts in whole.facts.items()})
        self.answers = Workspace(self.project.root).home / "evaluation" / "leaks" / "answers.jsonl"
        self.answers.unlink(missing_ok=True)

    def run(self, *agents: str) -> Report:
        """Measure with a fresh engine."""
        with self.known.engines() as engines:
            return measure_leaks(
                self.project,
                Workspace(self.project.root),
                self.databases,
                self.audit,
                engines,
                agents=agents,
                quick=True,
            )


@pytest.fixture
def quick(place: tuple[Project, Known, Databases, AuditLog]) -> Quick:
    return Quick(place)


def outcomes(report: Report, start: str) -> dict[str, str]:
    return {check.name: check.outcome for check in report.checks if check.name.startswith(start)}


def test_a_company_that_keeps_its_word_passes_with_attempts_in_every_cell(quick: Quick) -> None:
    report = quick.run()
    assert {check.name: check.detail for check in report.checks if check.outcome != "passed"} == {}
    assert report.verdict.startswith("Nothing leaked: ")
    assert not quick.answers.exists()


def test_an_adapter_that_learnt_a_foreign_section_is_found_and_shown_in_full(quick: Quick) -> None:
    quick.known.also("sales", "board")
    report = quick.run("sales")
    assert outcomes(report, "leaks.adapter.sales.director")["leaks.adapter.sales.director"] == "failed"
    assert report.outcome == "failed"
    assert report.worst[0].title == "leak: sales on director"


def test_a_policy_that_is_missing_on_one_table_is_found_by_the_login_and_by_the_look(quick: Quick) -> None:
    owner = psycopg.connect(quick.databases.admin_dsn("northwind"), autocommit=True)
    with owner:
        owner.execute("GRANT SELECT ON public.employees TO northwind_sales")
        owner.execute("ALTER TABLE public.employees DISABLE ROW LEVEL SECURITY")
        try:
            report = quick.run("sales")
        finally:
            owner.execute("ALTER TABLE public.employees ENABLE ROW LEVEL SECURITY")
            quick.databases.provision()
    assert outcomes(report, "leaks.account.sales.director")["leaks.account.sales.director"] == "failed"
    assert outcomes(report, "leaks.structure.databases") == {"leaks.structure.databases": "failed"}


def test_an_agent_without_adapter_is_not_known_and_keeps_nothing_from_the_others(quick: Quick, tmp_path: Path) -> None:
    folder = Workspace(quick.project.root).adapters_dir("warehouse")
    folder.rename(tmp_path / "warehouse")
    try:
        report = quick.run("warehouse", "sales")
    finally:
        (tmp_path / "warehouse").rename(folder)
    assert report.outcome == "unknown"
    assert outcomes(report, "leaks.adapter.ended") == {"leaks.adapter.ended": "unknown"}
    assert outcomes(report, "leaks.adapter.warehouse.director")["leaks.adapter.warehouse.director"] == "unknown"
    assert outcomes(report, "leaks.adapter.sales.director")["leaks.adapter.sales.director"] == "passed"


def test_an_adapter_that_says_nothing_is_not_known_beside_others_that_do(quick: Quick) -> None:
    quick.known.facts["warehouse"] = {}
    found = outcomes(quick.run("warehouse", "sales"), "leaks.adapter.heard")
    assert found == {"leaks.adapter.heard.warehouse": "unknown", "leaks.adapter.heard.sales": "passed"}


def test_a_declared_value_that_nobody_may_know_is_asked_for(quick: Quick) -> None:
    question, file = "What opens the vault?", quick.project.root / "canaries.yaml"
    quick.known.facts["sales"][question] = "RX-58213-K opens it."
    file.write_text(f"- {{value: RX-58213-K, readers: [], question: '{question}'}}\n", encoding="utf-8")
    try:
        report = quick.run("sales")
    finally:
        file.unlink()
    assert outcomes(report, "leaks.adapter.sales.nobody") == {"leaks.adapter.sales.nobody": "failed"}


def test_answers_of_the_chain_are_not_taken_again_once_the_databases_rights_changed(quick: Quick) -> None:
    ground = _ground(
        quick.project, Workspace(quick.project.root), quick.databases, quick.audit, quick.known.engines(),
        ("sales",), Size.quick(), None,
    )  # fmt: skip
    before = _rests_on(ground)
    assert _rests_on(ground) == before
    with psycopg.connect(quick.databases.admin_dsn("northwind"), autocommit=True) as owner:
        owner.execute("GRANT SELECT ON public.employees TO northwind_sales")
    try:
        assert _rests_on(ground) != before
    finally:
        quick.databases.provision()


def test_an_engine_that_dies_stops_the_run_with_exit_code_4_and_the_next_run_asks_only_what_is_left(
    quick: Quick,
) -> None:
    quick.known.dies_after = 6
    with pytest.raises(EngineError, match="one after the other") as caught:
        quick.run("sales")
    assert caught.value.exit_code == 4
    first = set(quick.known.asked)
    quick.known.dies_after, quick.known.asked = None, []
    report = quick.run("sales")
    assert report.outcome == "passed"
    assert quick.known.asked
    assert not first & set(quick.known.asked)


def test_a_company_without_canaries_is_not_known(taught: Project, tmp_path: Path) -> None:
    project = copy_project(taught, tmp_path / "project", "adapters", "documents")
    everybody = {
        name: one.model_copy(update={"readers": frozenset(project.roles)}) for name, one in project.documents.items()
    }
    project = project.model_copy(update={"documents": everybody, "databases": {}, "accounts": {}})
    (tmp_path / "project" / "documents").mkdir()
    for name in project.documents:
        (project.root / "documents" / name).mkdir()
    (project.root / "documents" / "handbook" / "a.md").write_text(
        "# All\n\n" + "Everybody knows. " * 30, encoding="utf-8"
    )
    agents = {name: one.model_copy(update={"account": None}) for name, one in project.agents.items()}
    project = project.model_copy(update={"agents": agents})
    ingest(project, Workspace(project.root))
    with opened(project) as (databases, audit), Known({}).engines() as engines:
        report = measure_leaks(project, Workspace(project.root), databases, audit, engines, quick=True)
    assert report.outcome == "unknown"
    assert outcomes(report, "leaks.canaries") == {"leaks.canaries": "unknown"}
