"""The server dies, a password is changed, a table goes away: the next question is answered, or told clearly why not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from allotment.databases import Databases
from allotment.errors import AllotmentError, DatabaseUnavailable, ProjectError
from allotment.project import Project
from allotment.workspace import Workspace
from small_company import grant_of, make_company, open_company

SHOP = """
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 3000) i;
CREATE TABLE sale (id int);
"""
ITEM = {"item": {"columns": ["id", "name"]}}
COUNT = "SELECT count(*) FROM item"
ENDLESS = "SELECT count(*) FROM item a, item b, item c"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    accounts = {"clerk": ("shop", ITEM), "boss": ("shop", ITEM), "guest": ("garden", ITEM)}
    return make_company(tmp_path_factory.mktemp("bad"), {"shop": SHOP, "garden": SHOP}, accounts)


@pytest.fixture(scope="module")
def company(project: Project) -> Iterator[Databases]:
    with open_company(project) as databases:
        yield databases


def _postmaster(databases: Databases) -> int:
    return int((databases.server.place.data / "postmaster.pid").read_text().splitlines()[0])


def _owner(databases: Databases, statement: str, database: str = "shop") -> list[tuple[object, ...]]:
    with psycopg.connect(databases.admin_dsn(database), autocommit=True) as admin:
        cursor = admin.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _running(databases: Databases, account: str) -> int:
    """The server process that runs the account's statement, once it does."""
    query = f"SELECT pid FROM pg_stat_activity WHERE usename = '{account}' AND query LIKE '%AS sized'"
    for _ in range(1000):
        found = _owner(databases, f"{query} AND state = 'active'")
        if found:
            return int(str(found[0][0]))
    raise AssertionError("the statement does not run")


@pytest.mark.parametrize("whom", ["its server process", "the whole server"])
def test_a_kill_in_the_middle_of_a_query_is_told_and_the_next_query_works(
    company: Databases, project: Project, whom: str
) -> None:
    _owner(company, "CREATE TABLE IF NOT EXISTS kept (a int); INSERT INTO kept VALUES (1)")
    before = _owner(company, "SELECT count(*) FROM kept")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(company.query, grant_of(project, "clerk"), ENDLESS)
        victim = _running(company, "clerk")
        if whom == "the whole server":
            postmaster = _postmaster(company)
            os.kill(postmaster, signal.SIGKILL)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(DatabaseUnavailable, match="connection was lost") as caught:
            asked.result(60)
    assert caught.value.remedy == "Ask again."
    assert company.query(grant_of(project, "clerk"), COUNT).rows == ((3000,),)
    assert _owner(company, "SELECT count(*) FROM kept") == before
    assert company.check() == []


def test_many_who_find_the_server_dead_start_it_once_and_all_are_answered(company: Databases, project: Project) -> None:
    os.kill(_postmaster(company), signal.SIGKILL)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(company.query, grant_of(project, "clerk"), COUNT) for _ in range(8)]
        assert {result.result(120).rows for result in asked} == {((3000,),)}


def test_a_process_that_does_not_count_on_the_server_does_not_start_it(tmp_path: Path) -> None:
    project = make_company(tmp_path, {"shop": SHOP}, {"clerk": ("shop", ITEM)})
    with open_company(project) as databases:
        server = databases.server
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        databases.query(grant_of(project, "clerk"), COUNT)
    assert not server.answers()
    server.remove()


def test_a_changed_password_closes_one_account_names_what_mends_it_and_the_others_go_on(
    company: Databases, project: Project
) -> None:
    _owner(company, "ALTER ROLE clerk PASSWORD 'changed'")
    with pytest.raises(DatabaseUnavailable, match="refuses the login") as caught:
        company.query(grant_of(project, "clerk"), COUNT)
    assert "allotment database provision" in caught.value.remedy
    for other in ("boss", "guest"):
        assert company.query(grant_of(project, other), COUNT).rows == ((3000,),)
    company.provision()
    assert company.query(grant_of(project, "clerk"), COUNT).rows == ((3000,),)


def test_one_database_that_cannot_be_provisioned_does_not_keep_the_others_from_it(
    company: Databases, project: Project
) -> None:
    wrong = {"item": {"columns": ["id", "weight"]}}
    accounts = {"clerk": ("shop", ITEM), "boss": ("shop", ITEM), "guest": ("garden", wrong)}
    mistaken = make_company(project.root, {"shop": SHOP, "garden": SHOP}, accounts)
    databases = Databases(mistaken, Workspace(project.root))
    _owner(company, "REVOKE SELECT (name) ON item FROM clerk")
    with pytest.raises(ProjectError, match="has no column weight") as caught:
        databases.provision()
    assert caught.value.element == "accounts.guest.tables.item"
    assert company.query(grant_of(project, "clerk"), "SELECT name FROM item WHERE id = 1").rows == (("item 1",),)


def test_all_faults_of_all_databases_are_told_at_once(company: Databases, project: Project) -> None:
    accounts = {"clerk": ("shop", {"item": {"columns": ["size"]}}), "guest": ("garden", {"lawn": {"columns": ["id"]}})}
    mistaken = make_company(project.root, {"shop": SHOP, "garden": SHOP}, accounts)
    with pytest.raises(AllotmentError) as caught:
        Databases(mistaken, Workspace(project.root)).provision()
    assert "has no column size" in str(caught.value) and "is no table" in str(caught.value)
    assert company.check() == []


def test_the_server_s_log_tells_of_the_killed_but_not_what_they_were_asked(company: Databases) -> None:
    log = company.server.place.log.read_text(encoding="utf-8")
    assert "terminated by signal 9" in log
    assert "sized" not in log


def test_a_dropped_table_is_told_by_the_schema_card_as_well(company: Databases, project: Project) -> None:
    _owner(company, "DROP TABLE item", "garden")
    for reach in (company.schema_card, lambda grant: company.query(grant, COUNT)):
        with pytest.raises(DatabaseUnavailable, match="does not exist"):
            reach(grant_of(project, "guest"))
    assert company.query(grant_of(project, "clerk"), COUNT).rows == ((3000,),)
    with pytest.raises(ProjectError, match="is no table"):
        company.provision()
