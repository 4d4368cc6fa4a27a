"""The checks a project declares, made once and asked for every question."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.guards._chain import QUESTION_CHECKS, check_question
from allotment.guards._finding import Check, Finding
from allotment.guards._learned import LEARNED, learned_checks
from allotment.guards._model import load_model
from allotment.guards._own import own_check
from allotment.guards._topics import NAME as TOPICS
from allotment.guards._topics import topics_check
from allotment.project import AgentGuards, GuardsConfig, Project


class Guards:
    """All checks of questions, for the project and for each agent. Thread-safe; made before the first question."""

    def __init__(self, project: Project) -> None:
        """Load every check that ``allotment.yaml`` names.

        Raises:
            ProjectError: a check is unknown or cannot be loaded, or an agent's threshold is above the project's.
            MissingPartError: the classifier is missing.
            IntegrityError: the classifier is not what was trained.
        """
        config = project.guards
        self._roles = project.roles
        self._checks = MappingProxyType(_checks(project, None))
        self._of_agent = {name: MappingProxyType(_checks(project, own)) for name, own in config.agents.items()}

    def check(self, text: str, principal: Principal, agent: str | None = None) -> list[Finding]:
        """All findings on a question, one of each check, as ``check_question`` gives them.

        ``agent`` none takes the project's checks; an agent's own come on top of them.
        """
        checks = self._of_agent.get(agent, self._checks) if agent is not None else self._checks
        return check_question(text, principal, self._roles, checks=checks)

    def stricter(self, agent: str) -> bool:
        """Whether this agent has checks of its own."""
        return agent in self._of_agent


def _checks(project: Project, own: AgentGuards | None) -> dict[str, Check]:
    config = project.guards
    names = tuple(dict.fromkeys((*config.checks, *(own.checks if own else ()))))
    thresholds = {**config.thresholds, **(own.thresholds if own else {})}
    learned = _learned(project, config, thresholds) if set(names) & set(LEARNED) else {}
    shipped: Mapping[str, Check] = {**QUESTION_CHECKS, **learned}
    made = {name: shipped.get(name) or own_check(name, config.check_s, thresholds.get(name)) for name in names}
    topics = {**config.forbidden_topics, **_apart(config, own)}
    return {**made, TOPICS: topics_check(topics)} if topics else made


def _learned(project: Project, config: GuardsConfig, thresholds: Mapping[str, float]) -> dict[str, Check]:
    folder = project.root / config.classifier if config.classifier is not None else None
    model = load_model(folder)
    for name, limit in zip(LEARNED, model.thresholds, strict=True):
        loose = [agent for agent, own in config.agents.items() if own.thresholds.get(name, 0.0) > limit]
        if loose and name not in config.thresholds:
            raise ProjectError(
                f"the threshold of {name!r} is above the project's {limit}; an agent can only be stricter.",
                element=f"guards.agents.{loose[0]}.thresholds",
                remedy="Lower it, or set the project's own in guards.thresholds.",
            )
    return learned_checks(model, thresholds)


def _apart(config: GuardsConfig, own: AgentGuards | None) -> dict[str, tuple[str, ...]]:
    """An agent's topics; a topic that the project declares as well has the phrases of both."""
    topics = own.forbidden_topics if own else {}
    return {topic: (*config.forbidden_topics.get(topic, ()), *phrases) for topic, phrases in topics.items()}
