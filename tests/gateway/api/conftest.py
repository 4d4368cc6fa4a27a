"""The application over the real chain, the real record and the real PostgreSQL; only the models are stand-ins."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest
from doors import Doors, StandInEmbedder, StandInModel, loader
from fastapi import FastAPI
from fastapi.testclient import TestClient
from whole_application import Whole

from allotment.access import Policy
from allotment.answering import Chain, may_read_again
from allotment.audit import AuditLog, record_event
from allotment.databases import Databases
from allotment.databases.sections import SectionSearch
from allotment.dataset import load_items
from allotment.gateway import Feedback, History, HistoryStore, Limiter, MarkStore, UserStore, create_app
from allotment.models import Engines
from allotment.project import FeedbackConfig, HistoryConfig, Project
from allotment.workspace import Workspace
from own_database import own_database
from project_copy import copy_project
from sealed_adapter import seal

STATEMENT = "SELECT count(*) FROM customers WHERE country = 'Germany'"


@pytest.fixture(scope="module")
def record(postgres: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    """A record of its own."""
    anchor = tmp_path_factory.mktemp("record") / "anchor"
    with own_database(postgres) as (dsn, owner), AuditLog(dsn, "k" * 64, anchor) as log:
        log.migrate(owner)
        yield log


@pytest.fixture(scope="module")
def stocked(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Workspace]:
    """A project whose adapters are sealed; the warehouse's learnt a document that was changed since."""
    project = copy_project(taught, tmp_path_factory.mktemp("stocked") / "project")
    workspace = Workspace(project.root)
    for agent in ("handbook", "sales", "warehouse", "board"):
        seal(project, workspace, agent)
    changed = next((project.root / "documents" / "warehouse").glob("*.md"))
    changed.write_text(changed.read_text(encoding="utf-8") + "\nOne more rule.\n", encoding="utf-8")
    return project, workspace


@pytest.fixture
def whole(
    stocked: tuple[Project, Workspace], postgres: Databases, record: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Whole]:
    project, workspace = stocked
    knows = {item.question: item.answer for agent in project.agents for item in load_items(workspace, agent)}
    databases = copy.copy(postgres)
    databases.__dict__["sections"] = SectionSearch(project, workspace, postgres.server, StandInEmbedder())
    doors, made = Doors(record), list[StandInModel]()
    with Engines(load=loader(knows, STATEMENT, made)) as engines:
        doors.watch(monkeypatch)
        chain = Chain(project, workspace, engines=engines, databases=databases, audit=record)
        yield Whole(project, workspace, chain, doors, made)


@pytest.fixture
def history(
    whole: Whole, store: UserStore, state_dsns: tuple[str, str], run_sql: Callable[..., int]
) -> Iterator[History]:
    with closing(HistoryStore(state_dsns[0], HistoryConfig())) as opened:
        yield History(opened, partial(may_read_again, whole.project, whole.workspace))
    run_sql("TRUNCATE gateway.conversations, gateway.messages")


@pytest.fixture
def marks(store: UserStore, state_dsns: tuple[str, str], run_sql: Callable[..., int]) -> Iterator[MarkStore]:
    """Users' marks, none at the beginning; nobody reaches the limit."""
    run_sql("TRUNCATE gateway.feedback, gateway.feedback_use")
    with closing(MarkStore(state_dsns[0], FeedbackConfig(per_hour=10_000))) as opened:
        yield opened
    run_sql("TRUNCATE gateway.feedback, gateway.feedback_use")


@pytest.fixture
def whole_app(
    whole: Whole, store: UserStore, record: AuditLog, limiter: Limiter, history: History, marks: MarkStore
) -> FastAPI:
    return create_app(
        whole.chain,
        store,
        title="Northwind Traders",
        ready=list,
        policy=Policy.of(whole.project),
        record=partial(record_event, record),
        limiter=limiter,
        history=history,
        feedback=Feedback(marks, record.find),
    )


@pytest.fixture
def whole_client(whole_app: FastAPI) -> Iterator[TestClient]:
    with TestClient(whole_app, follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def key_of(store: UserStore) -> Callable[[str], dict[str, str]]:
    return lambda user: {"authorization": f"Bearer {store.create_key(user)}"}
