"""PostgreSQL's errors in words for whoever wrote the statement, without DETAIL, HINT, or a value of a row.

A statement is first sent for no row at all. What PostgreSQL says then is about the statement alone, so its own words
about names and types are passed on, with the word of the statement they are about. Once rows are read a message may
quote them, so only the kind of the error counts, and the words are ours.
"""

from __future__ import annotations

import re

import psycopg
from pglast import ast, parse_sql
from pglast.stream import RawStream
from pglast.visitors import Visitor
from psycopg import errors

from allotment.databases.gate import GatedSql
from allotment.errors import AllotmentError, DatabaseUnavailable, SqlRefused, SqlTimedOut

_WORDS = {
    "21000": "a subquery that stands for one value gave several rows: use IN, an aggregate, or LIMIT 1",
    "22001": "a text is too long for the type it is cast to",
    "22003": "a number is too large for its type: cast to numeric before computing",
    "22007": "a value of a column or expression is no date or time of the form asked for",
    "22008": "a date or time is out of range",
    "22011": "substring() has a negative length",
    "22012": "it divides by zero: write nullif(divisor, 0)",
    "22023": "a function does not take one of the values it was given",
    "22025": "a LIKE pattern ends in an escape character",
    "2201B": "a regular expression is not valid",
    "2201E": "ln() or log() of a number that is not positive",
    "2201F": "power() or sqrt() of a number it has no result for",
    "2201G": "width_bucket() has no valid bounds or count",
    "2201W": "LIMIT is negative",
    "2201X": "OFFSET is negative",
    "22P02": "a value of a column or expression cannot be cast to the type asked for",
    "25006": "it would write",
    "53200": "it needs more memory than there is: ask for less",
    "53400": "it sorts, groups or joins more rows than it may: ask for less",
    "54000": "a value or the statement grows too large: ask for less",
    "54001": "it is nested too deeply",
    "54011": "it has too many columns",
    "54023": "a function has too many arguments",
}
_REMEDIES = {
    "42702": "Write the column with its table: table.column.",
    "42703": "Use only the columns listed.",
    "42803": "Put every column that is not in an aggregate into GROUP BY.",
    "42804": "Make the types equal with a cast: value::type.",
    "42883": "Cast the arguments to types for which it exists, for example column::text or column::numeric.",
    "42P10": "Put what ORDER BY names into the list of columns as well.",
    "42P18": "Cast the constant to a type.",
    "42P20": "Use window functions only in the list of columns and in ORDER BY.",
}
_OF_CASTS = frozenset({"22003", "22007", "22008", "22P02"})
_MEND = "Mend the statement."
_WORD = re.compile(r"[\w.\"]+(?:\([^()]*\))?|\S{1,20}")


def too_large(size: int, most: int) -> SqlRefused:
    """The refusal of an answer one row of which is larger than the whole answer may be."""
    return SqlRefused(
        f"one row of the answer holds {size:,} bytes; a whole answer may have {most:,}.",
        remedy="Select fewer columns, or the beginning of a text: left(column, 200).",
    )


def fault_in_statement(error: Exception, account: str, gated: GatedSql) -> AllotmentError:
    """What is wrong with a statement that was looked at before any row was read."""
    if known := _without_words(error, account):
        return known
    state, told = _state(error), _primary(error)
    word = _word_at(error, gated)
    near = f', at "{word}"' if word else ""
    if state == "42P01":
        return DatabaseUnavailable(
            f"the database is not as declared ({told}).",
            element=account,
            remedy="See `allotment database check`.",
        )
    if state.startswith(("42", "0A")):
        remedy = _REMEDIES.get(state, _MEND)
        return SqlRefused(f"the query cannot run ({told}{near}).", element=account, remedy=remedy)
    return SqlRefused(
        f"the query cannot run ({_WORDS.get(state, f'error {state}')}{near}).", element=account, remedy=_MEND
    )


def fault_in_data(error: Exception, account: str, gated: GatedSql) -> AllotmentError:
    """What went wrong while rows were read; nothing PostgreSQL says is passed on."""
    if known := _without_words(error, account):
        return known
    state = _state(error)
    words = _WORDS.get(state, f"error {state} in the data")
    casts = _casts(gated) if state in _OF_CASTS else ""
    return SqlRefused(f"the query cannot run ({words}{casts}).", element=account, remedy=_MEND)


def _without_words(error: Exception, account: str) -> AllotmentError | None:
    """Errors that are told the same way whenever they come."""
    if isinstance(error, errors.InsufficientPrivilege):
        return SqlRefused("the database refuses this to the account.", element=account)
    if isinstance(error, errors.QueryCanceled):
        return SqlTimedOut(account)
    state = _state(error)
    if isinstance(error, psycopg.OperationalError) and (not state or state.startswith(("08", "57"))):
        return DatabaseUnavailable("the connection was lost.", element=account, remedy="Ask again.")
    if state.startswith(("40", "55")):
        return DatabaseUnavailable("the database is being changed just now.", element=account, remedy="Ask again.")
    if state.startswith(("53", "58", "XX")) and state not in _WORDS:
        return DatabaseUnavailable(f"the database is in trouble (error {state}).", element=account, remedy="Ask again.")
    if not state:
        return SqlRefused("a value of the answer cannot be read.", element=account, remedy="Cast it: column::text.")
    return None


def _state(error: Exception) -> str:
    return (error.sqlstate or "") if isinstance(error, psycopg.Error) else ""


def _primary(error: Exception) -> str:
    return (error.diag.message_primary or "") if isinstance(error, psycopg.Error) else ""


def _word_at(error: Exception, gated: GatedSql) -> str:
    """The word of the statement an error points at; none when it points nowhere."""
    place = error.diag.statement_position if isinstance(error, psycopg.Error) else None
    if place is None:
        return ""
    at = int(place) - 1 - gated.limited(0).index(gated.sql)
    found = _WORD.match(gated.sql, at) if 0 <= at < len(gated.sql) else None
    return found.group()[:60] if found else ""


class _CastVisitor(Visitor):
    """Collects the casts of a statement as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def visit_TypeCast(self, _: object, node: ast.TypeCast) -> None:  # noqa: N802 - the library's name
        if type(node.arg) is not ast.A_Const:
            self.found.append(str(RawStream()(node))[:60])


def _casts(gated: GatedSql) -> str:
    """The casts of the statement, one of which failed; none where there are none or many."""
    visitor = _CastVisitor()
    visitor(parse_sql(gated.sql))
    named = dict.fromkeys(visitor.found)
    return ", in " + " or ".join(f'"{cast}"' for cast in named) if 1 <= len(named) <= 3 else ""
