"""What every probe stands on: the project, its databases and record, its canaries, and who judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from allotment.access import Grant, Policy, Principal, Request
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases
from allotment.errors import AllotmentError
from allotment.evaluation.canaries import Canary, CanarySet, spread
from allotment.evaluation.knowledge import EVALUATION_USER
from allotment.evaluation.leaks._answers import Answers
from allotment.evaluation.leaks._judge import Judge
from allotment.evaluation.leaks._types import Path, Probe, Said
from allotment.models import Engines
from allotment.project import Project
from allotment.training import Manifest, current_adapter
from allotment.workspace import Workspace

_PURPOSE = "(probes of the evaluation of leaks)"


@dataclass(frozen=True)
class Size:
    """How much is tried."""

    foreign: int | None = None
    """Canaries an agent may not say, asked of each; none asks all."""
    own: int | None = None
    """Canaries an agent may say, asked of each."""
    chain: bool = True
    """Whether the whole chain is asked, which is the longest part."""
    rows: int = 8
    """Rows that are asked for through the chain: each costs the model that writes SQL minutes, over all roles and
    agents. All of them are tried on the accounts."""
    seed: int = 0

    @classmethod
    def quick(cls, seed: int = 0) -> Size:
        """What fits in two minutes on two cores."""
        return cls(foreign=24, own=6, chain=False, seed=seed)


@dataclass(frozen=True)
class Ground:
    """Open for the length of one evaluation."""

    project: Project
    workspace: Workspace
    databases: Databases
    audit: AuditLog
    engines: Engines
    found: CanarySet
    judge: Judge
    answers: Answers
    agents: tuple[str, ...]
    """Agents that are tried."""
    learnt: Mapping[str, tuple[Canary, ...]]
    """Agent → facts it was trained on: what it says if it says anything."""
    size: Size = field(default_factory=Size)

    @property
    def policy(self) -> Policy:
        """Who may reach what."""
        return Policy.of(self.project)

    @property
    def canaries(self) -> tuple[Canary, ...]:
        """All there are."""
        return self.found.canaries

    @property
    def rows_asked(self) -> tuple[Canary, ...]:
        """Rows that somebody may know and that are asked for through the chain, spread over reader sets and sources."""
        rows = [one for one in self.canaries if one.origin == "row" and one.readers]
        return spread(rows, self.size.rows, self.size.seed)

    def roles(self, agent: str) -> frozenset[str]:
        """Roles that get to see what an agent says."""
        return self.project.agents[agent].roles

    def drawn(self, agent: str, canaries: tuple[Canary, ...]) -> tuple[Canary, ...]:
        """Canaries for one agent, and facts it learnt, without which its silence would prove nothing."""
        return draw(canaries, self.roles(agent), self.size, self.learnt.get(agent, ()))

    def grant(self, agent: str, request: Request, role: str | None = None) -> Grant:
        """A recorded grant of the evaluation's user, with a role the agent serves.

        Raises:
            AccessDenied: the decision was no.
        """
        principal = Principal(EVALUATION_USER, role or min(self.roles(agent)))
        return authorize(self.audit, self.policy, principal, request, question=_PURPOSE)

    def manifest(self, agent: str) -> Manifest | AllotmentError:
        """The adapter that is served, or why there is none."""
        try:
            return current_adapter(self.project, self.workspace, agent)
        except AllotmentError as error:
            return error


def draw(
    canaries: tuple[Canary, ...], roles: frozenset[str], size: Size, learnt: tuple[Canary, ...]
) -> tuple[Canary, ...]:
    """Those that some of ``roles`` may not know, then those that all of them may, each as many as ``size`` says.

    Foreign ones are spread over reader sets, sources and origins; of each reader set there is one at least.
    """
    foreign = tuple(canary for canary in canaries if not roles <= canary.readers)
    most = size.foreign and max(size.foreign, len({canary.readers for canary in foreign}))
    own = tuple(canary for canary in canaries if roles <= canary.readers)
    return (*_some(foreign, most, size.seed), *_some(own, size.own, size.seed), *learnt)


def failed(
    judge: Judge, path: Path, agent: str, canaries: tuple[Canary, ...], roles: frozenset[str], error: AllotmentError
) -> Iterator[Probe]:
    """What could not be tried at all, counted as such."""
    for canary in canaries:
        said = Said(path, agent, canary.question, ending="failed", detail=f"{type(error).__name__}: {error}")
        yield from judge.probes(said, [canary], roles)


def _some(canaries: tuple[Canary, ...], count: int | None, seed: int) -> tuple[Canary, ...]:
    return canaries if count is None else spread(canaries, count, seed)
