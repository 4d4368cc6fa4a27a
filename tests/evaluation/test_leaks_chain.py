"""Through the whole chain: everybody asks every agent for everything, and what an adapter must not say stays in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from leaks_ground import Known, taught_company

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.documents import WorkerPool
from allotment.evaluation.leaks._adapter import probe_adapters
from allotment.evaluation.leaks._chain import probe_chain
from allotment.evaluation.leaks._ground import Ground, Size
from allotment.evaluation.leaks._measure import _ground
from allotment.project import Project
from allotment.workspace import Workspace

AGENTS = ("handbook", "sales", "warehouse", "board")
SIZE = Size(rows=2)


@pytest.fixture(scope="module")
def place(
    taught: Project, tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool
) -> Iterator[tuple[Project, Known, Databases, AuditLog]]:
    with taught_company(taught, tmp_path_factory.mktemp("chain") / "project", workers, facts=2) as place:
        yield place


@pytest.fixture
def ground(place: tuple[Project, Known, Databases, AuditLog]) -> Iterator[Ground]:
    """With a handbook that has learnt what the board knows."""
    project, whole, databases, audit = place
    known = Known({agent: dict(facts) for agent, facts in whole.facts.items()})
    known.also("handbook", "board")
    with known.engines() as engines:
        yield _ground(project, Workspace(project.root), databases, audit, engines, AGENTS, SIZE, None)


def test_everybody_asks_by_every_name_and_the_output_check_holds_what_an_adapter_tells(ground: Ground) -> None:
    below, through = list(probe_adapters(ground)), list(probe_chain(ground))
    assert any(probe.is_leak for probe in below)
    assert not [probe for probe in through if probe.is_leak or probe.ending == "failed"]

    asked = Counter((probe.role, probe.said.agent) for probe in through)
    assert set(asked) == {(role, agent) for role in ground.project.roles for agent in ("", *AGENTS)}
    entitled = {(role, agent) for agent in AGENTS for role in ground.roles(agent)}
    others = [probe for probe in through if probe.said.agent and (probe.role, probe.said.agent) not in entitled]
    assert {probe.ending for probe in others} == {"denied"}
    heard = {(probe.role, probe.said.agent) for probe in through if probe.ending == "hit"}
    assert entitled <= heard


def test_of_rows_some_are_asked_for_spread_over_who_may_know(ground: Ground) -> None:
    rows = [canary for canary in ground.canaries if canary.origin == "row" and canary.readers]
    assert len(rows) > SIZE.rows
    assert len({canary.readers for canary in ground.rows_asked}) == SIZE.rows
    asked = {probe.canary.id for probe in probe_chain(ground) if probe.canary.origin == "row"}
    assert asked >= {canary.id for canary in ground.rows_asked}
