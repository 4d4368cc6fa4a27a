"""Calls of the command line, as a terminal would make them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cli_call import Call, Outcome

from allotment.cli import run_command

SMALL = """
name: Small
roles: {clerk: works here, boss: decides}
users: {anna: clerk}
documents:
  rules: {path: documents/rules, readers: [clerk, boss]}
  plans: {path: documents/plans, readers: [boss]}
agents:
  rules: {roles: [clerk, boss], documents: [rules]}
  plans: {roles: [boss], documents: [plans]}
"""


DAY = """# The day

Work begins at seven in the morning in Hall 4. Everybody signs the book at the door, puts on the yellow vest,
and asks the shift leader which gate is open today.
"""

NEXT = """# What comes next

The company moves to Hall 9 in May. The lease of Hall 4 ends on the last day of June, and until then both halls
are paid for from the reserve of the board.
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run one call of ``allotment``."""

    def run(*arguments: str | Path) -> Outcome:
        code = run_command([str(item) for item in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A valid project without a database."""
    (tmp_path / "allotment.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "documents" / "rules").mkdir(parents=True)
    (tmp_path / "documents" / "plans").mkdir()
    (tmp_path / "documents" / "rules" / "day.md").write_text(DAY, encoding="utf-8")
    (tmp_path / "documents" / "plans" / "next.md").write_text(NEXT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model cache with nothing in it."""
    monkeypatch.setenv("ALLOTMENT_MODELS", str(tmp_path / "no-models"))


@pytest.fixture
def free_port() -> str:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
