"""Which sections an agent's dataset may use."""

from __future__ import annotations

from collections.abc import Iterable

from allotment.documents import Section
from allotment.errors import ProjectError
from allotment.project import AgentConfig, Project


def agent_config(project: Project, agent: str) -> AgentConfig:
    """The agent's declaration.

    Raises:
        ProjectError: there is no such agent.
    """
    config = project.agents.get(agent)
    if config is None:
        known = ", ".join(sorted(project.agents)) or "none are declared"
        raise ProjectError(f"there is no agent {agent!r}.", element="agents", remedy=f"Known agents: {known}.")
    return config


def select_sections(project: Project, agent: str, sections: Iterable[Section]) -> list[Section]:
    """Sections of the agent's document sets that *all* its roles may read, in their order.

    The section's readers and the set's readers of today must both allow it: a set that was re-labelled after
    the documents were read does not let an old label through.
    """
    config = agent_config(project, agent)
    return [
        section
        for section in sections
        if section.document_set in config.documents
        and config.roles <= section.readers
        and config.roles <= project.readers_of(section.document_set)
    ]
