"""Canaries found in tables: who may know a cell, and what is not looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from allotment.databases import Databases
from allotment.documents import WorkerPool, ingest
from allotment.errors import DatabaseUnavailable
from allotment.evaluation.canaries import Canary, CanarySet, find_canaries
from allotment.evaluation.canaries import _tables as tables_module
from allotment.project import Project, load_project
from allotment.workspace import Workspace
from project_copy import copy_project

SQL = """
CREATE TABLE staff (id int PRIMARY KEY, full_name text, badge text, home_address text, born date, note text);
INSERT INTO staff SELECT n, 'Person Nr', 'BG-' || 70000 + 137 * n, (n * 7) || ' Juniper Street',
  '1970-01-01'::date + n, repeat('long ', 40) FROM generate_series(1, 9) n;
CREATE TABLE deals (deal int PRIMARY KEY, region text, amount numeric, code text);
INSERT INTO deals SELECT n, (ARRAY['north', 'south'])[1 + n % 2], 31000.37 + n * 1111, 'DX-' || 50000 + 271 * n
  FROM generate_series(1, 20) n;
CREATE TABLE keyless (badge text);
INSERT INTO keyless VALUES ('KL-90210');
CREATE TABLE nothing (id int PRIMARY KEY, code text);
CREATE VIEW codes WITH (security_invoker = true, security_barrier = true) AS SELECT deal, region, code FROM deals;
CREATE TABLE visits (visit int PRIMARY KEY, person text, pass text);
INSERT INTO visits SELECT n, 'ann', 'VP-' || 61000 + 333 * n FROM generate_series(1, 5) n;
"""
ACCOUNTS: dict[str, Any] = {
    "clerk": {
        "staff": ["id", "full_name"],
        "codes": ["deal", "region", "code"],
        "deals": ({"region": "north"}, ["deal", "region", "code"]),
    },
    "boss": {"staff": ["id", "full_name", "badge"], "deals": ["deal", "region", "amount", "code"]},
    "guard": {"visits": ({"person": "user.name"}, ["visit", "person", "pass"])},
}


def _declared(tables: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"rows": given[0], "columns": given[1]} if isinstance(given, tuple) else {"columns": given}
        for name, given in tables.items()
    }


def _write(root: Path) -> Project:
    (root / "documents").mkdir(parents=True)
    text = "# Day\n\nWork begins at the door, and everybody signs the book. The code DX-50271 opens it for all of us.\n"
    (root / "documents" / "day.md").write_text(text, encoding="utf-8")
    (root / "shop.sql").write_text(SQL, encoding="utf-8")
    roles = [*ACCOUNTS, "guest"]
    config = {
        "name": "Shop",
        "roles": dict.fromkeys(roles, "works"),
        "documents": {"all": {"path": "documents", "readers": roles}},
        "databases": {"shop": {"load": "shop.sql"}},
        "accounts": {
            f"{name}_account": {"database": "shop", "tables": _declared(tables)} for name, tables in ACCOUNTS.items()
        },
        "agents": {name: {"roles": [name], "documents": ["all"], "account": f"{name}_account"} for name in ACCOUNTS},
    }
    (root / "allotment.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return load_project(root)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool) -> Iterator[tuple[Project, Databases]]:
    project = _write(tmp_path_factory.mktemp("shop") / "project")
    ingest(project, Workspace(project.root), workers=workers)
    with Databases(project, Workspace(project.root)) as databases:
        databases.provision()
        yield project, databases


def found(shop: tuple[Project, Databases], **options: Any) -> CanarySet:
    project, databases = shop
    return find_canaries(project, Workspace(project.root), databases, **options)


def by_column(canaries: CanarySet) -> dict[str, list[Canary]]:
    columns: dict[str, list[Canary]] = {}
    for canary in canaries.canaries:
        columns.setdefault(canary.source, []).append(canary)
    return columns


def test_a_cell_is_known_to_the_roles_whose_account_reads_its_column_in_its_row(
    shop: tuple[Project, Databases],
) -> None:
    codes = by_column(found(shop, per_source=20))["shop.deals.code"]
    numbers = {int(canary.question.rsplit(" ", 1)[1].rstrip("?")): canary.set_name for canary in codes}
    assert numbers == {n: "boss" if n % 2 else "boss+clerk" for n in range(2, 21)}


def test_a_cell_whose_value_a_document_says_to_everybody_is_no_canary(shop: tuple[Project, Databases]) -> None:
    assert "DX-50271" not in {canary.value for canary in found(shop, per_source=20).canaries}


def test_what_no_account_reads_nobody_may_know(shop: tuple[Project, Databases]) -> None:
    columns = by_column(found(shop))
    assert {canary.set_name for canary in columns["shop.staff.home_address"]} == {"nobody"}
    assert {canary.set_name for canary in columns["shop.staff.born"]} == {"nobody"}


def test_a_view_makes_no_row_known_that_its_table_keeps(shop: tuple[Project, Databases]) -> None:
    columns = by_column(found(shop))
    assert {canary.set_name for canary in columns["shop.staff.badge"]} == {"boss"}
    assert not any(source.startswith("shop.codes") for source in columns)


def test_rows_filtered_by_a_claim_count_as_known_to_the_whole_role(shop: tuple[Project, Databases]) -> None:
    assert {canary.set_name for canary in by_column(found(shop))["shop.visits.pass"]} == {"guard"}


def test_a_cell_is_asked_for_by_its_key_and_sampled_by_the_seed(shop: tuple[Project, Databases]) -> None:
    one = found(shop, per_source=3, seed=1)
    amounts = by_column(one)["shop.deals.amount"]
    assert len(amounts) == 3
    assert one == found(shop, per_source=3, seed=1) != found(shop, per_source=3, seed=2)
    question = amounts[0].question
    assert question.startswith("What is the amount of deals where deal is ")
    assert amounts[0].sentence == f"The {question[12:-1]} is {amounts[0].value}."


def test_tables_without_canaries_are_named_with_the_reason(shop: tuple[Project, Databases]) -> None:
    lacking = found(shop).lacking
    assert "shop.keyless: its rows have no key that a question could name." in lacking
    assert "shop.nothing: it is empty." in lacking


def test_a_table_of_too_many_rows_is_not_taken_for_read(
    shop: tuple[Project, Databases], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_module, "MOST_ROWS", 15)
    canaries = found(shop)
    assert "shop.deals.code" not in by_column(canaries)
    assert any(sentence.startswith("shop.deals: it has more than 15 rows") for sentence in canaries.lacking)


def test_nothing_is_written_to_the_database(shop: tuple[Project, Databases]) -> None:
    found(shop)
    assert shop[1].check() == []


def test_a_database_that_is_not_loaded_is_an_error_and_not_an_empty_one(shop: tuple[Project, Databases]) -> None:
    project, databases = shop
    other = replace_database(project, "other")
    with (
        Databases(other, Workspace(project.root)) as unloaded,
        pytest.raises(DatabaseUnavailable, match="does not answer"),
    ):
        find_canaries(other, Workspace(project.root), unloaded)
    assert databases.check() == []


def replace_database(project: Project, name: str) -> Project:
    accounts = {key: account.model_copy(update={"database": name}) for key, account in project.accounts.items()}
    return project.model_copy(update={"databases": {name: project.databases["shop"]}, "accounts": accounts})


def test_a_file_is_said_not_to_be_looked_at(taught: Project, tmp_path: Path) -> None:
    project = copy_project(taught, tmp_path / "copy")
    sqlite3.connect(tmp_path / "copy" / "own.sqlite").close()
    config = project.databases["northwind"].model_copy(update={"load": None, "file": Path("own.sqlite")})
    other = project.model_copy(
        update={
            "databases": {"northwind": config},
            "accounts": {},
            "agents": {name: agent.model_copy(update={"account": None}) for name, agent in project.agents.items()},
        }
    )
    with Databases(other, Workspace(other.root)) as databases:
        lacking = find_canaries(other, Workspace(other.root), databases).lacking
    assert any("northwind: not looked at, for it is a file" in sentence for sentence in lacking)


def test_the_example_has_canaries_of_every_reader_set_of_its_tables(
    northwind: Project, postgres: Databases, taught: Project
) -> None:
    canaries = find_canaries(northwind, Workspace(taught.root), postgres).canaries
    names = {canary.set_name for canary in canaries if canary.origin == "row"}
    assert names == {"director", "director+sales", "director+warehouse", "director+sales+warehouse", "nobody"}
    addresses = [canary for canary in canaries if canary.source == "northwind.employees.birth_date"]
    assert addresses
    assert all(canary == replace(canary, readers=frozenset()) for canary in addresses)
