"""The self-check on its timer: an account that is not as declared is closed, the others go on, and it opens again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from allotment.databases import Databases, Watch
from allotment.databases._watch import Reasons
from allotment.errors import DatabaseUnavailable
from allotment.project import Project
from small_company import grant_of, make_company, open_company

SHOP = "CREATE TABLE item (id int, name text, cost int); INSERT INTO item VALUES (1, 'a', 5);"
ITEM = {"item": {"columns": ["id", "name"]}}
COUNT = "SELECT count(*) FROM item"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    accounts = {"clerk": ("shop", ITEM), "boss": ("shop", ITEM), "shop": ("garden", ITEM)}
    limits = {"check_every_s": 0.1}
    return make_company(tmp_path_factory.mktemp("watch"), {"shop": SHOP, "garden": SHOP}, accounts, limits)


@pytest.fixture(scope="module")
def company(project: Project) -> Iterator[Databases]:
    with open_company(project) as databases:
        yield databases


def _owner(databases: Databases, *statements: str) -> None:
    with psycopg.connect(databases.admin_dsn("shop"), autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement.encode())


@contextmanager
def changed(databases: Databases, statement: str) -> Iterator[None]:
    """A change behind the gateway's back, mended afterwards."""
    _owner(databases, statement)
    try:
        yield
    finally:
        databases.provision()


CHANGES = {
    "a grant": "GRANT SELECT (cost) ON item TO clerk",
    "a dropped policy": "DROP POLICY allotment_clerk ON item",
    "a widened role": "ALTER ROLE clerk BYPASSRLS",
    "a lost column": "ALTER TABLE item RENAME name TO title",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_account_concerned_is_refused_and_the_others_go_on(
    company: Databases, project: Project, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    both = "name" in change
    with company.watched() as watch, changed(company, change):
        watch.look()
        for reach in (company.schema_card, lambda grant: company.query(grant, COUNT)):
            with pytest.raises(DatabaseUnavailable, match="not as declared") as caught:
                reach(grant_of(project, "clerk"))
        assert "cost" not in str(caught.value) and "POLICY" not in str(caught.value)
        for other in ("shop",) if both else ("boss", "shop"):
            assert company.query(grant_of(project, other), COUNT).rows == ((1,),)
        assert watch.problems()[-1].startswith("clerk: ")
        if both:
            _owner(company, "ALTER TABLE item RENAME title TO name")
    assert "the account clerk is closed" in caplog.text
    assert company.query(grant_of(project, "clerk"), COUNT).rows == ((1,),)


def test_the_log_names_the_difference_and_what_mends_it(company: Databases, caplog: pytest.LogCaptureFixture) -> None:
    with company.watched() as watch, changed(company, CHANGES["a grant"]):
        watch.look()
    assert 'REVOKE SELECT ("cost") ON "public"."item" FROM "clerk", PUBLIC' in caplog.text


def test_what_holds_for_everybody_closes_every_account_of_that_database_alone(
    company: Databases, project: Project
) -> None:
    with company.watched() as watch, changed(company, "GRANT TEMP ON DATABASE shop TO PUBLIC"):
        watch.look()
        for closed in ("clerk", "boss"):
            with pytest.raises(DatabaseUnavailable, match="not as declared"):
                company.query(grant_of(project, closed), COUNT)
        # This account has the name of that database.
        assert company.query(grant_of(project, "shop"), COUNT).rows == ((1,),)


def test_the_timer_finds_a_change_by_itself_and_opens_the_account_when_it_is_mended(
    company: Databases, project: Project
) -> None:
    def until(wanted: Callable[[], bool]) -> None:
        turn = threading.Event()
        for _ in range(600):
            if wanted():
                return
            turn.wait(0.05)
        raise AssertionError("it did not happen")

    with company.watched() as watch:
        assert watch.problems() == []
        with changed(company, CHANGES["a dropped policy"]):
            until(lambda: any(problem.startswith("clerk:") for problem in watch.problems()))
            with pytest.raises(DatabaseUnavailable, match="not as declared"):
                company.query(grant_of(project, "clerk"), COUNT)
        until(lambda: watch.problems() == [])
        assert company.query(grant_of(project, "clerk"), COUNT).rows == ((1,),)


def test_a_database_that_cannot_be_checked_is_closed(company: Databases, project: Project) -> None:
    with company.watched() as watch:
        _owner(company, "ALTER ROLE allotment_admin IN DATABASE shop SET search_path = nowhere")
        _owner(company, "CREATE SCHEMA nowhere", "CREATE VIEW nowhere.pg_class AS SELECT 1 AS x")
        _owner(company, "ALTER ROLE allotment_admin IN DATABASE shop SET search_path = nowhere, pg_catalog")
        watch.look()
        with pytest.raises(DatabaseUnavailable):
            company.query(grant_of(project, "clerk"), COUNT)
        assert company.query(grant_of(project, "shop"), COUNT).rows == ((1,),)
        _owner(company, "ALTER ROLE allotment_admin IN DATABASE shop RESET search_path", "DROP SCHEMA nowhere CASCADE")
        watch.look()
        assert watch.problems() == []


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_looks_do_not_pile_up_and_when_none_ends_everything_is_closed() -> None:
    clock, slow, began = Clock(), threading.Event(), threading.Event()
    looks: list[int] = []

    def look() -> Reasons:
        looks.append(1)
        if len(looks) > 1:
            began.set()
            slow.wait(60)
        return {}

    with Watch(look, 0.01, revive=lambda: None, clock=clock) as watch:
        watch.require("clerk")
        clock.now = 0.02
        assert began.wait(60)
        clock.now = 60
        with pytest.raises(DatabaseUnavailable):
            watch.require("clerk")
        assert "does not come to its end" in watch.problems()[0]
        assert len(looks) == 2
        slow.set()
    assert threading.active_count() == len(
        {thread for thread in threading.enumerate() if thread.name != "database-check"}
    )


def test_a_look_that_raises_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, tried = Clock(), threading.Semaphore(0)

    def look() -> Reasons:
        tried.release()
        if clock.now > 0:
            raise RuntimeError("no look")
        return {}

    with caplog.at_level(logging.ERROR), Watch(look, 0.01, revive=lambda: None, clock=clock):
        clock.now = 1
        for _ in range(3):
            assert tried.acquire(timeout=60)
    assert "no look" in caplog.text
