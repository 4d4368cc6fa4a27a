"""One way to connect: a database that does not answer is ``DatabaseUnavailable``, whatever the driver calls it."""

from __future__ import annotations

import re
import time
from typing import Any, Literal

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from allotment.databases._turns import too_many
from allotment.databases.postgres._values import ADAPTERS
from allotment.errors import DatabaseUnavailable

CONNECT_S = 10
"""Seconds a server has to let somebody in."""
_AGAIN_S = 0.05

SESSION = {
    "default_transaction_read_only": "on",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "search_path": "pg_catalog",
    "row_security": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "work_mem": "4MB",
    "jit": "off",
}
"""Settings of a session in which a gated statement runs, sent with the login: whatever somebody kept with the role or
the database is overridden, without a statement more."""

Why = Literal["login", "busy", "role busy", "silent"]


def why_not(error: psycopg.OperationalError) -> Why:
    """Why nobody was let in. A refusal for the role's own limit comes after the password was found right.

    The driver gives no SQLSTATE for a failed login, so the server's words count; words it says in another language
    are taken as silence.
    """
    said = str(error)
    if "too many connections for role" in said:
        return "role busy"
    if re.search("too many clients|connection slots|too many connections", said):
        return "busy"
    if re.search("the database system is|recovery", said) or "FATAL" not in said:
        return "silent"
    return "login"


def connect(dsn: str, *, element: str, **options: Any) -> Connection[tuple[Any, ...]]:
    """Open a connection.

    Raises:
        DatabaseUnavailable: nobody answers, or the login is refused.
        LimitReached: the server has no connection left.
    """
    try:
        return psycopg.connect(dsn, connect_timeout=CONNECT_S, **options)
    except psycopg.OperationalError as error:
        raise _translated(error, element) from None


def connect_account(dsn: str, *, account: str, statement_s: float, wait_s: float) -> Connection[tuple[Any, ...]]:
    """Open a connection on which one gated statement may run, with settings of its own; it waits for a free place.

    Raises:
        DatabaseUnavailable: nobody answers, or the login is refused.
        LimitReached: other processes hold all the role's or the server's connections for ``wait_s``.
    """
    own = conninfo_to_dict(dsn).get("options") or ""
    settings = {**SESSION, "statement_timeout": f"{round(statement_s * 1000)}"}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    full = make_conninfo(dsn, options=f"{own} {options}".strip(), client_encoding="UTF8", connect_timeout=CONNECT_S)
    limit = time.monotonic() + wait_s
    while True:
        try:
            return psycopg.connect(full, context=ADAPTERS)
        except psycopg.OperationalError as error:
            if why_not(error) not in ("busy", "role busy") or time.monotonic() > limit:
                raise _translated(error, account) from None
        time.sleep(_AGAIN_S)


def _translated(error: psycopg.OperationalError, element: str) -> Exception:
    why = why_not(error)
    if why in ("busy", "role busy"):
        return too_many(element)
    first = next(iter(str(error).strip().splitlines()), "no answer").rpartition("FATAL:")[2].strip()
    if why == "login":
        return DatabaseUnavailable(
            f"the database refuses the login ({first}).",
            element=element,
            remedy="Something was changed there: run `allotment database provision`, which mends it.",
        )
    return DatabaseUnavailable(
        f"the database does not answer ({first}).",
        element=element,
        remedy="See that the server runs, then run `allotment database check`.",
    )
