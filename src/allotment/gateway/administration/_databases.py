"""Databases: the self-check with each difference and the statement that mends it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from allotment.databases import Difference
from allotment.errors import AllotmentError
from allotment.gateway.administration._door import AdminGrant, require_admin
from allotment.project import Project


class Checks(Protocol):
    """What is needed of the databases."""

    def check(self) -> list[Difference]:
        """See ``Databases.check``."""
        ...


class Watched(Protocol):
    """What is needed of the self-check on its timer."""

    @property
    def age_s(self) -> float:
        """Seconds since the last one came to its end."""
        ...

    def problems(self) -> list[str]:
        """Why which accounts are closed."""
        ...


@dataclass(frozen=True)
class DatabaseView:
    """What was found just now."""

    differences: tuple[Difference, ...]
    fault: str
    """Kind of the error where a database could not be checked; nothing is known of it then."""
    seconds: float
    closed: tuple[str, ...]
    """Accounts that are not used, and why."""
    age_s: float
    """Seconds since the self-check on its timer came to its end."""
    databases: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Database, kind of it, and the accounts in it."""


def database_view(grant: AdminGrant, project: Project, databases: Checks, watch: Watched) -> DatabaseView:
    """Compare the live databases with the declaration now."""
    require_admin(grant, "database")
    begun = time.perf_counter()
    try:
        differences, fault = tuple(databases.check()), ""
    except AllotmentError as error:
        differences, fault = (), type(error).__name__
    declared = tuple(
        (
            name,
            "file" if config.file else "embedded" if config.load else "server",
            tuple(account for account, one in project.accounts.items() if one.database == name),
        )
        for name, config in project.databases.items()
    )
    seconds = time.perf_counter() - begun
    return DatabaseView(differences, fault, seconds, tuple(watch.problems()), watch.age_s, declared)
