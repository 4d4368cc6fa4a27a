"""The limits of a project, over its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allotment.gateway._recorder import Recorder
from allotment.gateway.limits._cost import Costs
from allotment.gateway.limits._limiter import Limiter
from allotment.gateway.limits._places import Places
from allotment.gateway.limits._store import LimitStore
from allotment.gateway.storage._database import Database
from allotment.project import Project


@contextmanager
def open_limiter(dsn: str, project: Project, record: Recorder) -> Iterator[Limiter]:
    """What a project's limits count with; closing gives the connections back.

    Args:
        dsn: the application's login in its own database, which has been migrated.
        project: declares the limits and the prices.
        record: writes limits that are reached to the audit record.

    Raises:
        ProjectError: the price of a model that answers is not known.
    """
    limits = project.gateway.limits
    costs = Costs.of(project)
    database = Database(dsn, timeout_s=project.gateway.timeouts.database_s)
    try:
        places = Places(limits.answers, limits.queue, limits.wait_s)
        yield Limiter(LimitStore(database), places, limits, costs, record)
    finally:
        database.close()
