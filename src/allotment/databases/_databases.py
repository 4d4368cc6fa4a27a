"""All databases of a project behind one object: start, provision, check, describe, query."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import Any, Self

from psycopg import Connection

from allotment.access import Grant, require_grant
from allotment.databases._backend import Backend, Login
from allotment.databases._card import SchemaCard
from allotment.databases._declared import ADMIN_ROLE, APP_ROLE, STATE_DATABASE
from allotment.databases._difference import Difference
from allotment.databases._result import QueryResult
from allotment.databases.gate import check_sql
from allotment.databases.postgres._backend import PostgresBackend
from allotment.databases.postgres._provision import ensure_state_database
from allotment.databases.postgres._server import EmbeddedServer
from allotment.databases.sections import SectionSearch
from allotment.databases.sections._schema import DATABASE as SECTIONS_DATABASE
from allotment.errors import NotGranted, ProjectError
from allotment.project import Project
from allotment.workspace import Workspace

_RESERVED = {STATE_DATABASE, SECTIONS_DATABASE, "postgres", "template0", "template1"}


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
        self._backends: dict[str, Backend] = {
            name: PostgresBackend(project, self.server, name) for name in sorted(project.databases)
        }

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

    @cached_property
    def sections(self) -> SectionSearch:
        """The search of what was read of the documents, with vectors where ``dataset.embeddings`` names a model."""
        named = self._project.dataset.embeddings
        if named is None:
            return SectionSearch(self._project, self._workspace, self.server)
        from allotment.dataset import ServerEmbedder  # heavy, and of use only here

        return SectionSearch(self._project, self._workspace, self.server, ServerEmbedder(named))

    @property
    def state_dsn(self) -> str:
        """Connection string of the application's own login in its own database."""
        return self.server.dsn(user=APP_ROLE, database=STATE_DATABASE)

    def admin_dsn(self, database: str = STATE_DATABASE) -> str:
        """Connection string of the owner of ``database``; for migrations and provisioning alone.

        Raises:
            ProjectError: no such PostgreSQL database is declared, or ``env:NAME`` is not set.
        """
        if database == STATE_DATABASE:
            return self.server.dsn(user=ADMIN_ROLE, database=database)
        backend = self._backends.get(database)
        if not isinstance(backend, PostgresBackend):
            element = f"databases.{database}"
            raise ProjectError("is no declared PostgreSQL database.", element=element, remedy="Mend the name.")
        return backend.admin_dsn()

    def provision(self, dry_run: bool = False, *, reload: bool = False) -> list[str]:
        """Load SQL files, make accounts, grants and row policies; returns the statements, none if all is as declared.

        Args:
            dry_run: return the statements without running any; a database that is not loaded yet says so.
            reload: load every file again; what was changed in those databases is lost.

        Raises:
            ProjectError: a file, table, column or row filter does not fit; that database is left as it was.
            DatabaseUnavailable: a server does not answer.
        """
        with self._workspace.lock("provision", timeout_s=600):
            declared = [
                statement
                for backend in self._backends.values()
                for statement in backend.provision(dry_run=dry_run, reload=reload)
            ]
            return [*declared, *self.sections.provision(dry_run=dry_run)]

    def check(self) -> list[Difference]:
        """Where the live databases are not as declared; empty when all is well."""
        declared = [difference for backend in self._backends.values() for difference in backend.check()]
        return [*declared, *self.sections.check()]

    def schema_card(self, grant: Grant) -> SchemaCard:
        """What the granted account sees, for the model that writes SQL.

        Raises:
            NotGranted: see ``query``.
            DatabaseUnavailable: the database does not answer.
        """
        login = self._login(grant)
        return self._backend(login).describe(login)

    def account_connection(self, grant: Grant) -> Connection[tuple[Any, ...]]:
        """The granted account's own login past the gate, to prove what PostgreSQL itself refuses; the caller closes it.

        Raises:
            NotGranted: see ``query``.
            ProjectError: the account's database has no logins.
            DatabaseUnavailable: the database does not answer.
        """
        login = self._login(grant)
        backend = self._backend(login)
        if not isinstance(backend, PostgresBackend):
            raise ProjectError("has no login of its own.", element=f"accounts.{login.account}")
        return backend.connection(login.account)

    def query(self, grant: Grant, sql: str, *, max_rows: int = 200) -> QueryResult:
        """Run one SELECT of the granted agent on its own account.

        Raises:
            NotGranted: no grant, or one that names no account or another agent's.
            SqlRefused: the statement may not run, or took too long; the message says what it may use.
            DatabaseUnavailable: the database does not answer.
        """
        login = self._login(grant)
        gated = check_sql(sql, self._project.accounts[login.account])
        return self._backend(login).query(login, gated, max_rows=max_rows)

    def _backend(self, login: Login) -> Backend:
        return self._backends[self._project.accounts[login.account].database]

    def _login(self, grant: Grant) -> Login:
        if type(grant) is not Grant:
            raise NotGranted("an account needs a grant.", remedy="Call allotment.audit.authorize first.")
        request = grant.decision.request
        agent = self._project.agents.get(request.agent)
        if request.account is None or agent is None or agent.account != request.account:
            raise NotGranted("the grant names no account of this agent.", element=request.agent)
        require_grant(grant, agent=request.agent, account=request.account)
        return Login(request.account, grant.decision.principal)
