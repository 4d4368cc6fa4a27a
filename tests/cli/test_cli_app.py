"""What holds for every command: names, exit codes, errors, --json, start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_call import Call

from allotment.cli import app
from allotment.cli._app import command
from allotment.cli._run import Run

COMMANDS = {
    "init",
    "check",
    "models list",
    "models pull",
    "documents ingest",
    "documents list",
    "documents search",
    "documents show",
    "transcripts chapters",
    "transcripts check",
    "dataset plan",
    "dataset generate",
    "dataset stats",
    "dataset export",
    "dataset review",
    "training estimate",
    "training run",
    "training list",
    "training rollback",
    "training merge",
    "training export",
    "training show",
    "experiments run",
    "experiments list",
    "experiments table",
    "experiments orphans",
    "database provision",
    "database check",
    "database query",
    "guards check",
    "guards train",
    "guards evaluate",
    "guards seal",
    "routing check",
    "routing train",
    "routing evaluate",
    "routing drift",
    "feedback list",
    "feedback show",
    "feedback approve",
    "feedback reject",
    "users add",
    "users list",
    "users invite",
    "users disable",
    "users enable",
    "users sessions",
    "users sign-out",
    "users keys create",
    "users keys list",
    "users keys revoke",
    "ask",
    "serve",
    "audit verify",
    "audit list",
    "audit export",
    "audit prune",
    "evaluate AGENT",
    "evaluate attacks",
    "evaluate canaries",
    "evaluate leaks",
    "evaluate verify",
    "evaluate key",
    "demo",
}

HEAVY = ("torch", "transformers", "xllamacpp", "fastapi", "sklearn", "psycopg", "pglast", "pydantic", "rich.table")


def _paths(group: Any, prefix: str = "") -> Iterator[str]:
    for name, inner in group.commands.items():
        if hasattr(inner, "commands"):
            yield from _paths(inner, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_the_commands_are_exactly_those_that_work() -> None:
    assert set(_paths(typer.main.get_command(app))) == COMMANDS


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_explains_itself(path: str, call: Call) -> None:
    outcome = call(*path.split(), "--help")
    assert outcome.code == 0
    assert f"allotment {path}" in outcome.out
    assert "--json" in outcome.out


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    script = f"import sys, allotment.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_no_project_is_exit_code_2_and_says_what_to_do(call: Call, tmp_path: Path) -> None:
    outcome = call("-C", tmp_path, "check")
    assert (outcome.code, outcome.out) == (2, "")
    assert str(tmp_path) in outcome.err
    assert "allotment init" in outcome.err


def test_the_folder_may_stand_before_or_after_the_command(call: Call, small: Path) -> None:
    assert call("-C", small, "training", "list").code == 0
    assert call("training", "list", "-C", small).code == 0


def test_json_is_one_value_before_and_after_the_command(call: Call, small: Path) -> None:
    assert call("--json", "training", "list", "-C", small).json() == []
    assert call("training", "list", "-C", small, "--json").json() == []


def test_an_error_under_json_is_one_json_value_too(call: Call, tmp_path: Path) -> None:
    outcome = call("-C", tmp_path, "check", "--json")
    assert outcome.json()["error"]["exit_code"] == outcome.code == 2


def test_a_wrong_call_is_one_paragraph_without_traceback(call: Call) -> None:
    for wrong in (["dataset"], ["dataset", "plan"], ["nonsense"], ["check", "--nonsense"], ["serve", "--port", "0"]):
        outcome = call(*wrong)
        assert outcome.code == 2
        assert outcome.err.startswith("Error: allotment")
        assert outcome.err.count("\n") == 1


def test_json_stays_clean_when_a_library_prints(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from allotment.cli._run import Run, output\n"
        "with output(True) as out:\n"
        "    print('from Python'); os.write(1, b'from C\\n')\n"
        "    Run(None, True, out).show({'a': 1}, print)\n"
        "print('after')\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    value, _, after = found.stdout.rpartition("}")
    assert json.loads(value + "}") == {"a": 1}
    assert after == "\nafter\n"
    assert "from Python" in found.stderr
    assert "from C" in found.stderr


@pytest.fixture
def failing() -> Iterator[Any]:
    """A command registered for one test; it raises what it is told to."""
    raised: list[BaseException] = []

    @command(app, "fail")
    def fail(run: Run) -> None:
        raise raised[0]

    yield raised
    app.registered_commands.pop()


def test_an_interrupt_is_exit_code_130(failing: list[BaseException], call: Call) -> None:
    failing.append(KeyboardInterrupt())
    outcome = call("fail")
    assert outcome.code == 130
    assert "is kept" in outcome.err


def test_an_unexpected_error_shows_its_traceback_only_with_debug(failing: list[BaseException], call: Call) -> None:
    failing.append(RuntimeError("the unexpected"))
    plain, debug = call("fail"), call("fail", "--debug")
    assert (plain.code, debug.code) == (1, 1)
    assert "Traceback" not in plain.err
    assert "the unexpected" in plain.err
    assert "Traceback" in debug.err


def test_a_full_disk_says_so(failing: list[BaseException], call: Call) -> None:
    failing.append(OSError(28, "No space left on device", "sections.jsonl"))
    outcome = call("fail")
    assert outcome.code == 1
    assert outcome.err == (
        "Error: sections.jsonl: No space left on device. Free some disk space, then run the same command again;"
        " what is done is kept.\n"
    )


def test_a_call_without_command_shows_the_help(call: Call) -> None:
    outcome = call()
    assert outcome.code == 0
    assert "Commands:" in outcome.out


def test_the_version_is_that_of_the_package(call: Call) -> None:
    import allotment

    assert call("--version").out.strip() == allotment.__version__
