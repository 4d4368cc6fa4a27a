"""What the command line changes of a user is on record first, with who did it."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allotment.audit import EventKind
    from allotment.cli._open import State
    from allotment.gateway import UserRecord


def record_change(state: State, name: str, role: str, kind: EventKind, detail: Mapping[str, Any]) -> None:
    """Put a change on record before it happens: what cannot be recorded does not happen."""
    from allotment.access import Principal
    from allotment.audit import record_event

    record_event(state.audit, Principal(name, role), kind, {**detail, "by": f"{getpass.getuser()} (command line)"})


def user_of(state: State, name: str) -> UserRecord:
    """A user by name.

    Raises:
        ProjectError: there is no such user.
    """
    from allotment.errors import ProjectError

    wanted = name.strip().lower()
    for user in state.users.users():
        if user.name == wanted:
            return user
    raise ProjectError("there is no such user.", element=name, remedy="See `allotment users list`.")
