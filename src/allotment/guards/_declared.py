"""From the names in ``allotment.yaml`` to the checks themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from allotment.errors import ProjectError
from allotment.guards._answer import ANSWER_CHECKS
from allotment.guards._chain import QUESTION_CHECKS
from allotment.guards._finding import AnswerCheck, Check
from allotment.guards._hub_classifier import HubClassifier, hub_classifier_check
from allotment.guards._judge import judge_check
from allotment.guards._learned import LEARNED, learned_checks
from allotment.guards._model import load_model
from allotment.guards._off_topic import Scope, off_topic_check
from allotment.guards._own import bounded, own_answer_check, own_check
from allotment.guards._personal_data import PersonalData
from allotment.guards._secrets import secrets_check, secrets_in_answer
from allotment.guards._topics import NAME as TOPICS
from allotment.guards._topics import topics_check
from allotment.project import AgentGuards, GuardsConfig, JudgeConfig, Project

if TYPE_CHECKING:
    from allotment.models import Engines

_GRACE_S = 0.5
"""A judge stops by itself when its time is up; an engine that reads a long text does so only at its first token."""
_Given = TypeVar("_Given")


@dataclass(frozen=True)
class Means:
    """What some checks ask, of packages that guards know nothing of."""

    engines: Engines | None = None
    """Runs the judge's model."""
    scope: Scope | None = None
    """Knows what the agents answer."""


class Declared:
    """Makes checks from their names; what is large is loaded once, whoever names it. Errors as ``Guards`` has them."""

    def __init__(self, project: Project, means: Means) -> None:
        self._project = project
        self._config = project.guards
        self._means = means
        config = project.guards
        every = {*config.checks, *(name for one in config.agents.values() for name in one.checks)}
        self._model = load_model(_classifier(project)) if every & set(LEARNED) else None
        answers = {*config.answer_checks, *(name for one in config.agents.values() for name in one.answer_checks)}
        self._personal = PersonalData(project) if "personal_data" in every | answers else None
        hub = config.hub_classifier
        self._hub = HubClassifier(hub, project.root) if hub is not None else None
        self._refuse_loose_agents()

    def checks(self, own: AgentGuards | None) -> dict[str, Check]:
        """Name → check, the topics last."""
        config = self._config
        names = tuple(dict.fromkeys((*config.checks, *(own.checks if own else ()))))
        thresholds = {**config.thresholds, **(own.thresholds if own else {})}
        learned = learned_checks(self._model, thresholds) if self._model is not None else {}
        given = {**QUESTION_CHECKS, **learned}
        made = {name: given.get(name) or self._made(name, thresholds.get(name), own) for name in names}
        topics = {**config.forbidden_topics, **_apart(config, own)}
        return {**made, TOPICS: topics_check(topics)} if topics else made

    def besides(self, own: AgentGuards, checks: Mapping[str, Check]) -> dict[str, Check]:
        """Those of an agent's checks that can find more than the project's."""
        more = {*own.checks, *own.thresholds, *((TOPICS,) if own.forbidden_topics else ())}
        return {name: check for name, check in checks.items() if name in more}

    def answer_checks(self, own: AgentGuards | None) -> dict[str, AnswerCheck]:
        """Name → check of answers."""
        config = self._config
        given = {**ANSWER_CHECKS, "secrets": secrets_in_answer(config.secrets)}
        if self._personal is not None:
            given["personal_data"] = self._personal.answer
        names = dict.fromkeys((*config.answer_checks, *(own.answer_checks if own else ())))
        return {name: given.get(name) or own_answer_check(name, config.check_s) for name in names}

    def _made(self, name: str, threshold: float | None, own: AgentGuards | None) -> Check:
        config, means = self._config, self._means
        if name == "secrets":
            return secrets_check(config.secrets)
        if name == "personal_data" and self._personal is not None:
            return self._personal.question
        if name == "off_topic":
            by_agent = own is not None and name in own.checks
            return off_topic_check(_needed(name, means.scope), threshold, by_agent=by_agent)
        if name == "judge" and config.judge is not None:
            judge = judge_check(_there(config.judge), _needed(name, means.engines), threshold)
            return bounded(name, judge, config.judge.timeout_s + _GRACE_S)
        if name == "hub_classifier" and config.hub_classifier is not None and self._hub is not None:
            return bounded(name, hub_classifier_check(self._hub, threshold), config.hub_classifier.timeout_s)
        return own_check(name, config.check_s, threshold)

    def _refuse_loose_agents(self) -> None:
        config = self._config
        for name, limit in zip(LEARNED, self._model.thresholds if self._model else (), strict=False):
            loose = [agent for agent, own in config.agents.items() if own.thresholds.get(name, 0.0) > limit]
            if loose and name not in config.thresholds:
                raise ProjectError(
                    f"the threshold of {name!r} is above the project's {limit}; an agent can only be stricter.",
                    element=f"guards.agents.{loose[0]}.thresholds",
                    remedy="Lower it, or set the project's own in guards.thresholds.",
                )


def _needed(name: str, given: _Given | None) -> _Given:
    if given is None:
        raise ProjectError(f"the check {name!r} cannot be carried out here.", element="guards.checks")
    return given


def _there(judge: JudgeConfig) -> JudgeConfig:
    """The same, its model being here or served elsewhere."""
    from allotment.models import is_server, locate

    if not is_server(judge.model):
        locate(judge.model)
    return judge


def _classifier(project: Project) -> Path | None:
    folder = project.guards.classifier
    return project.root / folder if folder is not None else None


def _apart(config: GuardsConfig, own: AgentGuards | None) -> dict[str, tuple[str, ...]]:
    """An agent's topics; a topic that the project declares as well has the phrases of both."""
    topics = own.forbidden_topics if own else {}
    return {topic: (*config.forbidden_topics.get(topic, ()), *phrases) for topic, phrases in topics.items()}
