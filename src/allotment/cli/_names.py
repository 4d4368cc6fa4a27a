"""Names given on the command line, checked against the project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.access import Principal
    from allotment.project import Project


def known(kind: str, name: str, names: Iterable[str]) -> str:
    """``name`` if the project declares it.

    Raises:
        ProjectError: it does not; the message lists what it declares.
    """
    declared = sorted(names)
    if name not in declared:
        raise ProjectError(f"there is no {kind} {name!r}.", remedy=f"Declared: {', '.join(declared) or 'none'}.")
    return name


def agent_of(project: Project, name: str) -> str:
    """A declared agent."""
    return known("agent", name, project.agents)


def role_principal(project: Project, role: str | None) -> Principal:
    """The command line asking as a declared role; none is a role nobody has, entitled to nothing."""
    from allotment.access import Principal

    return Principal("command-line", known("role", role, project.roles) if role is not None else "")
