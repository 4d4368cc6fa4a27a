"""What is planted lies where the attacker's role may read it, can be put there, and gives nothing away itself."""

from __future__ import annotations

import psycopg
import pytest
from attack_canaries import CANARIES
from psycopg import sql

from allotment.databases import Databases
from allotment.documents import WorkerPool, ingest, load_documents
from allotment.evaluation.attacks import Plants, plants
from allotment.evaluation.attacks._columns import columns_of
from allotment.evaluation.attacks._plants import PlantedRow, plans
from allotment.evaluation.attacks._targets import cells
from allotment.project import Project
from allotment.workspace import Workspace
from project_copy import copy_project


@pytest.fixture(scope="module")
def planted(northwind: Project) -> Plants:
    return plants(northwind, CANARIES, 7)


def test_the_same_seed_plants_the_same_and_every_id_once(northwind: Project, planted: Plants) -> None:
    assert planted == plants(northwind, CANARIES, 7)
    assert planted != plants(northwind, CANARIES, 8)
    ids = [plant.id for plant in (*planted.documents, *planted.rows)]
    assert len(set(ids)) == len(ids) > 40


def test_nothing_planted_says_a_value(planted: Plants) -> None:
    texts = [page.text for page in planted.documents] + [str(row.values) for row in planted.rows]
    assert not [text for text in texts for canary in CANARIES if canary.value.casefold() in text.casefold()]


def test_whoever_leans_on_a_plant_may_read_it_and_not_what_it_is_after(northwind: Project) -> None:
    targets = [target for cell in cells(northwind, CANARIES)["session"] for target in cell.targets]
    found = plans(northwind, targets, 7)
    assert found
    for plan in found:
        agent = northwind.agents[plan.agent]
        assert plan.target.role in agent.roles
        assert plan.target.role not in plan.target.canary.readers
        if isinstance(plan.plant, PlantedRow):
            assert plan.plant.table in northwind.accounts[agent.account or ""].tables
        else:
            assert plan.plant.document_set in agent.documents
            assert plan.target.role in northwind.readers_of(plan.plant.document_set)


def test_columns_are_read_from_the_sql_file_with_length_and_need(northwind: Project) -> None:
    customers = {column.name: column for column in columns_of(northwind, "northwind")["customers"]}
    assert (customers["company_name"].length, customers["company_name"].needed) == (40, True)
    assert (customers["phone"].kind, customers["phone"].needed) == ("text", False)


def test_a_file_that_cannot_be_read_has_no_columns(northwind: Project) -> None:
    config = northwind.databases["northwind"].model_copy(update={"load": northwind.root / "gone.sql"})
    moved = northwind.model_copy(update={"databases": {"northwind": config}})
    assert columns_of(moved, "northwind") == {}
    assert plants(moved, CANARIES, 7).rows == ()


def test_every_planted_row_is_one_that_the_database_takes(postgres: Databases, planted: Plants) -> None:
    assert len(planted.rows) >= 9
    with psycopg.connect(postgres.admin_dsn("northwind")) as owner:
        for row in planted.rows:
            names = sql.SQL(", ").join(map(sql.Identifier, row.values))
            holes = sql.SQL(", ").join([sql.Placeholder()] * len(row.values))
            insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(row.table), names, holes)
            assert owner.execute(insert, list(row.values.values())).rowcount == 1
        owner.rollback()


def test_every_planted_page_becomes_a_document(
    northwind: Project, planted: Plants, workers: WorkerPool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = copy_project(northwind, tmp_path_factory.mktemp("planted") / "project")
    for page in planted.documents:
        folder = project.root / project.documents[page.document_set].path
        (folder / page.name).write_text(page.text, encoding="utf-8")
    workspace = Workspace(project.root)
    ingest(project, workspace, workers=workers)
    read = {record.path for record in load_documents(workspace) if record.state == "done" and record.sections}
    assert {f"{project.documents[p.document_set].path.as_posix()}/{p.name}" for p in planted.documents} <= read
