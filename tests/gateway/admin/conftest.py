"""The example company with an administration, furnished, one for each file: no other meets what its tests changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from admin_place import Place, Visitor, furnish, opened, project_with

from allotment.databases import Databases
from allotment.project import Project


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, taught: Project, postgres: Databases) -> Iterator[Place]:
    """The place, with something to see on every page."""
    project = project_with(tmp_path_factory.mktemp("admin") / "project", taught)
    with opened(project, postgres) as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def as_role(place: Place) -> Callable[[str | None], Visitor]:
    """A client of somebody with a role, signed in once; none is nobody."""
    known: dict[str | None, Visitor] = {}

    def visitor(user: str | None) -> Visitor:
        if user not in known:
            known[user] = Visitor(place, user)
        return known[user]

    return visitor
