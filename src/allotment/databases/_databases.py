"""All databases of a project behind one object: start, provision, check, describe, query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from operator import attrgetter
from types import TracebackType
from typing import Any, Self

from psycopg import Connection

from allotment.access import Grant, require_grant
from allotment.databases._backend import Backend, Login
from allotment.databases._bounds import Bounds
from allotment.databases._card import SchemaCard
from allotment.databases._declared import ADMIN_ROLE, APP_ROLE, STATE_DATABASE
from allotment.databases._difference import Difference
from allotment.databases._result import QueryResult
from allotment.databases._watch import Reasons, Watch
from allotment.databases.files._backend import FileBackend
from allotment.databases.gate import check_sql
from allotment.databases.postgres._backend import PostgresBackend
from allotment.databases.postgres._provision import ensure_state_database
from allotment.databases.postgres._server import EmbeddedServer
from allotment.databases.postgres._state import ExternalState
from allotment.databases.sections import SectionSearch
from allotment.databases.sections._schema import DATABASE as SECTIONS_DATABASE
from allotment.errors import AllotmentError, MissingPartError, NotGranted, ProjectError
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
        bounds = Bounds.of(project.database_limits)
        self._backends: dict[str, Backend] = {
            name: PostgresBackend(project, self.server, name, bounds)
            if config.file is None
            else FileBackend(project, workspace, name, bounds)
            for name, config in sorted(project.databases.items())
        }
        self._watch: Watch | None = None
        self._state = ExternalState(project.state.url, workspace) if project.state is not None else None

    def start(self) -> None:
        """Start the embedded server and make the application's own database if it is not there."""
        self.server.start()
        with self._workspace.lock("provision"):
            ensure_state_database(self.server)
            if self._state is not None:
                self._state.ensure_login()

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
        if self._state is not None:
            return self._state.dsn
        return self.server.dsn(user=APP_ROLE, database=STATE_DATABASE)

    def admin_dsn(self, database: str = STATE_DATABASE) -> str:
        """Connection string of the owner of ``database``; for migrations and provisioning alone.

        Raises:
            ProjectError: no such PostgreSQL database is declared, or ``env:NAME`` is not set.
        """
        if database == STATE_DATABASE and self._state is not None:
            return self._state.admin_dsn
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

        A database that cannot be provisioned does not keep the others from it.

        Raises:
            ProjectError: a file, table, column or row filter does not fit; that database is left as it was.
            DatabaseUnavailable: a server does not answer.
        """
        statements: list[str] = []
        faults: list[AllotmentError] = []
        with self._workspace.lock("provision", timeout_s=600):
            for provision in self._provisions(dry_run, reload):
                try:
                    statements += provision()
                except AllotmentError as error:
                    faults.append(error)
        if faults:
            raise _together(faults)
        return statements

    def _provisions(self, dry_run: bool, reload: bool) -> list[Callable[[], list[str]]]:
        backends = [partial(backend.provision, dry_run=dry_run, reload=reload) for backend in self._backends.values()]
        return [*backends, partial(self.sections.provision, dry_run=dry_run)]

    def check(self) -> list[Difference]:
        """Where the live databases are not as declared; empty when all is well.

        Raises:
            DatabaseUnavailable: a database does not answer, so nothing is known of it.
        """
        declared = [difference for backend in self._backends.values() for difference in backend.check()]
        return [*declared, *self.sections.check()]

    @contextmanager
    def watched(self) -> Iterator[Watch]:
        """Check now and on a timer while the body runs; accounts that are not as declared are refused meanwhile."""
        watch = Watch(self._closed, self._project.database_limits.check_every_s, revive=self.server.revive)
        with watch:
            self._watch = watch
            try:
                yield watch
            finally:
                self._watch = None

    def _closed(self) -> Reasons:
        found: dict[str, list[str]] = {}
        for name, backend in self._backends.items():
            accounts = [account for account, config in self._project.accounts.items() if config.database == name]
            try:
                differences = backend.check()
            except AllotmentError as error:
                found.update({account: [f"it could not be checked ({error})"] for account in accounts})
                continue
            for difference in filter(attrgetter("refuses"), differences):
                for account in accounts if difference.account is None else [difference.account]:
                    found.setdefault(account, []).append(str(difference))
        return found

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

    def query(self, grant: Grant, sql: str, *, max_rows: int | None = None) -> QueryResult:
        """Run one SELECT of the granted agent on its own account.

        ``max_rows`` is the most rows of the answer; none takes what ``database_limits`` declares.

        Raises:
            NotGranted: no grant, or one that names no account or another agent's.
            SqlRefused: the statement may not run, or took too long; the message says what it may use.
            LimitReached: too many questions at once, or the user's database time of this minute is spent.
            DatabaseUnavailable: the database does not answer, or the account is not as declared.
        """
        login = self._login(grant)
        gated = check_sql(sql, self._project.accounts[login.account])
        rows = self._project.database_limits.rows if max_rows is None else max_rows
        return self._backend(login).query(login, gated, max_rows=rows)

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
        if self._watch is not None:
            self._watch.require(request.account)
        return Login(request.account, grant.decision.principal)


def _together(faults: list[AllotmentError]) -> AllotmentError:
    """Several faults as one error, which is a missing part only if all are."""
    if len(faults) == 1:
        return faults[0]
    kind = MissingPartError if all(isinstance(fault, MissingPartError) for fault in faults) else ProjectError
    return kind(" ".join(str(fault) for fault in faults))
