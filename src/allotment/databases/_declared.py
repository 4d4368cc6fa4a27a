"""What the project declares of one database, in the form the statements and the self-check need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from allotment.errors import ProjectError
from allotment.project import AccountConfig, Project, Scalar, TableGrant

STATE_DATABASE = "allotment"
"""The application's own database on the embedded server."""
APP_ROLE = "allotment_app"
"""The application's own login: users, sessions, audit. Not a superuser, not an agent."""
ADMIN_ROLE = "allotment_admin"
"""Superuser and owner of everything the embedded server holds."""

SCHEMA = "allotment"
"""Schema in each agent database for what the application keeps there: claims, and which file was loaded."""

STATEMENT_TIMEOUT = "5s"
CONNECTION_LIMIT = 20
SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": STATEMENT_TIMEOUT,
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "idle_session_timeout": "60s",
    "search_path": "pg_catalog",
    "work_mem": "4MB",
}
"""Kept with the role. The account may change most of them for its session; they are a bound on accidents."""
SUPERUSER_SETTINGS = {"temp_file_limit": "64MB"}
"""Only a superuser may set these, so the account cannot change them; left out where the owner is none."""


Sql = sql.SQL | sql.Composed
"""A statement, or a part of one, that the driver quotes."""


@dataclass(frozen=True, order=True)
class Table:
    """A table by schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Rule:
    """What one account reads of one table."""

    account: str
    table: Table
    grant: TableGrant

    @property
    def policy(self) -> str:
        """Name of the permissive policy of this account on this table: it opens the table, to no row yet."""
        return f"allotment_{self.account}"

    @property
    def filter_policy(self) -> str:
        """Name of the restrictive policy, which holds the row filter whatever other policies there are."""
        return f"allotment_{self.account}_rows"

    def condition(self, types: Mapping[str, str]) -> Sql:
        """The row filter as SQL, every literal quoted by the driver.

        ``types`` has each column's type as ``pg_type`` names it (other names, as ``character``, have a length and cut
        what is cast); empty for a type that is not PostgreSQL's own.
        """
        if not self.grant.rows:
            return sql.SQL("true")
        claims = self.grant.claims
        return sql.SQL(" AND ").join(
            _claim_filter(column, claims[column], types[column]) if column in claims else _one_filter(column, value)
            for column, value in self.grant.rows.items()
        )

    @property
    def declared(self) -> str:
        """The row filter in words that change when it changes."""
        return json.dumps(list(self.grant.rows.items()), ensure_ascii=False)


def _one_filter(column: str, value: Scalar | tuple[Scalar, ...]) -> Sql:
    values = value if isinstance(value, tuple) else (value,)
    if not values:
        return sql.SQL("false")
    listed = sql.SQL(", ").join(sql.Literal(item) for item in values)
    return sql.SQL("{} IN ({})").format(sql.Identifier(column), listed)


def _claim_filter(column: str, claim: str, kind: str) -> Sql:
    claimed = sql.SQL("(SELECT {}.claim({}))").format(sql.Identifier(SCHEMA), sql.Literal(claim))
    if not kind:
        return sql.SQL("{}::text = ANY (({})::text[])").format(sql.Identifier(column), claimed)
    # In a subquery the function runs once for a statement, not once for a row, and the column's index can be used.
    return sql.SQL("{} = ANY (({})::{}[])").format(sql.Identifier(column), claimed, sql.Identifier("pg_catalog", kind))


def table_of(name: str) -> Table:
    """``orders`` and ``public.orders`` are the same table."""
    schema, _, bare = name.rpartition(".")
    return Table(schema or "public", bare)


def accounts_of(project: Project, database: str) -> dict[str, AccountConfig]:
    """Accounts that live in ``database``.

    Raises:
        ProjectError: an account has a name PostgreSQL or the application keeps for itself.
    """
    found = {name: account for name, account in project.accounts.items() if account.database == database}
    for name in found:
        if name in {ADMIN_ROLE, APP_ROLE, "postgres", "public", "none"} or name.startswith("pg_"):
            raise ProjectError(
                f"the name {name!r} is taken.", element=f"accounts.{name}", remedy="Give the account another name."
            )
    return found


def rules_of(project: Project, database: str) -> list[Rule]:
    """Every declared pair of account and table in ``database``, sorted.

    Raises:
        ProjectError: an account names one table twice.
    """
    rules: list[Rule] = []
    for name, account in sorted(accounts_of(project, database).items()):
        seen: set[Table] = set()
        for key, grant in sorted(account.tables.items()):
            table = table_of(key)
            if table in seen:
                raise ProjectError(
                    f"names the table {table} twice.", element=f"accounts.{name}.tables", remedy="Keep one of them."
                )
            seen.add(table)
            rules.append(Rule(name, table, grant))
    return rules
