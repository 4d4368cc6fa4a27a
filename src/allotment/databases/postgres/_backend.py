"""A PostgreSQL database behind the agents: embedded and loaded from a file, or your own by URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from allotment.databases._backend import Login
from allotment.databases._bounds import Bounds
from allotment.databases._card import SchemaCard
from allotment.databases._declared import ADMIN_ROLE, STATE_DATABASE, Rule, accounts_of, rules_of
from allotment.databases._difference import Difference
from allotment.databases._result import QueryResult
from allotment.databases.gate import GatedSql
from allotment.databases.postgres._check import differences
from allotment.databases.postgres._claims import tell_claims
from allotment.databases.postgres._connect import connect, connect_account
from allotment.databases.postgres._describe import describe
from allotment.databases.postgres._load import ensure_loaded, exists
from allotment.databases.postgres._provision import lets_in, provision_database
from allotment.databases.postgres._query import run_query
from allotment.databases.postgres._server import EmbeddedServer, account_dsn, account_password, claim_secret
from allotment.databases.postgres._statements import Secrets
from allotment.databases.postgres._url import resolve_url
from allotment.errors import DatabaseUnavailable
from allotment.project import Project

CHECK_LIMIT = "SET statement_timeout = '60s'"
"""No statement of a self-check may wait longer: a check that cannot be done has failed."""


class PostgresBackend:
    """One declared PostgreSQL database. The owner's connection provisions and checks; accounts log in by themselves."""

    def __init__(self, project: Project, server: EmbeddedServer, database: str, bounds: Bounds) -> None:
        self._project = project
        self._bounds = bounds
        self._server = server
        self._database = database
        self._config = project.databases[database]

    def provision(self, *, dry_run: bool, reload: bool) -> list[str]:
        """Load its file, make accounts, grants and row policies; returns the statements, none if all is as declared."""
        load = self._config.load
        if load is not None:
            if dry_run and not self._exists():
                return [f"-- load {load} into the new database {self._database}, then make its accounts"]
            if not dry_run:
                ensure_loaded(self._server, self._database, self._project.root / load, reload=reload)
        rules = rules_of(self._project, self._database)
        if not rules:
            return []
        with self._own_errors(), self._admin() as admin:
            return provision_database(
                admin,
                self._database,
                rules,
                self._secrets(rules),
                dry_run=dry_run,
                fresh_passwords=self._locked_out(),
            )

    def check(self) -> list[Difference]:
        """Where it is not as declared."""
        if self._config.load is not None and not self._exists():
            return [Difference(self._database, "a database", "not loaded yet", "")]
        rules = rules_of(self._project, self._database)
        with self._own_errors(), self._admin() as admin:
            admin.execute(CHECK_LIMIT)
            found = differences(admin, self._database, rules, self._secrets(rules))
        for account in sorted(self._locked_out()):
            found.append(Difference(f"{account}: login", "the project's password", "refused", "", account=account))
        return found

    def describe(self, login: Login) -> SchemaCard:
        """What the account sees."""
        config = self._project.accounts[login.account]
        turn = self._bounds.turns.turn(login.account)
        with turn, self._own_errors(), self.connection(login.account) as reader, self._admin() as admin:
            reader.read_only = True
            self._tell(login, reader)
            return describe(admin, reader, config)

    def query(self, login: Login, gated: GatedSql, *, max_rows: int) -> QueryResult:
        """Run a statement that passed the gate on the account's own login; the connection lives for this query."""
        limits = self._bounds.limits
        open_account = partial(
            connect_account,
            self._dsn(login.account),
            account=login.account,
            statement_s=limits.statement_s,
            wait_s=limits.wait_s,
        )
        budget, user = self._bounds.budget, login.principal.user
        budget.require(user)
        # Charged from here on: waiting for a turn, or for a server that starts, is not the user's.
        with (
            self._bounds.turns.turn(login.account),
            closing(self._reach(open_account)) as connection,
            budget.charged(user),
        ):
            tell = partial(self._tell, login)
            return run_query(connection, login.account, gated, limits=limits, max_rows=max_rows, prepare=tell)

    def connection(self, account: str) -> Connection[tuple[Any, ...]]:
        """The account's own login past the gate; whoever uses it has seen a grant."""
        return self._reach(partial(connect, self._dsn(account), element=account))

    def _claims(self, account: str) -> frozenset[str]:
        tables = self._project.accounts[account].tables.values()
        return frozenset(claim for grant in tables for claim in grant.claims.values())

    def _tell(self, login: Login, connection: Connection[tuple[Any, ...]]) -> None:
        """Let the connection's transaction know what the account's row filters ask of the user, and no more."""
        claims = {name: login.principal.claim(name) for name in sorted(self._claims(login.account))}
        if claims:
            tell_claims(connection, login.account, claim_secret(self._server, login.account), claims)

    def admin_dsn(self) -> str:
        """Connection string of its owner.

        Raises:
            ProjectError: ``env:NAME`` is not set.
        """
        url = self._config.url
        return (
            resolve_url(url, f"databases.{self._database}.url")
            if url
            else self._server.dsn(user=ADMIN_ROLE, database=self._database)
        )

    def _secrets(self, rules: list[Rule]) -> dict[str, Secrets]:
        accounts = sorted({rule.account for rule in rules})
        return {
            name: Secrets(account_password(self._server, name), claim_secret(self._server, name)) for name in accounts
        }

    def _dsn(self, account: str) -> str:
        if self._config.url is None:
            return account_dsn(self._server, account, self._database)
        return make_conninfo(self.admin_dsn(), user=account, password=account_password(self._server, account))

    def _admin(self) -> Connection[tuple[Any, ...]]:
        element = f"databases.{self._database}"
        return self._reach(partial(connect, self.admin_dsn(), element=element, autocommit=True))

    def _exists(self) -> bool:
        dsn = self._server.dsn(user=ADMIN_ROLE, database=STATE_DATABASE)
        with self._reach(partial(connect, dsn, element=f"databases.{self._database}", autocommit=True)) as admin:
            return exists(admin, self._database)

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """What the owner's statements or the schema card run into, as an error of this package."""
        try:
            yield
        except psycopg.Error as error:
            state = error.sqlstate or "the connection was lost"
            told = f"{state}: {error.diag.message_primary}" if state.startswith("42") else state
            raise DatabaseUnavailable(
                f"the database cannot be looked at ({told}).",
                element=f"databases.{self._database}",
                remedy="See `allotment database check`.",
            ) from error

    def _reach(self, opening: Callable[[], Connection[tuple[Any, ...]]]) -> Connection[tuple[Any, ...]]:
        """Open a connection; an embedded server that died in the meantime is started again first."""
        try:
            return opening()
        except DatabaseUnavailable:
            if self._config.url is not None:
                raise
            self._server.revive()
            return opening()

    def _locked_out(self) -> frozenset[str]:
        accounts = accounts_of(self._project, self._database)
        return frozenset(account for account in accounts if not lets_in(self._dsn(account)))
