"""Invitations, sessions, keys and shutting out, from the command line: each on record first, with who did it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_call import Call

from allotment.cli._open import State, open_state
from allotment.project import load_project
from allotment.workspace import Workspace

PASSWORD = "nine green windows 48"


@pytest.fixture
def state(small: Path) -> Iterator[State]:
    """The project's database, kept running, so that every call finds it there."""
    with open_state(load_project(small), Workspace(small)) as opened:
        yield opened


@pytest.fixture
def staffed(state: State, small: Path) -> Path:
    """A project whose anna may log in."""
    state.users.add("anna", "clerk", PASSWORD)
    return small


def newest(state: State) -> dict[str, Any]:
    event = state.audit.records(limit=1)[0].event
    assert event["detail"]["by"].endswith("(command line)")
    return event


def test_an_invitation_is_a_link_that_works_once_and_an_old_one_is_replaced(
    call: Call, small: Path, state: State
) -> None:
    first = call("-C", small, "users", "invite", "ben", "--role", "boss", "--json").json()
    assert newest(state)["kind"] == "user-added"
    assert first["link"].startswith("http://127.0.0.1:8000/set-up?token=") and first["hours"] == 24
    second = call("-C", small, "users", "invite", "ben", "--role", "boss", "--json").json()
    assert (newest(state)["kind"], newest(state)["user"]) == ("set-up", "ben")
    old, new = (made["link"].rpartition("=")[2] for made in (first, second))
    assert state.users.set_up(old, PASSWORD) is None
    assert state.users.set_up(new, PASSWORD) == "ben"
    assert state.users.set_up(new, PASSWORD) is None
    assert state.users.authenticate("ben", PASSWORD) is not None
    refused = call("-C", small, "users", "invite", "ben", "--role", "clerk")
    assert refused.code == 2 and "'boss'" in refused.err


def test_a_disabled_user_is_listed_as_such_and_enabling_lets_him_in_again(
    call: Call, staffed: Path, state: State
) -> None:
    for command, kind, disabled in (("disable", "user-disabled", True), ("enable", "user-enabled", False)):
        assert call("-C", staffed, "users", command, "Anna").code == 0
        event = newest(state)
        assert (event["kind"], event["user"], event["role"]) == (kind, "anna", "clerk")
        (user,) = call("-C", staffed, "users", "list", "--json").json()
        assert user == {
            "user": "anna",
            "role": "clerk",
            "source": "password",
            "last_login": None,
            "disabled": disabled,
        }
    assert call("-C", staffed, "users", "disable", "nobody").code == 2


def test_sessions_are_listed_and_signed_out(call: Call, staffed: Path, state: State) -> None:
    tokens = [state.users.start_session("anna") for _ in range(2)]
    assert len(call("-C", staffed, "users", "sessions", "anna", "--json").json()) == 2
    assert call("-C", staffed, "users", "sign-out", "anna", "--json").json() == {"user": "anna", "ended": 2}
    assert [state.users.principal_of_session(token) for token in tokens] == [None, None]
    event = newest(state)
    assert (event["kind"], event["detail"]["sessions"]) == ("session-ended", 2)
    assert "no session" in call("-C", staffed, "users", "sessions", "anna").out
    (user,) = call("-C", staffed, "users", "list", "--json").json()
    assert user["last_login"] is not None


def test_a_key_is_made_for_agents_and_days_listed_without_itself_and_revoked(
    call: Call, staffed: Path, state: State
) -> None:
    create = ("-C", staffed, "users", "keys", "create", "anna")
    made = call(*create, "--agent", "rules", "--expires-days", "7", "--name", "nightly report", "--json").json()
    event = newest(state)
    assert event["kind"] == "key-created"
    assert (event["detail"]["agents"], event["detail"]["expires_days"]) == (["rules"], 7)
    assert made["key"] not in str(event)
    listing = call("-C", staffed, "users", "keys", "list", "anna", "--json")
    (listed,) = listing.json()
    assert (listed["agents"], listed["label"], listed["revoked"]) == (["rules"], "nightly report", False)
    assert made["key"] not in listing.out
    assert call("-C", staffed, "users", "keys", "revoke", "anna", str(listed["id"])).code == 0
    assert newest(state)["kind"] == "key-revoked"
    assert call("-C", staffed, "users", "keys", "list", "anna", "--json").json()[0]["revoked"] is True
    assert call("-C", staffed, "users", "keys", "revoke", "anna", str(listed["id"])).code == 2


def test_a_key_outside_the_rules_is_not_made(call: Call, staffed: Path) -> None:
    for wrong in (("--agent", "nowhere"), ("--expires-days", "366"), ("--name", "x" * 81)):
        assert call("-C", staffed, "users", "keys", "create", "anna", *wrong).code == 2
    assert call("-C", staffed, "users", "keys", "list", "anna", "--json").json() == []
