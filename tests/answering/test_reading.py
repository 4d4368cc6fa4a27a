"""A whole document is read by those whose role may read it today, through one of their agents, and it is on record."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

import allotment
from allotment.access import Policy, Principal
from allotment.answering import DocumentText
from allotment.answering._reading import read_document
from allotment.audit import AuditLog, RecordedDenial
from allotment.databases import Databases
from allotment.documents import ingest, load_documents, load_sections, readers_now
from allotment.errors import AccessDenied, IntegrityError
from allotment.project import Project, load_project
from allotment.workspace import Workspace
from own_database import own_database

EVA, DANA = Principal("eva", "employee"), Principal("dana", "director")
SALARIES = "documents/board/salaries.md"


@dataclass(frozen=True)
class Opened:
    """The example company, its documents read, with a record."""

    project: Project
    workspace: Workspace
    audit: AuditLog

    def read(self, principal: Principal, agent: str, document: str) -> DocumentText:
        policy = Policy.of(self.project)
        return read_document(self.project, self.workspace, self.audit, policy, principal, agent, document)

    def last(self) -> dict[str, object]:
        return dict(self.audit.records(limit=1)[0].event)


@pytest.fixture(scope="module")
def opened(postgres: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    root = tmp_path_factory.mktemp("reading") / "project"
    shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
    project, workspace = load_project(root), Workspace(root)
    ingest(project, workspace)
    with (
        own_database(postgres) as (dsn, owner),
        AuditLog(dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor") as audit,
    ):
        audit.migrate(owner)
        yield Opened(project, workspace, audit)


def test_every_role_reads_exactly_what_the_labels_and_its_agents_allow(opened: Opened) -> None:
    project, policy = opened.project, Policy.of(opened.project)
    records = load_documents(opened.workspace)
    readers = readers_now(project, records)
    read = 0
    for role, agent, record in product(project.roles, project.agents, records):
        allowed = (
            agent in policy.entitled(role)
            and record.document_set in project.agents[agent].documents
            and role in readers[record.path]
        )
        try:
            found = opened.read(Principal("u", role), agent, record.path)
        except RecordedDenial:
            assert not allowed, (role, agent, record.path)
        else:
            assert allowed, (role, agent, record.path)
            assert [one.section_id for one in found.passages] == [
                one.id for one in load_sections(opened.workspace, record.path)
            ]
            read += 1
    assert 0 < read < len(project.roles) * len(project.agents) * len(records)


def test_what_was_read_and_what_was_refused_is_on_record_with_the_document(opened: Opened) -> None:
    found = opened.read(DANA, "board", SALARIES)
    event = opened.last()
    assert (event["outcome"], event["document"], event["agent"]) == ("allow", SALARIES, "board")
    assert found.record == opened.audit.records(limit=1)[0].sequence
    with pytest.raises(RecordedDenial):
        opened.read(EVA, "handbook", SALARIES)
    event = opened.last()
    assert (event["outcome"], event["reason"], event["document"]) == ("deny", "document-not-readable", SALARIES)


@pytest.mark.parametrize(
    "agent, document",
    [("handbook", "nothing.md"), ("handbook", "../allotment.yaml"), ("nobody", SALARIES), ("", ""), ("board", "\x00")],
)
def test_what_is_not_there_is_denied_on_record_like_what_may_not_be_read(
    opened: Opened, agent: str, document: str
) -> None:
    with pytest.raises(AccessDenied):
        opened.read(EVA, agent, document)


def test_a_document_that_was_labelled_narrower_since_is_read_no_more(opened: Opened) -> None:
    (record,) = [one for one in load_documents(opened.workspace) if one.path.endswith("expenses-and-travel.md")]
    assert opened.read(EVA, "handbook", record.path).passages
    label = opened.project.root / Path(record.path).parent / "readers.yaml"
    label.write_text("readers: [director]\n", encoding="utf-8")
    try:
        with pytest.raises(RecordedDenial):
            opened.read(EVA, "handbook", record.path)
    finally:
        label.unlink()
    assert opened.read(EVA, "handbook", record.path).passages


def test_sections_that_somebody_edited_are_not_shown(opened: Opened) -> None:
    file = opened.workspace.sections_file
    before = file.read_bytes()
    file.write_bytes(before.replace(b"salary", b"SALARY"))
    try:
        with pytest.raises(IntegrityError):
            opened.read(DANA, "board", SALARIES)
    finally:
        file.write_bytes(before)
