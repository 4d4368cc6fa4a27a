"""``allotment users``: who may log in."""

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
from allotment.cli._users_record import record_change, user_of
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from datetime import datetime

    from allotment.access import ClaimValue
    from allotment.audit import EventKind
    from allotment.project import Project

users = group("users", "Who may log in, and with which role.")
CLAIM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}\Z")

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
        _not_of_the_provider(state, name)
        kept = state.users.role_of(name)
        if kept is None or (kept == role and not claims):
            _add(state, name, role, _password(password_stdin))
        elif kept != role:
            record_change(state, name, kept, "role-changed", {"before": kept, "after": role})
            state.users.set_role(name, role)
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


def _not_of_the_provider(state: State, name: str) -> None:
    if any(user.name == name and user.source == "oidc" for user in state.users.users()):
        raise ProjectError(
            "role and claims of this user come from the provider at each login.",
            element=name,
            remedy="Change his groups there, or shut him out here with `allotment users disable`.",
        )


def _add(state: State, name: str, role: str, password: str) -> None:
    if name not in {user.name for user in state.users.users()}:
        record_change(state, name, role, "user-added", {"source": "password"})
    state.users.add(name, role, password)


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
    before = dict(state.users.kept_claims(name))
    record_change(state, name, role, "claims-changed", {"before": before, "after": claims})
    state.users.set_claims(name, claims)


@command(users, "invite")
def invite_user(
    run: Run,
    name: Name,
    role: Annotated[str, typer.Option(help="The user's role, declared in allotment.yaml.")],
) -> None:
    """Make a link with which somebody chooses his own password.

    The link works once and for identity.set_up_link_h hours. Somebody who is not there yet is added, without a
    password; for somebody who forgot his, it is the way to a new one. A new link ends the one before.
    """
    project = run.project()
    known("role", role, project.roles)
    _agree(project, name, role)
    with open_state(project, run.workspace()) as state:
        there = {user.name: user for user in state.users.users()}.get(name)
        kind: EventKind = "set-up" if there else "user-added"
        if there is None or (there.role == role and not there.disabled and there.source == "password"):
            record_change(state, name, role, kind, {"source": "password", "invited": True})
        link = f"{project.identity.base_url}/set-up?token={state.users.invite(name, role)}"
    run.note(f"Send it to {name} alone: whoever opens it chooses the password.")
    value = {"user": name, "role": role, "link": link, "hours": project.identity.set_up_link_h}
    run.show(value, lambda console: console.print(link, markup=False, soft_wrap=True))


@command(users, "list")
def list_users(run: Run) -> None:
    """List who may log in, and with which role."""
    with open_state(run.project(), run.workspace()) as state:
        found = state.users.users()
    value = [
        {
            "user": user.name,
            "role": user.role,
            "source": user.source,
            "last_login": user.last_login_at,
            "disabled": user.disabled,
        }
        for user in found
    ]
    rows = [(u.name, u.role, u.source, moment(u.last_login_at), "yes" if u.disabled else "") for u in found]
    empty = "Nobody may log in yet: add somebody with `allotment users add`."
    run.show_table(("user", "role", "source", "last login", "disabled"), rows, value, empty)


@command(users, "disable")
def disable_user(run: Run, name: Name) -> None:
    """Shut somebody out: his sessions and running answers end, his keys stop working."""
    _set_disabled(run, name, disabled=True)


@command(users, "enable")
def enable_user(run: Run, name: Name) -> None:
    """Let somebody in again who was disabled; his keys work again, his sessions do not."""
    _set_disabled(run, name, disabled=False)


def _set_disabled(run: Run, name: str, *, disabled: bool) -> None:
    with open_state(run.project(), run.workspace()) as state:
        user = user_of(state, name)
        record_change(state, user.name, user.role, "user-disabled" if disabled else "user-enabled", {})
        state.users.disable(user.name, disabled=disabled)
    said = f"{user.name} is {'disabled' if disabled else 'enabled'}."
    run.show({"user": user.name, "disabled": disabled}, lambda console: console.print(said, markup=False))


@command(users, "sessions")
def list_sessions(run: Run, name: Name) -> None:
    """List where somebody is logged in."""
    with open_state(run.project(), run.workspace()) as state:
        found = state.users.sessions(user_of(state, name).name)
    rows = [(one.id, moment(one.created_at), moment(one.seen_at), one.browser, one.address) for one in found]
    heads = ("session", "since", "last request", "browser", "address")
    run.show_table(heads, rows, found, "There is no session of this user.")


@command(users, "sign-out")
def sign_out(run: Run, name: Name) -> None:
    """End all sessions of somebody, and the answers that are running in them; he may log in again."""
    with open_state(run.project(), run.workspace()) as state:
        user = user_of(state, name)
        record_change(state, user.name, user.role, "session-ended", {"sessions": len(state.users.sessions(user.name))})
        ended = state.users.end_sessions(user.name)
    value = {"user": user.name, "ended": ended}
    run.show(value, lambda console: console.print(f"{ended} sessions of {user.name} were ended.", markup=False))


def moment(at: datetime | None) -> str:
    """A time as people read it; empty where there is none."""
    return at.astimezone().isoformat(" ", "seconds") if at else ""


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ProjectError("a password is needed, and there is no terminal to ask on.", remedy="Use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
