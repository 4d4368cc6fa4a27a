"""What would be decided about a question, without asking any model or database: checks, route, decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allotment.access import AdapterFacts, Policy, Principal, Reason, Request, decide
from allotment.errors import AllotmentError
from allotment.guards import Finding, Guards
from allotment.project import Project
from allotment.routing import Outcome, Route, Unclear


@dataclass(frozen=True)
class Decided:
    """What ``decide`` says of one agent."""

    agent: str
    means: str
    """``adapter`` or ``account``."""
    outcome: str
    reason: Reason | None
    """None where the adapter cannot be looked at."""
    fault: str = ""
    """Why it cannot: the kind of the error."""


@dataclass(frozen=True)
class Preview:
    """What would happen to a question, up to the point where something would be reached."""

    findings: tuple[Finding, ...]
    """Of the project's checks, and of the agent's own where one was chosen."""
    route: Outcome
    """None where it is nobody's question, or where it was not looked for."""
    routed: bool
    """Whether a route was looked for."""
    decisions: tuple[Decided, ...]
    """Of the chosen agent; where no route was looked for, of every agent."""

    @property
    def refused(self) -> bool:
        """Whether a check refuses the question."""
        return any(finding.outcome != "allow" for finding in self.findings)


class Previewer:
    """Decides as the chain does, and stops there. Nothing is reached, so there is no grant."""

    def __init__(
        self,
        project: Project,
        policy: Policy,
        guards: Guards,
        route: Callable[[Principal, str], Outcome],
        adapter: Callable[[str], AdapterFacts],
    ) -> None:
        """``route`` chooses among the entitled agents; ``adapter`` looks at an agent's adapter and may raise."""
        self._project = project
        self._policy = policy
        self._guards = guards
        self._route = route
        self._adapter = adapter

    def preview(self, principal: Principal, question: str, *, with_route: bool) -> Preview:
        """What would be decided; without a route, what is decided of each agent whatever is asked."""
        findings = tuple(self._guards.check(question, principal))
        refused = any(finding.outcome != "allow" for finding in findings)
        if refused or not with_route:
            return Preview(findings, None, False, self._decided_all(principal))
        route = self._route(principal, question)
        if not isinstance(route, Route):
            agents: Sequence[str] = route.agents if isinstance(route, Unclear) else ()
            return Preview(findings, route, True, tuple(self._decided(principal, agent, "adapter") for agent in agents))
        own = self._own(principal, question, route.agent, findings)
        return Preview(own, route, True, (self._decided(principal, route.agent, route.means),))

    def _own(
        self, principal: Principal, question: str, agent: str, findings: tuple[Finding, ...]
    ) -> tuple[Finding, ...]:
        return tuple(self._guards.check(question, principal, agent)) if self._guards.stricter(agent) else findings

    def _decided_all(self, principal: Principal) -> tuple[Decided, ...]:
        return tuple(self._decided(principal, agent, "adapter") for agent in self._project.agents)

    def _decided(self, principal: Principal, agent: str, means: str) -> Decided:
        if means == "account":
            request = Request(agent, account=self._project.agents[agent].account)
        else:
            base = decide(self._policy, principal, Request(agent, search=True))
            if base.outcome != "allow":
                return Decided(agent, means, base.outcome, base.reason)
            try:
                request = Request(agent, self._adapter(agent))
            except AllotmentError as error:
                return Decided(agent, means, "deny", None, type(error).__name__)
        decision = decide(self._policy, principal, request)
        return Decided(agent, means, decision.outcome, decision.reason)
