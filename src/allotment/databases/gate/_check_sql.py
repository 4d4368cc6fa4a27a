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

from allotment.databases.gate._lists import MAX_LENGTH
from allotment.databases.gate._scope import Catalog
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
    text, tables, columns = _rewrite(sql, catalog)
    # What will run is checked as well: a difference between what was read and what was written must not matter.
    again, same, _ = _rewrite(text, catalog)
    if same != tables or again != text:
        raise SqlRefused("the statement cannot be written anew without a change.", remedy="Write it more simply.")
    return GatedSql(text, tables, columns)


def _rewrite(sql: str, catalog: Catalog) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    statement = _parse(sql, catalog)
    walk = Walk(catalog)
    try:
        columns = walk.select(statement, None)
        text = RawStream()(statement)
    except RecursionError:
        raise SqlRefused("the statement is nested too deeply.", remedy=catalog.offer()) from None
    if not walk.tables:
        raise SqlRefused("the statement reads no table.", remedy=catalog.offer())
    return str(text), tuple(sorted(walk.tables)), columns


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
