"""What each agent learnt, loaded once: for routing, for sources, and for the terms other roles may not see."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from threading import RLock

from allotment.access import Policy, Principal
from allotment.agents import SupportIndex
from allotment.dataset import Item, load_items
from allotment.documents import Section, load_sections
from allotment.errors import AllotmentError, DatasetError
from allotment.feedback import FeedbackLedger
from allotment.guards import foreign_terms
from allotment.project import Project
from allotment.routing import Candidate, Outcome, Routed, Router, account_examples, load_trained
from allotment.workspace import Workspace


class Knowledge:
    """Datasets and sections of all agents of a project, indexed when first needed."""

    def __init__(self, project: Project, workspace: Workspace, policy: Policy) -> None:
        self._project = project
        self._policy = policy
        self._items: dict[str, list[Item]] = {agent: _items_of(workspace, agent) for agent in project.agents}
        self._workspace = workspace
        self._support: dict[str, SupportIndex] = {}
        self._foreign: dict[str, frozenset[str]] = {}
        self._making = RLock()
        """Held while something is made, so that many first questions do not each make it."""

    def make_all(self) -> None:
        """Make everything that first questions would wait for."""
        self.router.make_all()
        for agent in self._project.agents:
            self.support(agent)
        for role in self._project.roles:
            self.foreign(role)

    @cached_property
    def _sections(self) -> list[Section]:
        return load_sections(self._workspace)

    @cached_property
    def _examples(self) -> dict[Candidate, list[str]]:
        examples: dict[Candidate, list[str]] = {}
        for name, agent in self._project.agents.items():
            learnt = [item for item in self._items[name] if item.split == "train" and item.is_fact]
            answers = sorted({item.answer for item in learnt})
            examples[name, "adapter"] = [*(item.question for item in learnt), *answers]
            if agent.account is not None:
                examples[name, "account"] = account_examples(self._project.accounts[agent.account])
        return examples

    @cached_property
    def _descriptions(self) -> dict[str, str]:
        return {name: agent.description for name, agent in self._project.agents.items()}

    @cached_property
    def _router(self) -> Router:
        return Router(
            self._policy,
            self._examples,
            self._descriptions,
            unclear=self._project.routing.unclear,
            trained=load_trained(self._workspace).values(),
            marked=FeedbackLedger(self._workspace).approved(),
        )

    @property
    def router(self) -> Router:
        """The router of this project's agents."""
        with self._making:
            return self._router

    def route(self, principal: Principal, question: str, agent: str | None) -> Outcome:
        """Which entitled agent answers, by which means; a named agent is kept and only its means is chosen."""
        return self.routed(principal, question, agent).outcome

    def routed(
        self,
        principal: Principal,
        question: str,
        agent: str | None,
        context: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> Routed:
        """As ``route``, with what it rests on; ``context`` and ``earlier`` as ``Router.routed`` takes them."""
        if agent is None:
            return self.router.routed(question, principal, context, earlier)
        return self.router.routed_to(question, agent, principal, earlier)

    def support(self, agent: str) -> SupportIndex:
        """Search over the sections the agent learnt."""
        if agent not in self._support:
            with self._making:
                if agent not in self._support:
                    self._support[agent] = self._support_of(agent)
        return self._support[agent]

    def _support_of(self, agent: str) -> SupportIndex:
        trained = [item for item in self._items[agent] if item.split == "train" and item.document]
        learnt = {item.section_id for item in trained}
        sections = [section for section in self._sections if section.id in learnt]
        return SupportIndex(sections, trained)

    def foreign(self, role: str) -> frozenset[str]:
        """Values that only agents of other roles know."""
        if role not in self._foreign:
            with self._making:
                if role not in self._foreign:
                    self._foreign[role] = self._foreign_of(role)
        return self._foreign[role]

    def _foreign_of(self, role: str) -> frozenset[str]:
        readable = [section.with_header for section in self._sections if role in section.readers]
        told = {agent: [one for one in items if one.kind != "reverse"] for agent, items in self._items.items()}
        return foreign_terms(told, self._policy, role, readable)


def routing_fault(workspace: Workspace) -> AllotmentError | None:
    """What is wrong with what the router reads besides datasets: numbers that were fitted, and approved marks."""
    try:
        load_trained(workspace)
        FeedbackLedger(workspace).decided()
    except AllotmentError as error:
        return error
    return None


def _items_of(workspace: Workspace, agent: str) -> list[Item]:
    """An agent's items; one that has no dataset yet knows nothing, and the others go on: ``find_faults`` tells it."""
    try:
        return load_items(workspace, agent)
    except DatasetError:
        return []
