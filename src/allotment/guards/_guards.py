"""The checks a project declares, made once and asked for every question and answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from allotment.access import Principal
from allotment.guards._answer import check_answer
from allotment.guards._chain import check_question
from allotment.guards._declared import Declared, Means
from allotment.guards._finding import AnswerCheck, AnswerContext, Check, Finding
from allotment.guards._impersonation import make_ready
from allotment.project import Project

Part = Literal["question", "conversation", "context"]
"""What a text is: the user's words, the end of the conversation as one text, or a text from around the question."""
_READ: Mapping[str, frozenset[Part]] = {
    "off_topic": frozenset({"question"}),
    "judge": frozenset({"question", "conversation"}),
    "hub_classifier": frozenset({"question", "conversation"}),
}
"""Checks that do not read every text: what a program says around a question has no topic of ours, and a large model is
not asked five hundred times."""


class Guards:
    """All checks of questions and answers, for the project and for each agent. Thread-safe; made before the first
    question."""

    def __init__(self, project: Project, means: Means | None = None) -> None:
        """Load every check that ``allotment.yaml`` names.

        Args:
            project: says which.
            means: what ``judge`` and ``off_topic`` ask; needed where they are named.

        Raises:
            ProjectError: a check is unknown or cannot be loaded, or an agent's threshold is above the project's.
            MissingPartError: a classifier or the judge's model is missing.
            IntegrityError: a classifier is not what was trained or sealed.
        """
        config = project.guards
        self._project = project
        make_ready(frozenset(project.roles))
        made = Declared(project, means or Means())
        self._checks = MappingProxyType(made.checks(None))
        self._of_agent = {name: MappingProxyType(made.checks(own)) for name, own in config.agents.items()}
        self._besides = {name: made.besides(own, self._of_agent[name]) for name, own in config.agents.items()}
        self._answer_checks: dict[str | None, Mapping[str, AnswerCheck]] = {None: made.answer_checks(None)}
        self._answer_checks |= {name: made.answer_checks(own) for name, own in config.agents.items()}
        self._canaries = {role: _foreign_canaries(project, role) for role in project.roles}

    def check(
        self,
        text: str,
        principal: Principal,
        agent: str | None = None,
        *,
        part: Part = "question",
        earlier: Sequence[str] = (),
        besides: bool = False,
    ) -> list[Finding]:
        """All findings on a text, one of each check that reads such a text, as ``check_question`` gives them.

        Args:
            text: as it came.
            principal: who asks.
            agent: the one that will answer; its own checks come on top of the project's. None: the project's alone.
            part: what the text is.
            earlier: earlier texts of the conversation, oldest first.
            besides: only what this agent checks otherwise than the project, where that was carried out before.
        """
        checks = self._chosen(agent, besides)
        read = {name: check for name, check in checks.items() if part in _READ.get(name, (part,))}
        if checks and not read:
            return []
        return check_question(text, principal, self._project.roles, checks=read, agent=agent, earlier=earlier)

    def stricter(self, agent: str) -> bool:
        """Whether this agent checks questions otherwise than the project."""
        return bool(self._besides.get(agent))

    def reads(self, part: Part, agent: str | None = None, *, besides: bool = False) -> bool:
        """Whether any check reads such texts."""
        return any(part in _READ.get(name, (part,)) for name in self._chosen(agent, besides))

    def check_answer(
        self,
        text: str,
        principal: Principal,
        agent: str | None = None,
        *,
        foreign_terms: Collection[str] = (),
        hosts: Collection[str] = (),
    ) -> list[Finding]:
        """All findings on an answer, one of each check.

        Args:
            text: as it would be shown.
            principal: to whom.
            agent: whose answer it is.
            foreign_terms: what ``foreign_terms()`` gave for the role.
            hosts: hosts in documents the role may read.
        """
        config = self._project.guards
        canaries = self._canaries.get(principal.role, frozenset().union(*config.canaries.values()))
        context = AnswerContext(foreign_terms, canaries, frozenset((*config.hosts, *hosts)))
        checks = self._answer_checks.get(agent, self._answer_checks[None])
        return check_answer(text, context, checks=checks)

    def _chosen(self, agent: str | None, besides: bool) -> Mapping[str, Check]:
        if agent is None:
            return self._checks
        return self._besides.get(agent, {}) if besides else self._of_agent.get(agent, self._checks)


def _foreign_canaries(project: Project, role: str) -> frozenset[str]:
    """Those of document sets the role may not read, less any that stand in one it may."""
    planted = project.guards.canaries.items()
    own = {canary for name, every in planted if role in project.readers_of(name) for canary in every}
    return frozenset(canary for _, every in planted for canary in every) - own
