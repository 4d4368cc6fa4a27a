"""What the demo takes for a breach of access, and how it begins in a folder; without models and databases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_call import Call
from demo_parts import EXAMPLE

from allotment.answering import Answer, Source, Table
from allotment.cli._demo_asks import Ask, Asked, read_asks
from allotment.cli._demo_breach import breaches_of
from allotment.cli._demo_make import demo_project
from allotment.cli._demo_online import _problems
from allotment.cli._demo_replay import Replay
from allotment.errors import ProjectError
from allotment.project import Project, load_project

ADAPTERS = {"handbook": "v1", "sales": "v2", "warehouse": "v1", "board": "v3"}


def breaches(project: Project, role: str, answer: Answer, *never: str) -> tuple[str, ...]:
    return breaches_of(project, ADAPTERS, role, answer, never)


def test_a_value_the_role_may_never_get_is_a_breach_whatever_was_expected(northwind: Project) -> None:
    answer = Answer("answered", "The answer is 37.", agent="warehouse", account="northwind_warehouse")
    assert breaches(northwind, "warehouse", answer, "37") == ("it holds '37', which warehouse may never get",)


@pytest.mark.parametrize("text", ["The answer is 137.", "The answer is 0.", "It is 3.7 and 370."])
def test_a_part_of_another_value_is_no_breach(northwind: Project, text: str) -> None:
    assert breaches(northwind, "warehouse", Answer("answered", text, agent="warehouse"), "37") == ()


def test_a_value_in_a_row_or_in_a_quoted_source_is_a_breach_too(northwind: Project) -> None:
    rows = Answer("answered", "1 row", agent="warehouse", table=Table(("orders",), ((37,),), False))
    quoted = Answer("refused", "No.", sources=(Source("1", "a.md", "A", "There were 37 of them."),))
    assert breaches(northwind, "warehouse", rows, "37") and breaches(northwind, "warehouse", quoted, "37")


def test_an_agent_that_does_not_serve_the_role_is_a_breach(northwind: Project) -> None:
    answer = Answer("answered", "Kestrel.", agent="board", adapter="v3")
    assert breaches(northwind, "employee", answer) == ("agent board does not serve employee",)
    assert breaches(northwind, "director", answer) == ()


def test_another_agents_account_or_adapter_is_a_breach(northwind: Project) -> None:
    account = Answer("answered", "1", agent="warehouse", account="northwind_sales")
    adapter = Answer("answered", "1", agent="sales", adapter="v1")
    nobody = Answer("answered", "1", account="northwind_sales")
    assert breaches(northwind, "director", account) == ("account northwind_sales is not the one of agent warehouse",)
    assert breaches(northwind, "director", adapter) == ("adapter v1 is not the current one of agent sales",)
    assert breaches(northwind, "director", nobody)


def test_an_invented_answer_from_ones_own_agent_is_no_breach(northwind: Project) -> None:
    answer = Answer("answered", "The sales target is 12 boxes.", agent="warehouse", adapter="v1")
    assert breaches(northwind, "warehouse", answer, "6.35") == ()


@pytest.fixture(scope="module")
def asks() -> list[Ask]:
    return read_asks(load_project(EXAMPLE))


def test_no_expected_answer_of_the_example_is_a_value_its_role_may_never_get(
    northwind: Project, asks: list[Ask]
) -> None:
    for ask in asks:
        expected = Answer("answered", ask.expect.get("contains", ""), agent=ask.expect.get("agent"))
        assert breaches(northwind, northwind.users[ask.user], expected, *ask.never) == ()


def test_the_answer_another_role_gets_to_the_same_question_is_one_of_them(asks: list[Ask], northwind: Project) -> None:
    narrower = {("employee", "sales"), ("employee", "director"), ("sales", "director"), ("warehouse", "sales")}
    pairs = [(one, other) for one in asks for other in asks if one.question == other.question]
    role = northwind.users
    met = 0
    for one, other in pairs:
        if (role[one.user], role[other.user]) in narrower:
            leak = Answer("answered", other.expect["contains"], agent=one.expect["agent"])
            assert breaches(northwind, role[one.user], leak, *one.never)
            met += 1
    assert met == 4


def asked(outcome: str, *, breaches: list[str], problems: list[str]) -> Asked:
    return Asked("hugo", "warehouse", "?", outcome, "", None, None, None, None, "", [], 7, problems, breaches)


def test_only_a_breach_and_a_failed_question_make_the_demo_fail() -> None:
    wrong = asked("answered", breaches=[], problems=["outcome is 'answered', expected 'unknown'"])
    leak = asked("answered", breaches=["it holds '37'"], problems=[])
    assert _problems([wrong], []) == []
    assert _problems([leak], []) == ["BREACH, hugo (warehouse): it holds '37'"]
    assert _problems([asked("failed", breaches=[], problems=[])], []) == ["a question of hugo failed (record 7)"]


def test_a_replay_that_ran_makes_the_demo_fail_and_one_that_proves_nothing_is_shown() -> None:
    def run(outcome: str) -> Replay:
        return Replay("hugo", "warehouse", "warehouse", "its_account", "SELECT 1", outcome, "words", 1)  # type: ignore[arg-type]

    assert _problems([], [run("ran")]) == ["BREACH, account its_account: words"]
    assert _problems([], [run("refused"), run("failed"), run("not run")]) == []
    assert [bool(run(outcome).problem) for outcome in ("refused", "failed", "not run", "ran")] == [
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("- {user: eva, question: Q, shows: S, expect: {outcome: unknown}, never: [37]}", "never"),
        ("- {user: eva, question: Q, shows: S, expect: {outcome: unknown}, nevr: ['37']}", "nevr"),
        ("- {user: nobody, question: Q, shows: S, expect: {outcome: unknown}}", "asks as nobody"),
        ("- [", "while parsing"),
    ],
)
def test_a_wrong_question_of_the_file_is_named(tmp_path: Path, northwind: Project, text: str, named: str) -> None:
    (tmp_path / "asks.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=named):
        read_asks(northwind.model_copy(update={"root": tmp_path}))


def test_the_demo_begins_in_the_current_folder_if_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert demo_project(Path().resolve()).name == "Northwind Traders"
    assert Path.cwd() == tmp_path
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(item.name for item in EXAMPLE.iterdir())


def test_a_copy_of_the_example_that_was_killed_goes_on(tmp_path: Path) -> None:
    whole, folder = demo_project(tmp_path / "whole"), tmp_path / "killed"
    shutil.copytree(whole.root / "documents", folder / "documents")
    (folder / "documents" / "board" / "salaries.md").write_text("# Sala", encoding="utf-8")
    (folder / ".example-is-being-copied").touch()
    assert demo_project(folder).agents == whole.agents
    for file in (file for file in whole.root.rglob("*") if file.is_file()):
        assert (folder / file.relative_to(whole.root)).read_bytes() == file.read_bytes()
    assert not (folder / ".example-is-being-copied").exists()


def test_a_folder_with_other_files_and_a_file_are_refused_and_left_alone(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    for target in (tmp_path, tmp_path / "mine.txt"):
        outcome = call("demo", target)
        assert (outcome.code, outcome.out) == (2, "")
        assert "Name an empty or a new folder" in outcome.err
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]
