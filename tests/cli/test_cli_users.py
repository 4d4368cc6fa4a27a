"""One user, two roles: what is declared and what is kept with the login must agree, or nothing is answered."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_call import Call

PASSWORD = "nine green windows 48\n"
Edit = Callable[[str, str], None]


@pytest.fixture
def edit(small: Path) -> Edit:
    """Changes a text of allotment.yaml."""

    def change(old: str, new: str) -> None:
        file = small / "allotment.yaml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    return change


@pytest.fixture
def demoted(call: Call, small: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose anna got a login as boss, and was made a clerk in allotment.yaml afterwards."""
    edit("anna: clerk", "anna: boss")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    assert call("-C", small, "users", "add", "anna", "--role", "boss", "--password-stdin").code == 0
    edit("anna: boss", "anna: clerk")
    return small


def test_a_demotion_counts_until_the_login_agrees_and_making_it_agree_is_on_record(call: Call, demoted: Path) -> None:
    asked = call("-C", demoted, "ask", "--user", "anna", "Where does the company move in May?")
    assert (asked.code, asked.out) == (3, "")
    for told in ("users.anna", "'boss'", "'clerk'", "allotment users add anna --role clerk"):
        assert told in asked.err

    checked = call("-C", demoted, "check", "--json")
    assert checked.json()["role_conflicts"] == [{"user": "anna", "declared": "clerk", "kept": "boss"}]
    assert checked.code == 1
    assert "allotment users add anna --role clerk" in call("-C", demoted, "check").out

    assert call("-C", demoted, "users", "add", "anna", "--role", "clerk").code == 0  # no password is asked for
    assert call("-C", demoted, "users", "list", "--json").json() == [{"user": "anna", "role": "clerk"}]
    newest = call("-C", demoted, "audit", "list", "--limit", "1", "--json").json()[0]["event"]
    assert (newest["kind"], newest["user"]) == ("role-changed", "anna")
    assert newest["detail"] == {"before": "boss", "after": "clerk"}
    assert call("-C", demoted, "check", "--json").json()["role_conflicts"] == []
    assert "users.anna" not in call("-C", demoted, "ask", "--user", "anna", "Where is Hall 4?").err


def test_a_login_against_the_declaration_is_not_made(call: Call, small: Path) -> None:
    outcome = call("-C", small, "users", "add", "anna", "--role", "boss", "--password-stdin")
    assert outcome.code == 2
    assert "declares the role 'clerk'" in outcome.err
