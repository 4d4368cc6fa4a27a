"""The demo's users: logins with random passwords, and the roles ``allotment.yaml`` declares today."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from allotment.cli._demo_steps import Steps
from allotment.cli._open import State
from allotment.project import Project
from allotment.workspace import Workspace, write_atomic


def logins_file(workspace: Workspace) -> Path:
    """Names and passwords, readable by the owner of the folder alone."""
    return workspace.home / "secrets" / "logins.txt"


def add_users(project: Project, workspace: Workspace, state: State, steps: Steps) -> None:
    """Give every declared user a login, and bring kept roles to the declared ones.

    A password is written down before its login is made: a kill between the two leaves a line that the next
    run replaces, never a login whose password nobody knows.
    """
    with steps.step("Users") as shown:
        kept = {user.name: user.role for user in state.users.users()}
        made = {name: secrets.token_urlsafe(12) for name in project.users if name not in kept}
        moved = {name: role for name, role in project.users.items() if kept.get(name, role) != role}
        if made or moved:
            _write_logins(logins_file(workspace), made, project.users)
        for name, password in made.items():
            state.users.add(name, project.users[name], password)
        for name, role in moved.items():
            _move(state, name, kept[name], role)
        shown.result = ", ".join(f"{name} ({state.users.role_of(name) or 'disabled'})" for name in project.users)


def _move(state: State, name: str, before: str, after: str) -> None:
    from allotment.access import Principal
    from allotment.audit import record_event

    record_event(state.audit, Principal(name, before), "role-changed", {"before": before, "after": after})
    state.users.set_role(name, after)


def _write_logins(path: Path, made: Mapping[str, str], roles: Mapping[str, str]) -> None:
    """Write one line for each user, with the role of today; an older line of a user made anew is dropped."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    before = {words[0]: (words[1], line) for line in lines if len(words := line.split()) > 1}
    passwords = {**{name: password for name, (password, _) in before.items() if name in roles}, **made}
    ours = {name: f"{name}  {password}  ({roles[name]})" for name, password in passwords.items()}
    written = {**{name: line for name, (_, line) in before.items()}, **ours}
    write_atomic(path, "".join(f"{line}\n" for line in written.values()), private=True)
