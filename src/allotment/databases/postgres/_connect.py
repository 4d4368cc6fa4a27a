"""One way to connect: a database that does not answer is ``DatabaseUnavailable``, whatever the driver calls it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection

from allotment.errors import DatabaseUnavailable


def connect(dsn: str, *, element: str, **options: Any) -> Connection[tuple[Any, ...]]:
    """Open a connection.

    Raises:
        DatabaseUnavailable: nobody answers, or the login is refused.
    """
    try:
        return psycopg.connect(dsn, connect_timeout=10, **options)
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
        raise DatabaseUnavailable(
            f"the database does not let us in ({first}).",
            element=element,
            remedy="See that the server runs, then run `allotment database provision`.",
        ) from None
