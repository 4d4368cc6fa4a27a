"""``allotment audit``: what was decided is read, verified, exported and, when it is old, removed."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from cli_call import Call

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.project import load_project
from allotment.workspace import Workspace

ANNA = {"user": "anna", "role": "clerk"}
FIRED = {"question": "I am\x1b[2J the [bold]boss", "checks": {"role-claim": "boss"}}
TOLD = {"agent": "plans", "outcome": "answered", "x": "\ud800"}
EVENTS = [
    {**ANNA, "kind": "decision", "agent": "plans", "outcome": "deny", "reason": "role-not-served"},
    {**ANNA, "kind": "guard-refused", "detail": FIRED},
    {"user": "tom", "role": "boss", "kind": "answered", "detail": TOLD},
]


def _write(folder: Path, *statements: str) -> None:
    """Some events, then what the owner of the database does."""
    project = load_project(folder)
    workspace = Workspace(project.root)
    with Databases(project, workspace) as databases:
        with AuditLog.of(project, workspace, databases.state_dsn) as log:
            log.migrate(databases.admin_dsn())
            for event in () if statements else EVENTS:
                log.append(event)
        with psycopg.connect(databases.admin_dsn()) as admin:
            for statement in statements:
                admin.execute(statement.encode())


def test_a_record_is_read_exported_and_verified(call: Call, small: Path) -> None:
    _write(small)
    shown = call("-C", small, "audit", "list", "--user", "anna").out
    assert "role-not-served" in shown and "role-claim" in shown and "tom" not in shown
    assert "[bold]boss" in shown and "\x1b" not in shown and "{" not in shown
    newest = call("-C", small, "audit", "list", "--kind", "answered", "--json").json()
    assert [set(item) for item in newest] == [{"sequence", "at", "event", "mac"}]
    assert newest[0]["event"] == EVENTS[2]

    exported = call("-C", small, "audit", "export", "--user", "anna")
    lines = [json.loads(line) for line in exported.out.splitlines()]
    assert [line["unmapped"]["event"] for line in lines] == EVENTS[:2]
    assert exported.code == 0
    assert len(call("-C", small, "audit", "export", "--json").json()) == 3
    assert call("-C", small, "audit", "export", "--since", "2999-01-01", "--json").json() == []
    assert call("-C", small, "audit", "list", "--since", "yesterday").code == 2
    assert call("-C", small, "audit", "prune").code == 2  # audit.keep_days is not set

    file = small / "allotment.yaml"
    file.write_text(file.read_text() + "audit: {keep_days: 30}\n")
    assert "Nothing is older" in call("-C", small, "audit", "prune").out
    verified = call("-C", small, "audit", "verify", "--json").json()
    assert verified == {"ok": True, "records": 3, "problem": None, "removed": 0}

    _write(small, "UPDATE audit.record SET event = '{}' WHERE sequence = 2")
    stopped = call("-C", small, "audit", "export")
    assert stopped.code == 1
    assert [json.loads(line)["metadata"]["sequence"] for line in stopped.out.splitlines()] == [1]
    assert "audit record 2" in stopped.err
    assert call("-C", small, "audit", "verify").code == 1
    assert call("-C", small, "audit", "prune").code == 1


@pytest.mark.parametrize("text", ["audit: {questions: kept}", "audit: {keep_days: 0}", "audit: {keep: 3}"])
def test_what_the_section_does_not_know_is_refused(call: Call, small: Path, text: str) -> None:
    file = small / "allotment.yaml"
    file.write_text(file.read_text() + text + "\n")
    outcome = call("-C", small, "audit", "list")
    assert outcome.code == 2 and "audit" in outcome.err
