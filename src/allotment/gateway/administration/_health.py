"""Health: whether every agent can answer, and how engine, databases, record and queue are at this moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from allotment.audit import AuditLog
from allotment.documents import load_documents
from allotment.errors import AllotmentError, PolicyError
from allotment.gateway.administration._databases import Watched
from allotment.gateway.administration._door import AdminGrant, require_admin
from allotment.gateway.limits._limiter import Limiter
from allotment.gateway.operations._running import Running
from allotment.gateway.wording import Message, say
from allotment.project import Project
from allotment.training import current_adapter
from allotment.workspace import Workspace

State = Literal["good", "warn", "fault"]


class Busy(Protocol):
    """What is needed of the engines."""

    @property
    def busy(self) -> int:
        """Requests the embedded models work on."""
        ...


@dataclass(frozen=True)
class Figure:
    """One thing that is looked at."""

    name: Message
    value: Message | str
    state: State = "good"


@dataclass(frozen=True)
class HealthView:
    """Everything the page shows."""

    problems: tuple[str, ...]
    """What keeps an agent from answering, without the name of any document."""
    groups: tuple[tuple[Message, tuple[Figure, ...]], ...]

    @property
    def state(self) -> State:
        """The worst of all."""
        states = {figure.state for _, figures in self.groups for figure in figures}
        return "fault" if self.problems or "fault" in states else "warn" if "warn" in states else "good"


@dataclass(frozen=True)
class Health:
    """Looks at the parts of the process that serves."""

    project: Project
    workspace: Workspace
    ready: Callable[[], list[str]]
    limiter: Limiter
    running: Running
    engines: Busy
    watch: Watched
    log: AuditLog

    def view(self, grant: AdminGrant) -> HealthView:
        """How everything is now."""
        require_admin(grant, "health")
        try:
            problems = self.ready()
        except AllotmentError as error:
            problems = [type(error).__name__]
        groups = (
            (say("Queue"), tuple(self._queue())),
            (say("Engine"), tuple(self._engine())),
            (say("Database and record"), (*self._database(), *self._record())),
        )
        return HealthView(tuple(self._nameless(problem) for problem in problems), groups)

    def _queue(self) -> Iterable[Figure]:
        places = self.limiter.places
        waiting: State = "good" if places.waiting < max(1, places.queue // 2) else "warn"
        yield Figure(say("Requests that run"), str(len(self.running)))
        yield Figure(say("Answers in the making"), _of(places.taken, places.places))
        yield Figure(say("Waiting for a place"), _of(places.waiting, places.queue), waiting)
        unsettled = self.limiter.unsettled
        yield Figure(say("Answers not charged yet"), str(unsettled), "warn" if unsettled else "good")

    def _engine(self) -> Iterable[Figure]:
        yield Figure(say("Requests the models work on"), str(self.engines.busy))
        for agent in self.project.agents:
            yield self._adapter(agent)

    def _adapter(self, agent: str) -> Figure:
        name = say("Adapter of %(agent)s", agent=agent)
        try:
            manifest = current_adapter(self.project, self.workspace, agent)
        except PolicyError:
            return Figure(name, say("refused"), "fault")
        except AllotmentError:
            return Figure(name, say("none"), "warn")
        return Figure(name, say("stale"), "warn") if manifest.stale else Figure(name, manifest.version)

    def _database(self) -> Iterable[Figure]:
        begun = time.perf_counter()
        try:
            sessions = self.limiter.store.sessions()
            took = (time.perf_counter() - begun) * 1000
            yield Figure(say("Answers in"), say("%(ms)s ms", ms=format(took, ".1f")), "good" if took < 200 else "warn")
            yield Figure(say("Sessions"), str(int(sessions)))
            pool = self.limiter.store.connections()
            waiting: State = "warn" if pool["waiting"] else "good"
            yield Figure(say("Connections, free of open"), _of(pool["free"], pool["open"]), waiting)
        except AllotmentError:
            yield Figure(say("Answers in"), say("it does not answer"), "fault")
        closed = len(self.watch.problems())
        yield Figure(say("Accounts that are closed"), str(closed), "fault" if closed else "good")
        yield Figure(say("Last self-check"), say("%(seconds)s s ago", seconds=round(self.watch.age_s)))

    def _record(self) -> Iterable[Figure]:
        try:
            newest = self.log.records(1)
        except AllotmentError:
            yield Figure(say("Newest record"), say("it cannot be read, or is not what was written"), "fault")
            return
        yield Figure(say("Newest record"), str(newest[0].sequence) if newest else "0")

    def _nameless(self, problem: str) -> str:
        """A problem without the path of a document: who looks after the place need not know what is in it."""
        try:
            paths = [record.path for record in load_documents(self.workspace) if record.path in problem]
        except AllotmentError:
            return problem
        for path in sorted(paths, key=len, reverse=True):
            problem = problem.replace(path, "…")
        return problem


def _of(some: int, every: int) -> Message:
    return say("%(some)s of %(every)s", some=some, every=every)
