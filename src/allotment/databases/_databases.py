"""All databases of a project behind one object: start, provision, check, describe, query."""

from __future__ import annotations

import os
from functools import partial
from types import TracebackType
from typing import Any, Self

from psycopg import Connection
from psycopg.conninfo import make_conninfo

from allotment.access import Grant, require_grant
from allotment.databases._check import Difference, differences
from allotment.databases._connect import connect
from allotment.databases._declared import ADMIN_ROLE, APP_ROLE, STATE_DATABASE, accounts_of, rules_of
from allotment.databases._gate import check_sql
from allotment.databases._load import ensure_loaded, exists
from allotment.databases._provision import ensure_state_database, lets_in, provision_database
from allotment.databases._query import QueryResult, run_query
from allotment.databases._schema_card import schema_card
from allotment.databases._server import EmbeddedServer, account_dsn, account_password
from allotment.errors import NotGranted, ProjectError
from allotment.project import DatabaseConfig, Project
from allotment.workspace import Workspace

_RESERVED = {STATE_DATABASE, "postgres", "template0", "template1"}


class Databases:
    """A project's databases. As a context manager it starts the embedded server and counts itself out at the end."""

    def __init__(self, project: Project, workspace: Workspace) -> None:
        taken = sorted(_RESERVED & project.databases.keys())
        if taken:
            raise ProjectError(
                "the name is taken.", element=f"databases.{taken[0]}", remedy="Give the database another name."
            )
        self._project = project
        self._workspace = workspace
        self.server = EmbeddedServer(workspace)

    def start(self) -> None:
        """Start the embedded server and make the application's own database if it is not there."""
        self.server.start()
        with self._workspace.lock("provision"):
            ensure_state_database(self.server)

    def stop(self) -> None:
        """Count ourselves out; the last process out stops the server."""
        self.server.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def state_dsn(self) -> str:
        """Connection string of the application's own login in its own database."""
        return self.server.dsn(user=APP_ROLE, database=STATE_DATABASE)

    def admin_dsn(self, database: str = STATE_DATABASE) -> str:
        """Connection string of the owner of ``database``; for migrations and provisioning alone.

        Raises:
            ProjectError: no such database is declared, or ``env:NAME`` is not set.
        """
        url = self._config(database).url if database != STATE_DATABASE else None
        return _resolve(url, database) if url else self.server.dsn(user=ADMIN_ROLE, database=database)

    def _account_dsn(self, account: str) -> str:
        """Connection string of a service account; whoever uses it has seen a grant, or is the self-check."""
        database = self._project.accounts[account].database
        url = self._config(database).url
        if url is None:
            return account_dsn(self.server, account, database)
        return make_conninfo(_resolve(url, database), user=account, password=account_password(self.server, account))

    def provision(self, dry_run: bool = False, *, reload: bool = False) -> list[str]:
        """Load SQL files, make accounts, grants and row policies; returns the statements, none if all is as declared.

        Args:
            dry_run: return the statements without running any; a database that is not loaded yet says so.
            reload: load every file again; what was changed in those databases is lost.

        Raises:
            ProjectError: a file, table, column or row filter does not fit; that database is left as it was.
            DatabaseUnavailable: a server does not answer.
        """
        statements: list[str] = []
        with self._workspace.lock("provision", timeout_s=600):
            for database, config in sorted(self._project.databases.items()):
                statements += self._provision_one(database, config, dry_run, reload)
        return statements

    def _provision_one(self, database: str, config: DatabaseConfig, dry_run: bool, reload: bool) -> list[str]:
        if config.load is not None:
            if dry_run and not self._exists(database):
                return [f"-- load {config.load} into the new database {database}, then make its accounts"]
            if not dry_run:
                ensure_loaded(self.server, database, self._project.root / config.load, reload=reload)
        rules = rules_of(self._project, database)
        if not rules:
            return []
        with self._admin(database) as admin:
            return provision_database(
                admin,
                database,
                rules,
                partial(account_password, self.server),
                dry_run=dry_run,
                fresh_passwords=self._locked_out(database),
            )

    def check(self) -> list[Difference]:
        """Where the live databases are not as declared; empty when all is well."""
        found: list[Difference] = []
        for database, config in sorted(self._project.databases.items()):
            if config.load is not None and not self._exists(database):
                found.append(Difference(database, "a database", "not loaded yet", ""))
                continue
            with self._admin(database) as admin:
                found += differences(admin, database, rules_of(self._project, database))
            for account in sorted(self._locked_out(database)):
                found.append(Difference(f"{account}: login", "the project's password", "refused", ""))
        return found

    def schema_card(self, grant: Grant) -> str:
        """What the granted account sees, as compact text for the model that writes SQL.

        Raises:
            NotGranted: see ``query``.
            DatabaseUnavailable: the database does not answer.
        """
        account = self._granted_account(grant)
        config = self._project.accounts[account]
        with connect(self._account_dsn(account), element=account) as reader, self._admin(config.database) as admin:
            return schema_card(admin, reader, config)

    def account_connection(self, grant: Grant) -> Connection[tuple[Any, ...]]:
        """The granted account's own login past the gate, to prove what PostgreSQL itself refuses; the caller closes it.

        Raises:
            NotGranted: see ``query``.
            DatabaseUnavailable: the database does not answer.
        """
        account = self._granted_account(grant)
        return connect(self._account_dsn(account), element=account)

    def query(self, grant: Grant, sql: str, *, max_rows: int = 200) -> QueryResult:
        """Run one SELECT of the granted agent on its own account.

        Raises:
            NotGranted: no grant, or one that names no account or another agent's.
            SqlRefused: the statement may not run, or took too long; the message says what it may use.
            DatabaseUnavailable: the database does not answer.
        """
        account = self._granted_account(grant)
        gated = check_sql(sql, self._project.accounts[account])
        return run_query(self._account_dsn(account), account, gated, max_rows=max_rows)

    def _granted_account(self, grant: Grant) -> str:
        if type(grant) is not Grant:
            raise NotGranted("an account needs a grant.", remedy="Call allotment.audit.authorize first.")
        request = grant.decision.request
        agent = self._project.agents.get(request.agent)
        if request.account is None or agent is None or agent.account != request.account:
            raise NotGranted("the grant names no account of this agent.", element=request.agent)
        require_grant(grant, agent=request.agent, account=request.account)
        return request.account

    def _config(self, database: str) -> DatabaseConfig:
        config = self._project.databases.get(database)
        if config is None:
            element = f"databases.{database}"
            raise ProjectError("is not declared.", element=element, remedy="Declare it, or mend the name.")
        return config

    def _admin(self, database: str) -> Connection[tuple[Any, ...]]:
        return connect(self.admin_dsn(database), element=f"databases.{database}", autocommit=True)

    def _exists(self, database: str) -> bool:
        with self._admin(STATE_DATABASE) as admin:
            return exists(admin, database)

    def _locked_out(self, database: str) -> frozenset[str]:
        return frozenset(
            account for account in accounts_of(self._project, database) if not lets_in(self._account_dsn(account))
        )


def _resolve(url: str, database: str) -> str:
    if not url.startswith("env:"):
        return url
    value = os.environ.get(url.removeprefix("env:"))
    if not value:
        name = url.removeprefix("env:")
        raise ProjectError(
            f"the environment variable {name} is not set.",
            element=f"databases.{database}.url",
            remedy=f"Set {name} to the database's URL.",
        )
    return value
