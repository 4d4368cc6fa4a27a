"""Parts every test may use: one PostgreSQL server with the example company's database, provisioned once a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import allotment
from allotment.databases import Databases, EmbeddedServer
from allotment.project import Project, load_project
from allotment.workspace import Workspace

SYSTEM_HOME = Path("/var/lib/allotment")
"""Where clusters lie when the tests run as root."""


@pytest.fixture(scope="session", autouse=True)
def _clusters_of_this_run_are_removed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    for note in SYSTEM_HOME.glob("*.project"):
        root = Path(note.read_text(encoding="utf-8").strip())
        if root.is_relative_to(tmp_path_factory.getbasetemp().resolve()) and root.exists():
            EmbeddedServer(Workspace(root)).remove()


@pytest.fixture(scope="session")
def northwind(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example company in a folder of its own. Not to be altered."""
    root = tmp_path_factory.mktemp("northwind") / "project"
    shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
    return load_project(root)


@pytest.fixture(scope="session")
def postgres(northwind: Project) -> Iterator[Databases]:
    """The example company's databases, provisioned. Not to be altered; make a database of your own for that."""
    with Databases(northwind, Workspace(northwind.root)) as databases:
        databases.provision()
        yield databases
