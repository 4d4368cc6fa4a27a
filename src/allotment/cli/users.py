"""``allotment users``: who may log in, and the keys of programs."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from allotment.cli._app import command, group
from allotment.cli._names import known
from allotment.cli._open import State, open_state
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.access import ClaimValue
    from allotment.project import Project

users = group("users", "Who may log in, and with which role.")
CLAIM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}\Z")
keys = group("keys", "Keys for programs that ask through the API.", users)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's login name.")]


@command(users, "add")
def add_user(
    run: Run,
    name: Name,
    role: Annotated[str, typer.Option(help="The user's role, declared in allotment.yaml.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
    ] = False,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="What row filters compare columns with (user.NAME); again for several values."
        ),
    ] = None,
) -> None:
    """Let somebody log in, with a role and a password.

    Somebody who may log in already gets the role, if it is another one, and the claims, if any are given; the
    password stays, and the change is on record.
    """
    project = run.project()
    known("role", role, project.roles)
    _agree(project, name, role)
    claims = _claims(claim or [])
    with open_state(project, run.workspace()) as state:
        kept = state.users.role_of(name)
        if kept is None or (kept == role and not claims):
            state.users.add(name, role, _password(password_stdin))
        elif kept != role:
            _change_role(state, name, kept, role)
        if claims:
            _change_claims(state, name, role, claims)
    run.show({"user": name, "role": role}, lambda console: console.print(f"{name} may log in as {role}.", markup=False))


def _agree(project: Project, name: str, role: str) -> None:
    declared = project.users.get(name, role)
    if declared != role:
        raise ProjectError(
            f"allotment.yaml declares the role {declared!r}.",
            element=f"users.{name}",
            remedy=f"Change it there to {role!r} first, or take the entry away.",
        )


def _change_role(state: State, name: str, before: str, after: str) -> None:
    from allotment.access import Principal
    from allotment.audit import record_event

    # The record comes first: what cannot be recorded does not happen.
    record_event(state.audit, Principal(name, before), "role-changed", {"before": before, "after": after})
    state.users.set_role(name, after)


def _claims(given: list[str]) -> dict[str, tuple[ClaimValue, ...]]:
    claims: dict[str, tuple[ClaimValue, ...]] = {}
    for item in given:
        name, equals, text = item.partition("=")
        value = yaml.safe_load(text) if equals else None
        if not CLAIM_NAME.match(name) or not isinstance(value, str | int | float | bool):
            raise ProjectError(
                "is no claim.",
                element=f"--claim {item}",
                remedy="Write it like employee_id=5.",
            )
        claims[name] = (*claims.get(name, ()), value)
    return claims


def _change_claims(state: State, name: str, role: str, claims: dict[str, tuple[ClaimValue, ...]]) -> None:
    from allotment.access import Principal
    from allotment.audit import record_event

    before = dict(state.users.kept_claims(name))
    record_event(state.audit, Principal(name, role), "claims-changed", {"before": before, "after": claims})
    state.users.set_claims(name, claims)


@command(users, "list")
def list_users(run: Run) -> None:
    """List who may log in, and with which role."""
    with open_state(run.project(), run.workspace()) as state:
        value = [{"user": item.name, "role": item.role} for item in state.users.users()]
    rows = [(item["user"], item["role"]) for item in value]
    run.show_table(("user", "role"), rows, value, "Nobody may log in yet: add somebody with `allotment users add`.")


@command(keys, "create")
def create_key(run: Run, name: Name) -> None:
    """Make an API key that asks as a user.

    It is shown once and cannot be shown again.
    """
    with open_state(run.project(), run.workspace()) as state:
        key = state.users.create_key(name)
    run.note("Keep it now: it cannot be shown again.")
    run.show({"user": name, "key": key}, lambda console: console.print(key, markup=False, soft_wrap=True))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ProjectError("a password is needed, and there is no terminal to ask on.", remedy="Use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
