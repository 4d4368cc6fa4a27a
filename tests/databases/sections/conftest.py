"""One server for all tests of the search, each project of theirs over the same folder; and a record for the grants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from library import made, make_project, write_sections
from search_server import BOTH, CHIEF, SearchServer

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.project import Project
from allotment.workspace import Workspace

HOLIDAYS = ("Rules", "Holidays")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchServer]:
    root = tmp_path_factory.mktemp("library")
    project = make_project(root, {"all": BOTH}, {"desk": BOTH})
    with Databases(project, Workspace(root)) as databases:
        workspace = Workspace(root)
        with AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor") as log:
            log.migrate(databases.admin_dsn())
            yield SearchServer(root, databases, log)


@pytest.fixture
def library(server: SearchServer) -> Project:
    """Two sets of documents, one of them the chief's alone; an agent for both roles and one for the chief."""
    project = make_project(server.root, {"all": BOTH, "secret": CHIEF}, {"desk": BOTH, "board": CHIEF})
    rules, plans = "documents/all/rules.md", "documents/secret/plans.md"
    write_sections(
        project,
        {
            rules: (
                "all",
                [
                    made(
                        rules,
                        0,
                        "Everybody has 25 days off a year. Ask your manager first.",
                        heading=HOLIDAYS,
                    ),
                    made(rules, 1, "A badge opens the gate from six in the morning.", heading=("Rules", "Badges")),
                    made(rules, 2, "Příplatek za noční směnu činí 30 Kč za hodinu.", language="cs"),
                    made(rules, 3, "Die Mitarbeiter erhalten den Schlüssel beim Pförtner.", language="de"),
                ],
            ),
            plans: ("secret", [made(plans, 0, "The zanzibar merger closes in May; holidays are cancelled for all.")]),
        },
    )
    return project
