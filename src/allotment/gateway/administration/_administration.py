"""Everything behind the administration's pages, made of the parts of a project that is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from allotment.access import AdminPolicy
from allotment.audit import AuditLog
from allotment.gateway.administration._databases import Checks, Watched
from allotment.gateway.administration._documents import Documents
from allotment.gateway.administration._door import Door
from allotment.gateway.administration._experiments import Experiments
from allotment.gateway.administration._guards import GuardsDesk
from allotment.gateway.administration._health import Busy, Health
from allotment.gateway.administration._marks import Marks
from allotment.gateway.administration._people import People
from allotment.gateway.administration._record import Record
from allotment.gateway.administration._review import Review
from allotment.gateway.administration._training import Trainings
from allotment.gateway.administration._trial import Previews
from allotment.gateway.feedback import FeedbackReview
from allotment.gateway.identity._identity import Identity
from allotment.gateway.limits._limiter import Limiter
from allotment.gateway.operations._running import Running
from allotment.project import Project
from allotment.workspace import Workspace


@dataclass(frozen=True)
class AdminParts:
    """What the administration looks at; ``create_app`` adds what is the application's own."""

    project: Project
    workspace: Workspace
    audit: AuditLog
    previews: Previews
    databases: Checks
    watch: Watched
    engines: Busy
    feedback: FeedbackReview | None = None
    """Users' marks; none where they are not kept."""


class Administration:
    """The services, each made when it is first needed. Thread-safe; ``close`` ends what runs in the background."""

    def __init__(
        self,
        parts: AdminParts,
        identity: Identity,
        limiter: Limiter,
        running: Running,
        ready: Callable[[], list[str]],
    ) -> None:
        self.parts = parts
        self.project = parts.project
        self.door = Door(AdminPolicy.of(parts.project), identity.record, identity.refusals)
        self.people = People(parts.project, identity.users, self.door)
        self.record = Record(parts.audit, self.door)
        self.review = Review(parts.project, parts.workspace, self.door)
        self.experiments = Experiments(parts.workspace)
        self.trainings = Trainings(parts.project, parts.workspace, self.door)
        self.marks = Marks(parts.project, parts.feedback, self.door) if parts.feedback is not None else None
        self.guards = GuardsDesk(parts.project, parts.workspace, parts.audit, self.record)
        self.health = Health(
            parts.project, parts.workspace, ready, limiter, running, parts.engines, parts.watch, parts.audit
        )

    @cached_property
    def documents(self) -> Documents:
        """Documents; its secret is made at the first look."""
        return Documents(self.project, self.parts.workspace)

    def close(self) -> None:
        """Apply what was decided about datasets, and end."""
        self.record.close()
        self.review.close()
