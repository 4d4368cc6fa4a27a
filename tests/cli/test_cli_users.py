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
    (listed,) = call("-C", demoted, "users", "list", "--json").json()
    assert (listed["user"], listed["role"], listed["source"]) == ("anna", "clerk", "password")
    newest = call("-C", demoted, "audit", "list", "--limit", "1", "--json").json()[0]["event"]
    assert (newest["kind"], newest["user"]) == ("role-changed", "anna")
    assert (newest["detail"]["before"], newest["detail"]["after"]) == ("boss", "clerk")
    assert newest["detail"]["by"].endswith("(command line)")
    assert call("-C", demoted, "check", "--json").json()["role_conflicts"] == []
    assert "users.anna" not in call("-C", demoted, "ask", "--user", "anna", "Where is Hall 4?").err


def test_a_login_against_the_declaration_is_not_made(call: Call, small: Path) -> None:
    outcome = call("-C", small, "users", "add", "anna", "--role", "boss", "--password-stdin")
    assert outcome.code == 2
    assert "declares the role 'clerk'" in outcome.err


def test_claims_are_kept_with_the_login_and_their_change_is_on_record(
    call: Call, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    add = ("-C", small, "users", "add", "anna", "--role", "clerk")
    claims = ("--claim", "employee_id=5", "--claim", "branch=north", "--claim", "branch=south")
    assert call(*add, "--password-stdin", *claims).code == 0
    newest = call("-C", small, "audit", "list", "--limit", "1", "--json").json()[0]["event"]
    assert newest["kind"] == "claims-changed"
    assert newest["detail"]["before"] == {}
    assert newest["detail"]["after"] == {"employee_id": [5], "branch": ["north", "south"]}

    assert call(*add, "--claim", "employee_id=6").code == 0  # no password is asked for, and no claim stays
    newest = call("-C", small, "audit", "list", "--limit", "1", "--json").json()[0]["event"]
    assert newest["detail"]["after"] == {"employee_id": [6]}


def test_claims_against_the_declaration_are_refused_until_they_agree(
    call: Call, small: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    add = ("-C", small, "users", "add", "anna", "--role", "clerk")
    assert call(*add, "--password-stdin", "--claim", "employee_id=5").code == 0
    edit("users: {anna: clerk", "claims: {anna: {employee_id: 6}}\nusers: {anna: clerk")
    asked = call("-C", small, "ask", "--user", "anna", "Where is Hall 4?")
    assert (asked.code, asked.out) == (3, "")
    assert "claims.anna" in asked.err
    checked = call("-C", small, "check", "--json")
    assert checked.json()["claim_conflicts"] == [
        {"user": "anna", "declared": {"employee_id": [6]}, "kept": {"employee_id": [5]}}
    ]
    assert checked.code == 1
    assert call(*add, "--claim", "employee_id=6").code == 0
    assert call("-C", small, "check", "--json").json()["claim_conflicts"] == []


@pytest.mark.parametrize("claim", ["employee_id", "=5", "Employee=5", "employee_id=[1]", "employee_id="])
def test_what_is_no_claim_is_refused(call: Call, small: Path, claim: str) -> None:
    outcome = call("-C", small, "users", "add", "anna", "--role", "clerk", "--claim", claim)
    assert outcome.code == 2
    assert "is no claim" in outcome.err
