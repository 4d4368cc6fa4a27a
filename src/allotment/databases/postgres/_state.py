"""The application's own state on the user's own server: its login, and nobody else's way in."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from allotment.databases._declared import APP_ROLE
from allotment.databases.postgres._connect import connect
from allotment.databases.postgres._provision import lets_in, require_version
from allotment.databases.postgres._statements import ROLE_COMMENT, scram_verifier
from allotment.databases.postgres._url import resolve_url
from allotment.errors import DatabaseUnavailable, ProjectError
from allotment.workspace import Workspace

_ELEMENT = "state.url"


class ExternalState:
    """The database ``state.url`` names; projects that share it share users, sessions, limits and the audit record."""

    def __init__(self, url: str, workspace: Workspace) -> None:
        self._url = url
        self._workspace = workspace

    @property
    def admin_dsn(self) -> str:
        """Connection string of its owner.

        Raises:
            ProjectError: ``env:NAME`` is not set.
        """
        return resolve_url(self._url, _ELEMENT)

    @property
    def dsn(self) -> str:
        """Connection string of the application's own login."""
        return make_conninfo(self.admin_dsn, user=APP_ROLE, password=self._workspace.secret(f"postgres-{APP_ROLE}"))

    def ensure_login(self) -> None:
        """Make the application's login if it is not there.

        Raises:
            ProjectError: it is there with another password, is too mighty, or the server is too old.
            DatabaseUnavailable: the server does not answer.
        """
        with connect(self.admin_dsn, element=_ELEMENT) as admin:
            require_version(admin.info.server_version, _ELEMENT)
            # Two gateways that start together must not both make it.
            admin.execute("SELECT pg_advisory_xact_lock(hashtext('allotment state login'))")
            row = admin.execute(
                "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb, rolcanlogin FROM pg_roles"
                " WHERE rolname = %s",
                [APP_ROLE],
            ).fetchone()
            try:
                self._make(admin, there=row is not None)
            except psycopg.Error as error:
                raise DatabaseUnavailable(
                    f"the login {APP_ROLE} cannot be made there ({error.diag.message_primary or error}).",
                    element=_ELEMENT,
                    remedy="The URL's login needs CREATEROLE and must own the database.",
                ) from error
        if row is not None and row[0]:
            raise ProjectError(
                f"the role {APP_ROLE} may do more than it should there.",
                element=_ELEMENT,
                remedy=f"ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;",
            )
        if not lets_in(self.dsn):
            raise ProjectError(
                f"the role {APP_ROLE} is there with another password than this project's.",
                element=_ELEMENT,
                remedy="Copy .allotment/secrets of the gateway that made it; those that share it share its keys.",
            )

    def _make(self, admin: psycopg.Connection[tuple[object, ...]], *, there: bool) -> None:
        role = sql.Identifier(APP_ROLE)
        if not there:
            verifier = scram_verifier(admin, APP_ROLE, self._workspace.secret(f"postgres-{APP_ROLE}"))
            attributes = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}")
            admin.execute(attributes.format(role, sql.Literal(verifier)))
            admin.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(ROLE_COMMENT)))
        database = sql.Identifier(str(admin.info.dbname))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
