"""The table that `check` prints is what the decisions say, for every role and agent of any project that loads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import allotment
from allotment.access import AdapterFacts, Policy, Principal, Request, decide
from allotment.cli.check import _reach
from allotment.project import Project, load_project

ROLES, SETS, AGENTS = ["clerk", "sales", "board"], ["rules", "offers", "minutes"], ["one", "two", "three"]
EXAMPLE = Path(allotment.__file__).parent / "examples" / "northwind"

_some_roles = st.lists(st.sampled_from(ROLES), min_size=1, unique=True)
_documents = st.fixed_dictionaries(dict.fromkeys(SETS, _some_roles))
_agent = st.fixed_dictionaries({"roles": _some_roles, "documents": st.lists(st.sampled_from(SETS), unique=True)})
_agents = st.dictionaries(st.sampled_from(AGENTS), _agent, min_size=1)


def _declared(documents: dict[str, list[str]], agents: dict[str, dict[str, Any]]) -> Project | None:
    """The project, or none where its own rules already refuse it."""
    found = None
    with suppress(ValidationError):
        found = Project.model_validate(
            {
                "root": Path(),
                "name": "Random",
                "roles": dict.fromkeys(ROLES, "asks"),
                "documents": {name: {"path": name, "readers": readers} for name, readers in documents.items()},
                "agents": agents,
            }
        )
    return found


def _allowed(project: Project) -> set[tuple[str, str]]:
    """Role and agent where a search, and an adapter that learnt all the agent's documents, would be granted."""
    policy = Policy.of(project)
    found = set()
    for role in project.roles:
        for agent, rule in policy.agents.items():
            adapter = AdapterFacts(agent, "v1", rule.clearance, stale=False)
            asked = [Request(agent, search=True), Request(agent, adapter)]
            outcomes = {decide(policy, Principal("u", role), request).outcome for request in asked}
            assert len(outcomes) == 1
            if outcomes == {"allow"}:
                found.add((role, agent))
    return found


@given(_documents, _agents)
def test_of_any_project_the_table_shows_what_would_be_granted_and_nothing_else(
    documents: dict[str, list[str]], agents: dict[str, dict[str, Any]]
) -> None:
    project = _declared(documents, agents)
    if project is None:
        return
    table = {(row.role, row.agent) for row in _reach(project)}
    assert table == _allowed(project)
    for row in _reach(project):
        assert all(row.role in documents[name] for name in row.documents)


@given(_documents, _agents)
def test_no_project_loads_with_an_agent_that_learns_what_one_of_its_roles_may_not_read(
    documents: dict[str, list[str]], agents: dict[str, dict[str, Any]]
) -> None:
    leaks = any(set(agent["roles"]) - set(documents[name]) for agent in agents.values() for name in agent["documents"])
    assert not leaks or _declared(documents, agents) is None


def test_of_the_example_company_every_role_and_agent_is_as_the_decisions_say() -> None:
    project = load_project(EXAMPLE)
    table = {(row.role, row.agent) for row in _reach(project)}
    assert table == _allowed(project)
    assert 0 < len(table) < len(project.roles) * len(project.agents)
