"""The account's connection to its SQLite copy: read-only, and an authorizer that knows what is declared.

SQLite asks the authorizer for every table, column and function of a statement while it compiles it, so it is SQLite's
own reading of the statement that is judged, a second time after the gate's.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from allotment.cancellation import current
from allotment.databases._declared import Rule
from allotment.databases.files.sqlite._functions import BUILT_IN, OWN

LARGEST_VALUE = 1_000_000
"""Most bytes of one value, and of one row."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LARGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_STEPS = 5_000
"""Steps of SQLite's machine between two looks at the clock."""


@contextmanager
def connect(copy: Path, rules: Sequence[Rule], *, timeout_s: float) -> Iterator[sqlite3.Connection]:
    """Open the copy for statements of an account; what takes longer than ``timeout_s`` is interrupted.

    So is what nobody waits for any longer.
    """
    with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for setting in ("query_only = ON", "trusted_schema = OFF", "case_sensitive_like = ON", "mmap_size = 0"):
            connection.execute(f"PRAGMA {setting}")
        for function, (arguments, body) in OWN.items():
            connection.create_function(function, arguments, body, deterministic=True)
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        connection.set_authorizer(_authorizer(rules))
        deadline, wanted = time.monotonic() + timeout_s, current()
        connection.set_progress_handler(lambda: wanted.given or time.monotonic() > deadline, _STEPS)
        yield connection


_Answer = Callable[[int, str | None, str | None, str | None, str | None], int]


def _authorizer(rules: Sequence[Rule]) -> _Answer:
    readable = {rule.table.name.casefold(): {c.casefold() for c in rule.grant.columns} for rule in rules}
    functions = BUILT_IN | OWN.keys()

    def answer(action: int, first: str | None, second: str | None, _schema: str | None, _inner: str | None) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").casefold() in functions:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # A table that is only counted is read at the column "".
            columns = readable.get((first or "").casefold(), set())
            return sqlite3.SQLITE_OK if columns and (second or "").casefold() in columns | {""} else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY

    return answer
