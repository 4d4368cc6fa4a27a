"""The example company with an administration: one for the files that only look, one for each test that changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from admin_place import Place, Visitor, opened, project_with

from allotment.databases import Databases
from allotment.project import Project


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, taught: Project, postgres: Databases) -> Iterator[Place]:
    """A place for the tests of one file."""
    project = project_with(tmp_path_factory.mktemp("admin") / "project", taught)
    with opened(project, postgres, sealed=("handbook", "board")) as made:
        yield made


@pytest.fixture(scope="module")
def as_role(place: Place) -> Callable[[str | None], Visitor]:
    """A client of somebody with a role, signed in once a file; none is nobody."""
    known: dict[str | None, Visitor] = {}

    def visitor(user: str | None) -> Visitor:
        if user not in known:
            known[user] = Visitor(place, user)
        return known[user]

    return visitor
