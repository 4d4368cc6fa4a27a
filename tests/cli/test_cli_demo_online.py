"""The demo on a real PostgreSQL: its users, its questions, and what the database itself refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from demo_parts import SWEDEN, WRITTEN, copied_example, loads, silent_steps

from allotment.cli._demo_asks import Asked, read_asks
from allotment.cli._demo_online import _questions
from allotment.cli._demo_replay import Replay, replay
from allotment.cli._demo_users import add_users, logins_file
from allotment.cli._open import State, open_state
from allotment.documents import ingest
from allotment.models import Engines
from allotment.project import Project, load_project
from allotment.workspace import Workspace


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_example(tmp_path_factory.mktemp("online") / "project")


@pytest.fixture(scope="module")
def workspace(root: Path) -> Workspace:
    return Workspace(root)


@pytest.fixture(scope="module")
def state(root: Path, workspace: Workspace) -> Iterator[State]:
    project = load_project(root)
    ingest(project, workspace)
    with open_state(project, workspace) as opened:
        opened.databases.provision()
        yield opened


def ask(workspace: Workspace, state: State, written: dict[str, str]) -> tuple[list[Asked], list[Replay], list[str]]:
    """The demo's questions as it asks them, with a model that writes this SQL; and what makes the demo fail."""
    steps = silent_steps()
    with Engines(load=loads(written)) as engines:
        asked, runs = _questions(workspace, state, engines, {}, read_asks(state.project), steps)
    return asked, runs, steps.problems


def forget(workspace: Workspace) -> None:
    (workspace.home / "steps" / "asks.json").unlink(missing_ok=True)


def records(state: State) -> int:
    return state.audit.verify().records


def test_questions_are_answered_explained_and_not_asked_again(workspace: Workspace, state: State) -> None:
    forget(workspace)
    asked, runs, problems = ask(workspace, state, WRITTEN)
    assert ([one.got for one in asked], problems) == (
        ["The answer is 37.", "The answer is 0.", "The answer is 11."],
        [],
    )
    assert [(one.user, one.role, one.account) for one in asked[:2]] == [
        ("sofia", "sales", "northwind_sales"),
        ("hugo", "warehouse", "northwind_warehouse"),
    ]
    assert any(why.startswith("routing: closest to what warehouse answers") for why in asked[1].why)
    assert any("the role is served by the agent" in why for why in asked[1].why)
    before = records(state)
    assert ask(workspace, state, {}) == (asked, runs, [])
    assert records(state) == before


def test_a_question_that_failed_is_asked_again_by_the_next_run(workspace: Workspace, state: State) -> None:
    forget(workspace)
    failed, _, problems = ask(workspace, state, {SWEDEN: WRITTEN[SWEDEN]})
    assert [one.outcome for one in failed] == ["answered", "answered", "failed"]
    assert problems == [f"a question of sofia failed (record {failed[2].record})"]
    again, _, problems = ask(workspace, state, WRITTEN)
    assert ([one.outcome for one in again], problems) == (["answered"] * 3, [])


def test_a_row_policy_that_is_gone_is_a_breach(workspace: Workspace, state: State) -> None:
    forget(workspace)
    with psycopg.connect(state.databases.admin_dsn("northwind"), autocommit=True) as admin:
        admin.execute("ALTER TABLE orders DISABLE ROW LEVEL SECURITY")
        try:
            asked, _, problems = ask(workspace, state, WRITTEN)
        finally:
            admin.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    assert asked[1].got == "The answer is 37."
    assert problems == ["BREACH, hugo (warehouse): it holds '37', which warehouse may never get"]
    assert ask(workspace, state, WRITTEN)[2] == []  # a breach is not kept: it is looked at again


def test_a_table_granted_by_mistake_is_a_breach(workspace: Workspace, state: State) -> None:
    forget(workspace)
    with psycopg.connect(state.databases.admin_dsn("northwind"), autocommit=True) as admin:
        admin.execute("ALTER TABLE customers DISABLE ROW LEVEL SECURITY")
        admin.execute("GRANT SELECT ON customers TO northwind_warehouse")
        try:
            _, runs, problems = ask(workspace, state, WRITTEN)
        finally:
            admin.execute("REVOKE SELECT ON customers FROM northwind_warehouse")
            admin.execute("ALTER TABLE customers ENABLE ROW LEVEL SECURITY")
    assert [run.outcome for run in runs] == ["ran"]
    assert problems == ["BREACH, account northwind_warehouse: it ran and gave 1 rows"]


def answered(agent: str, sql: str, outcome: str = "answered") -> Asked:
    return Asked("sofia", "sales", "?", outcome, "", agent, None, f"northwind_{agent}", sql, "", [], None, [], [])


def test_the_database_refuses_a_closed_statement_and_the_try_is_on_record(state: State) -> None:
    statement = "SELECT count(*) FROM public.customers"
    (run,) = replay(state.project, state, [answered("sales", statement)])
    assert (run.user, run.role, run.account) == ("hugo", "warehouse", "northwind_warehouse")
    assert (run.outcome, run.problem) == ("refused", "")
    assert run.said == "PostgreSQL, InsufficientPrivilege: permission denied for table customers"
    newest = state.audit.records(limit=1)[0]
    assert (newest.sequence, newest.event["user"], newest.event["account"]) == (run.record, "hugo", run.account)
    assert statement in newest.event["question"]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT count(*) FROM public.nothing", "UndefinedTable"),
        ("SELECT nothing FROM public.orders", "UndefinedColumn"),
        ("SELECT FROM WHERE", "SyntaxError"),
    ],
)
def test_another_error_is_shown_with_its_class_and_proves_nothing(state: State, statement: str, kind: str) -> None:
    (run,) = replay(state.project, state, [answered("sales", statement)])
    assert run.outcome == "failed"
    assert f"PostgreSQL, {kind}: " in run.said and run.said in run.problem


def test_statements_of_questions_that_were_not_answered_are_not_replayed_and_that_is_said(state: State) -> None:
    before = records(state)
    (run,) = replay(state.project, state, [answered("sales", "SELECT 1 FROM public.customers", outcome="unknown")])
    assert run.outcome == "not run"
    assert "nothing could be replayed" in run.problem
    assert records(state) == before


def test_a_statement_both_accounts_may_run_is_not_replayed(state: State) -> None:
    (run,) = replay(state.project, state, [answered("sales", "SELECT count(*) FROM public.orders")])
    assert run.outcome == "not run"


def test_a_user_whose_login_was_killed_in_the_making_gets_one_line_and_its_password(
    workspace: Workspace, state: State
) -> None:
    logins = logins_file(workspace)
    logins.parent.mkdir(parents=True, exist_ok=True)
    logins.write_text("eva  written-but-never-kept  (employee)\nguest  another-one  (sales)\n", encoding="utf-8")
    add_users(state.project, workspace, state, silent_steps())
    lines = [line.split() for line in logins.read_text(encoding="utf-8").splitlines()]
    assert sorted(line[0] for line in lines) == ["ben", "dana", "eva", "guest", "hugo", "sofia"]
    passwords = {name: password for name, password, _ in lines}
    principal = state.users.authenticate("eva", passwords["eva"])
    assert principal is not None and principal.role == "employee"
    assert (logins.stat().st_mode & 0o777, passwords["guest"]) == (0o600, "another-one")


def test_a_role_changed_in_the_file_is_the_role_that_asks(root: Path, workspace: Workspace, state: State) -> None:
    add_users(state.project, workspace, state, silent_steps())
    before = logins_file(workspace).read_text(encoding="utf-8")
    changed = changed_role(state.project, ben="sales")
    with ExitStack() as stack:
        stack.callback(add_users, state.project, workspace, state, silent_steps())
        steps = silent_steps()
        now = State(changed, state.databases, state.audit, state.users)
        add_users(changed, workspace, now, steps)
        assert now.principal("ben").role == "sales"
        assert "ben (sales)" in steps.taken[0].result
        after = logins_file(workspace).read_text(encoding="utf-8")
        assert after == before.replace(line_of("ben", before), line_of("ben", before).replace("(employee)", "(sales)"))
    assert state.principal("ben").role == "employee"


def changed_role(project: Project, **roles: str) -> Project:
    return project.model_copy(update={"users": {**project.users, **roles}})


def line_of(user: str, text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{user} "))
