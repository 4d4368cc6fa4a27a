"""An account that cannot be made as declared is told with its place and closed; the other agents go on."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from cli_call import Call

from allotment.cli._open import open_accounts
from allotment.databases import Databases
from allotment.errors import DatabaseUnavailable, ProjectError
from allotment.project import Project
from allotment.workspace import Workspace
from small_company import grant_of, make_company, open_company

SHOP = "CREATE TABLE item (id int, name text); INSERT INTO item VALUES (1, 'a');"
RIGHT = {"item": {"columns": ["id"]}}
WRONG = {"item": {"columns": ["id", "weight"]}}
COUNT = "SELECT count(*) FROM item"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """All is right at first, and provisioned."""
    accounts = {"clerk": ("shop", RIGHT), "boss": ("shop", RIGHT), "guest": ("garden", RIGHT)}
    project = make_company(tmp_path_factory.mktemp("accounts"), {"shop": SHOP, "garden": SHOP}, accounts)
    with open_company(project) as databases:
        yield databases


@pytest.fixture
def mistaken(company: Databases) -> Project:
    """The same, where one account declares a column that is not there."""
    accounts = {"clerk": ("shop", WRONG), "boss": ("shop", RIGHT), "guest": ("garden", RIGHT)}
    return make_company(company._project.root, {"shop": SHOP, "garden": SHOP}, accounts)


def test_only_the_account_with_the_fault_is_closed(mistaken: Project) -> None:
    databases = Databases(mistaken, Workspace(mistaken.root))
    with open_accounts(databases) as accounts:
        assert isinstance(accounts.fault, ProjectError)
        assert accounts.fault.element == "accounts.clerk.tables.item" and "weight" in accounts.fault.message
        with pytest.raises(DatabaseUnavailable, match="not as declared"):
            databases.query(grant_of(mistaken, "clerk"), COUNT)
        for other in ("boss", "guest"):
            assert databases.query(grant_of(mistaken, other), COUNT).rows == ((1,),)


def test_the_command_line_tells_the_fault_and_answers_from_the_others(call: Call, mistaken: Project) -> None:
    folder = str(mistaken.root)
    closed = call("-C", folder, "database", "query", "--agent", "clerk", COUNT)
    assert closed.code == 4 and "has no column weight" in closed.err
    assert call("-C", folder, "database", "query", "--agent", "boss", COUNT, "--json").json()["rows"] == [[1]]
    assert call("-C", folder, "database", "provision").code == 2


def test_a_grant_behind_its_back_closes_the_account_until_it_is_mended(company: Databases) -> None:
    project = company._project
    with open_accounts(company) as accounts, psycopg.connect(company.admin_dsn("shop"), autocommit=True) as admin:
        assert (accounts.fault, accounts.watch.problems()) == (None, [])
        admin.execute("GRANT SELECT (name) ON item TO clerk")
        accounts.watch.look()
        with pytest.raises(DatabaseUnavailable, match="not as declared"):
            company.query(grant_of(project, "clerk"), COUNT)
        (problem,) = accounts.watch.problems()
        assert problem.startswith("clerk: ") and "REVOKE SELECT" in problem
        company.provision()
        accounts.watch.look()
        assert company.query(grant_of(project, "clerk"), COUNT).rows == ((1,),)
