"""The checks of a project with whatever they ask: the judge's model, and what the agents have learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from allotment.cli._run import Run

if TYPE_CHECKING:
    from allotment.access import Principal
    from allotment.answering import Knowledge
    from allotment.guards import Finding, Guards
    from allotment.project import Project


@dataclass(frozen=True)
class Checks:
    """The checks of questions and answers, as they stand around the models."""

    guards: Guards
    _knowledge: Callable[[], Knowledge]

    def question(self, text: str, asking: Principal, agent: str | None) -> list[Finding]:
        """Findings on a question."""
        return self.guards.check(text, asking, agent)

    def answer(self, text: str, asking: Principal, agent: str | None) -> list[Finding]:
        """Findings on an answer to this principal."""
        known = self._knowledge()
        foreign, hosts = known.foreign(asking.role), known.hosts(asking.role)
        return self.guards.check_answer(text, asking, agent, foreign_terms=foreign, hosts=hosts)


@contextmanager
def open_checks(run: Run, project: Project) -> Iterator[Checks]:
    """All checks the project declares; a model is loaded when a check first asks it."""
    from allotment.access import Policy
    from allotment.answering import Knowledge
    from allotment.guards import Guards, Means, Outside

    @cache
    def knowledge() -> Knowledge:
        return Knowledge(project, run.workspace(), Policy.of(project))

    def scope(question: str, asking: Principal, earlier: Sequence[str], agent: str | None) -> Outside | None:
        return knowledge().outside(question, asking, earlier, agent)

    with ExitStack() as stack:
        engines = None
        if project.guards.judge is not None:
            from allotment.models import Engines

            engines = stack.enter_context(Engines(project.models.threads))
        yield Checks(Guards(project, Means(engines, scope)), knowledge)
