"""The SQL gate: a text → one SELECT over what the account may read, or ``SqlRefused``.

PostgreSQL's own grammar parses it; a walk over the tree lets through only what is listed and resolves every table
and column; what runs is written anew from the tree, never the text that came in. The gate is the first of two
walls: behind it stand the account's own rights and row policies.
"""

from __future__ import annotations

from dataclasses import dataclass

from pglast import ast, parse_sql
from pglast.parser import ParseError
from pglast.stream import RawStream

from allotment.databases.gate._catalog import Catalog
from allotment.databases.gate._lists import MAX_LENGTH
from allotment.databases.gate._walk import Walk
from allotment.errors import SqlRefused
from allotment.project import AccountConfig


@dataclass(frozen=True)
class GatedSql:
    """A statement that passed the gate."""

    sql: str
    """One SELECT, written anew, tables with their schema."""
    tables: tuple[str, ...]
    """The declared tables it reads, ``schema.name``, sorted."""
    columns: tuple[str, ...] = ()
    """Names PostgreSQL gives the columns of the answer."""

    def limited(self, rows: int) -> str:
        """The same statement, giving at most ``rows`` rows."""
        return f"SELECT * FROM ({self.sql}) AS answer LIMIT {int(rows)}"  # noqa: S608 - written by the gate itself


def check_sql(sql: str, account: AccountConfig) -> GatedSql:
    """Check a statement for an account.

    Raises:
        SqlRefused: it is not exactly one SELECT made of listed parts over tables and columns of the account;
            ``remedy`` names what the account may use.
    """
    catalog = Catalog.of(account)
    statement = _parse(sql, catalog)
    tables, columns = _walk(statement, catalog)
    text = _written(statement)
    # What will run is read and checked as well: it must mean what was checked, and nothing in it may need a change.
    again = _parse(text, catalog)
    if _walk(again, catalog)[0] != tables or again != statement:
        raise SqlRefused("the statement cannot be written anew without a change.", remedy="Write it more simply.")
    return GatedSql(text, tables, columns)


class _Writer(RawStream):
    """Writes texts so that they mean the same whatever the session takes a backslash for."""

    def write_quoted_string(self, s: str) -> None:
        if "\\" in s:
            self.write("E")
            s = s.replace("\\", "\\\\")
        super().write_quoted_string(s)


def _walk(statement: ast.SelectStmt, catalog: Catalog) -> tuple[tuple[str, ...], tuple[str, ...]]:
    walk = Walk(catalog)
    relation = walk.select(statement, None)
    if not walk.tables:
        raise SqlRefused("the statement reads no table.", remedy=catalog.offer())
    return tuple(sorted(walk.tables)), relation.columns


def _written(statement: ast.SelectStmt) -> str:
    try:
        return str(_Writer()(statement))
    except RecursionError:
        raise SqlRefused("the statement is nested too deeply.", remedy="Write it more simply.") from None


def _parse(sql: str, catalog: Catalog) -> ast.SelectStmt:
    if len(sql) > MAX_LENGTH or "\x00" in sql:
        raise SqlRefused("the statement is too long or no text.", remedy=f"Keep it under {MAX_LENGTH} characters.")
    try:
        statements = parse_sql(sql)
    except ParseError as error:
        raise SqlRefused(f"the statement is not valid SQL ({error.args[0]}).", remedy=catalog.offer()) from None
    except (UnicodeError, RecursionError, ValueError) as error:
        raise SqlRefused("the statement cannot be read.", remedy=catalog.offer()) from error
    if len(statements) != 1:
        raise SqlRefused(f"exactly one statement may run, not {len(statements)}.", remedy="Write one SELECT.")
    statement = statements[0].stmt
    if type(statement) is not ast.SelectStmt:
        kind = type(statement).__name__.removesuffix("Stmt")
        raise SqlRefused(f"only SELECT may run, not {kind}.", remedy="Write one SELECT.")
    return statement
