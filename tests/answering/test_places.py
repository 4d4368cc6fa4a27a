"""Under "I do not know" stands where to look: what the user may read, decided and on record, and never an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from allotment.access import Policy, Principal
from allotment.answering import Answer, Chain, Source
from allotment.answering._places import find_places
from allotment.audit import AuditLog, RecordedDenial
from allotment.databases import Databases
from allotment.errors import AccessDenied
from allotment.models import Engines
from allotment.project import Project, load_project
from allotment.workspace import Workspace
from project_copy import copy_project

EVA = Principal("eva", "employee")
DANA = Principal("dana", "director")
KESTREL = "What is the data room for the acquisition Kestrel called?"


@dataclass(frozen=True)
class Opened:
    """A project that knows nothing by heart and has no default agent, its documents read."""

    project: Project
    databases: Databases
    audit: AuditLog

    def find(self, principal: Principal, question: str, *agents: str) -> tuple[tuple[Source, ...], list[str]]:
        said: list[str] = []
        policy = Policy.of(self.project)
        found = find_places(self.databases, self.audit, policy, principal, question, agents, said.append)
        return found, said


@pytest.fixture(scope="module")
def opened(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    copy = copy_project(taught, tmp_path_factory.mktemp("places") / "project", "dataset", "adapters")
    file = copy.root / "allotment.yaml"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "default:" not in line]
    file.write_text("\n".join(line for line in lines if not line.startswith("routing:")) + "\n", encoding="utf-8")
    project, workspace = load_project(copy.root), Workspace(copy.root)
    with Databases(project, workspace) as databases:
        log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
        with log as audit:
            audit.migrate(databases.admin_dsn())
            yield Opened(project, databases, audit)


def test_a_place_is_a_section_the_user_may_read_and_the_search_is_on_record(opened: Opened) -> None:
    places, said = opened.find(DANA, KESTREL, "board")
    assert "Granary" in places[0].quote
    assert places[0].document == "documents/board/acquisition-plan.md"
    event = opened.audit.records(1)[0].event
    assert (event["kind"], event["agent"], event["search"], event["outcome"]) == ("decision", "board", True, "allow")
    assert said == [f"places to look: {len(places)}"]


def test_what_the_user_may_not_read_is_no_place_to_look(opened: Opened) -> None:
    assert not any("board" in place.document for place in opened.find(EVA, KESTREL, "handbook")[0])
    with pytest.raises(RecordedDenial):
        opened.find(EVA, KESTREL, "board")


def test_sections_with_little_of_the_question_are_no_places(opened: Opened) -> None:
    assert opened.find(DANA, "Who painted the ceiling of the Sistine Chapel in Rome?", "board", "handbook")[0] == ()


def test_there_are_three_places_at_most_each_once(opened: Opened) -> None:
    places, _ = opened.find(DANA, "days", "board", "handbook", "sales", "warehouse")
    assert len(places) == len({place.section_id for place in places}) == 3


def test_a_search_that_fails_costs_the_places_and_says_so(opened: Opened) -> None:
    records = Workspace(opened.project.root).documents_file
    kept = records.read_bytes()
    records.unlink()
    try:
        assert opened.find(DANA, KESTREL, "board") == (
            (),
            ["the sections of board could not be searched: ProjectError", "places to look: 0"],
        )
    finally:
        records.write_bytes(kept)


def test_no_search_that_cannot_be_recorded(opened: Opened, tmp_path: Path) -> None:
    dead = AuditLog(f"host={tmp_path} user=x dbname=x", "k", tmp_path / "anchor")
    with pytest.raises(AccessDenied, match="cannot be recorded"):
        Opened(opened.project, opened.databases, dead).find(DANA, KESTREL, "board")


@pytest.fixture(scope="module")
def answer(opened: Opened) -> Answer:
    """Of a chain whose router finds no agent that knows anything."""
    with Engines() as engines:
        workspace = Workspace(opened.project.root)
        chain = Chain(opened.project, workspace, engines=engines, databases=opened.databases, audit=opened.audit)
        return chain.answer(DANA, KESTREL)


def test_an_unknown_answer_has_places_and_its_text_has_nothing_of_them(answer: Answer, opened: Opened) -> None:
    assert answer.outcome == "unknown"
    assert "Granary" in answer.places[0].quote
    assert "Granary" not in answer.text and answer.sources == ()
    event = opened.audit.records(1)[0].event
    assert (event["kind"], event["detail"]["places"]) == ("unknown", [place.section_id for place in answer.places])
