"""Parts every test may use: one PostgreSQL server with the example company's database, provisioned once a run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import allotment
from allotment.audit import AuditLog
from allotment.databases import Databases, EmbeddedServer
from allotment.databases.postgres import _server
from allotment.documents import WorkerPool, ingest
from allotment.project import Project, load_project
from allotment.training import UNGATED, run
from allotment.workspace import Workspace, write_atomic
from trained_company import TRAINED, Company

# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SYSTEM_HOME = Path("/var/lib/allotment")
"""Where clusters lie when the tests run as root."""


@pytest.fixture(scope="session", autouse=True)
def _clusters_of_this_run_are_removed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    for note in SYSTEM_HOME.glob("*.project"):
        try:
            root = Path(note.read_text(encoding="utf-8").strip())
        except FileNotFoundError:  # another run beside this one took its own away
            continue
        if root.is_relative_to(tmp_path_factory.getbasetemp().resolve()) and root.exists():
            EmbeddedServer(Workspace(root)).remove()


@pytest.fixture(scope="session", autouse=True)
def _clusters_of_this_run_do_not_wait_for_the_disk() -> Iterator[None]:
    """They end with the run; a process that is killed loses nothing by it, only a machine that stops would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_server, "_SETTINGS", f"{_server._SETTINGS}\nfsync = off\nfull_page_writes = off\n")
        yield


@pytest.fixture(scope="session")
def workers() -> Iterator[WorkerPool]:
    """Processes that read documents, for the whole run: starting them takes longer than most documents."""
    with WorkerPool() as pool:
        yield pool


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


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool) -> Project:
    """A copy of the example whose documents are ingested and whose datasets hold a few generated items."""
    root = tmp_path_factory.mktemp("taught") / "project"
    shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
    project = load_project(root)
    workspace = Workspace(project.root)
    ingest(project, workspace, workers=workers)
    for agent in project.agents:
        kept = Path(__file__).parent / "data" / "items" / f"{agent}.jsonl"
        lines = kept.read_text(encoding="utf-8") if kept.exists() else ""
        write_atomic(workspace.dataset_dir(agent) / "items.jsonl", lines)
        counts = {"asked": 5, "accepted": 5, "rejected": {}, "failed": {}, "train": 20, "held_out": 5, "dropped": {}}
        write_atomic(workspace.dataset_dir(agent) / "stats.json", json.dumps(counts))
    return project


@pytest.fixture(scope="session")
def company(taught: Project) -> Iterator[Company]:
    """Trains two adapters (about two minutes) and opens everything a question needs. Not to be altered."""
    workspace = Workspace(taught.root)
    manifests = {agent: run(taught, workspace, agent, gate=UNGATED).manifest for agent in TRAINED}
    with Databases(taught, workspace) as databases:
        databases.provision()
        log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
        with log as audit:
            audit.migrate(databases.admin_dsn())
            yield Company(taught, workspace, databases, audit, manifests)
