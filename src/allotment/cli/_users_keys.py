"""``allotment users keys``: the keys of programs that ask through the API."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._open import open_state
from allotment.cli._run import Run
from allotment.cli._users_record import record_change, user_of
from allotment.cli.users import Name, moment, users
from allotment.errors import ProjectError

keys = group("keys", "Keys for programs that ask through the API.", users)


@command(keys, "create")
def create_key(
    run: Run,
    name: Name,
    agent: Annotated[
        list[str] | None,
        typer.Option(metavar="AGENT", help="An agent it is good for; again for several. Default: all of the role."),
    ] = None,
    expires_days: Annotated[
        int | None,
        typer.Option(min=1, help="Days it works; at most identity.key_most_days.", show_default="identity.key_days"),
    ] = None,
    label: Annotated[str, typer.Option("--name", metavar="TEXT", help="What it is for, to tell keys apart.")] = "",
) -> None:
    """Make an API key that asks as a user.

    It is shown once and cannot be shown again.
    """
    project = run.project()
    for each in agent or []:
        agent_of(project, each)
    days = expires_days or project.identity.key_days
    with open_state(project, run.workspace()) as state:
        user = user_of(state, name)
        scope = sorted(set(agent)) if agent else None
        detail = {"name": label, "agents": scope, "expires_days": days}
        record_change(state, user.name, user.role, "key-created", detail)
        key = state.users.create_key(user.name, agents=scope, expires_days=days, label=label)
    run.note("Keep it now: it cannot be shown again.")
    value = {"user": user.name, "key": key, **detail}
    run.show(value, lambda console: console.print(key, markup=False, soft_wrap=True))


@command(keys, "list")
def list_keys(run: Run, name: Name) -> None:
    """List somebody's keys, without the keys themselves."""
    with open_state(run.project(), run.workspace()) as state:
        found = state.users.keys(user_of(state, name).name)
    rows = [
        (
            key.id,
            f"{key.start}…",
            key.label,
            "all of the role" if key.agents is None else ", ".join(key.agents),
            moment(key.expires_at),
            moment(key.last_used_at),
            "yes" if key.revoked else "",
        )
        for key in found
    ]
    columns = ("key", "begins", "name", "agents", "expires", "last used", "revoked")
    run.show_table(columns, rows, found, "This user has no key.")


@command(keys, "revoke")
def revoke_key(
    run: Run,
    name: Name,
    number: Annotated[int, typer.Argument(metavar="KEY", help="Its number, as `keys list` shows it.")],
) -> None:
    """End a key for good, and the answers that are running with it."""
    with open_state(run.project(), run.workspace()) as state:
        user = user_of(state, name)
        if number not in {key.id for key in state.users.keys(user.name) if not key.revoked}:
            remedy = f"See `allotment users keys list {user.name}`."
            raise ProjectError(f"has no key {number} that works.", element=user.name, remedy=remedy)
        record_change(state, user.name, user.role, "key-revoked", {"key": number})
        state.users.revoke_key(number)
    value = {"user": user.name, "key": number}
    run.show(value, lambda console: console.print(f"The key {number} of {user.name} is revoked.", markup=False))
