"""The search of a project's sections: it takes a grant, and works on the granted agent's own search account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import Connection, IsolationLevel

from allotment.access import Grant, require_grant
from allotment.cancellation import current
from allotment.databases._difference import Difference
from allotment.databases.postgres._connect import connect
from allotment.databases.postgres._provision import lets_in
from allotment.databases.postgres._server import EmbeddedServer, account_dsn, account_password
from allotment.databases.postgres._watchdog import WATCHDOG
from allotment.databases.sections._fence import account_of, fence_differences, provision_fence
from allotment.databases.sections._hit import Hit, best_sentence
from allotment.databases.sections._last_read import LastRead
from allotment.databases.sections._rank import Ranked, ReaderSet, rank, visible_sets
from allotment.databases.sections._schema import DATABASE, ensure_tables, is_there, open_database
from allotment.databases.sections._sync import SyncReport, synchronise, vector_text
from allotment.documents import iterate_sections
from allotment.errors import DatabaseUnavailable, IntegrityError, MissingPartError, NotGranted
from allotment.project import Project
from allotment.workspace import Workspace

if TYPE_CHECKING:
    from allotment.dataset import Embedder

Rows = Mapping[int, tuple[str, str, str, str, str]]
"""Key → id, document, heading, body, readers."""

_SEARCH_S = 30.0
"""Longest a search may take in the database."""

_SECTIONS = "SELECT key, id, document, heading, body, readers FROM public.section WHERE key = ANY (%s)"

_SETS = "SELECT DISTINCT readers, digest FROM public.reader_set"


class SectionSearch:
    """Sections of the last ingest behind row policies. Thread-safe; a connection lives for one search."""

    def __init__(
        self, project: Project, workspace: Workspace, server: EmbeddedServer, embedder: Embedder | None = None
    ) -> None:
        """``server`` runs; ``embedder`` makes vectors, none leaves it to full text."""
        self._project = project
        self._workspace = workspace
        self._server = server
        self._embedder = embedder
        self._read = LastRead(project, workspace, embedder.name if embedder else None)

    def sync(self) -> SyncReport:
        """Bring accounts, policies and tables to what the project says and the last ingest read.

        A sync that is killed leaves the whole state from before.

        Raises:
            ProjectError: nothing was ingested yet, or a name is taken.
            IntegrityError: the ingest's files, or the database afterwards, are not what they should be.
            DatabaseUnavailable: the server does not answer.
            EngineError: the embedding model does not answer.
        """
        with self._workspace.lock("sections", timeout_s=600), self._workspace.lock("documents", timeout_s=600):
            digests = self._read.digests
            try:
                ensure_tables(self._server)
                self._provision(dry_run=False)
                with open_database(self._server) as admin:
                    return synchronise(admin, iterate_sections(self._workspace), digests, self._embedder)
            except psycopg.Error as error:
                raise DatabaseUnavailable(
                    f"cannot be brought up to date ({error.diag.message_primary or 'the connection was lost'}).",
                    element=DATABASE,
                    remedy="Nothing was changed. Try again.",
                ) from error

    def refresh(self) -> bool:
        """Sync if something was ingested that the tables do not show yet; returns whether there was.

        Errors as ``sync``; nothing ingested at all is none.
        """
        if not self._workspace.documents_file.exists() or self._shows_all():
            return False
        self.sync()
        return True

    def _shows_all(self) -> bool:
        if not is_there(self._server):
            return False
        with open_database(self._server) as admin:
            return dict(admin.execute(_SETS).fetchall()) == self._read.digests

    def provision(self, *, dry_run: bool) -> list[str]:
        """Bring accounts, grants and policies to what the project says; returns the statements.

        None where all is so, and where nothing was searched yet: the first search makes them.

        Raises:
            ProjectError: the name of an account is taken.
            IntegrityError: the database is not as declared afterwards; nothing was changed.
        """
        return self._provision(dry_run=dry_run) if is_there(self._server) else []

    def _provision(self, *, dry_run: bool) -> list[str]:
        with open_database(self._server) as admin:
            passwords = partial(account_password, self._server)
            return provision_fence(admin, self._project, passwords, self._locked_out(), dry_run=dry_run)

    def check(self) -> list[Difference]:
        """Where accounts, grants and policies are not as the project says; empty where nothing was searched yet."""
        if not is_there(self._server):
            return []
        with open_database(self._server) as admin:
            found = fence_differences(admin, self._project)
        for account in self._locked_out():
            found.append(Difference(f"{account}: login", "the project's password", "refused", ""))
        return found

    def search(self, grant: Grant, question: str, *, limit: int = 5) -> list[Hit]:
        """The sections that fit a question best, among those all roles of the granted agent may read; best first.

        Tables that are not what was read are brought there first. A document that was changed, removed or relabelled
        since it was read is left out, so there may be fewer than ``limit``.

        Args:
            grant: names the agent, and is for a search.
            question: anybody's words; they are only words.
            limit: how many, from 1 to 50.

        Raises:
            NotGranted: no grant, or one for something else.
            IntegrityError: the database shows what it must not; nothing is returned.
        Other errors as ``sync``.
        """
        agent = self._agent(grant)
        vector = self._vector(question)
        limit = max(1, min(limit, 50))
        found = self._found(agent, question, vector, limit)
        if found is None:
            self.sync()
            found = self._found(agent, question, vector, limit)
        if found is None:
            raise IntegrityError(
                "do not show what was read of the documents.",
                element=f"sections of {agent}",
                remedy="Run `allotment documents ingest`, then `allotment database check`.",
            )
        ranked, rows = found
        self._require_readable(agent, grant.decision.principal.role, rows)
        current = self._read.current({row[1] for row in rows.values()}, grant.decision.principal.role)
        return [_hit(item, rows[item.key], question) for item in ranked if rows[item.key][1] in current]

    def embed(self, grant: Grant, texts: Sequence[str]) -> tuple[tuple[float, ...], ...]:
        """One vector of length 1 for each text, by the model that makes those of the search.

        Args:
            grant: names the agent, and is for a search.
            texts: anybody's words.

        Raises:
            NotGranted: no grant, or one for something else.
            MissingPartError: ``dataset.embeddings`` names no model, or the model does not answer.
        """
        self._agent(grant)
        if self._embedder is None:
            raise MissingPartError("there is no embedding model.", element="dataset.embeddings")
        return tuple(tuple(map(float, row)) for row in self._embedder.embed(texts))

    def _agent(self, grant: Grant) -> str:
        if type(grant) is not Grant:
            raise NotGranted("a search needs a grant.", remedy="Call allotment.audit.authorize first.")
        agent = grant.decision.request.agent
        declared = self._project.agents.get(agent)
        if declared is None or grant.decision.principal.role not in declared.roles:
            raise NotGranted("the grant names no agent that serves this role.", element=agent)
        require_grant(grant, agent=agent, search=True)
        return agent

    def _found(self, agent: str, question: str, vector: str | None, limit: int) -> tuple[list[Ranked], Rows] | None:
        """None where the tables are not there or not as they should be."""
        try:
            reader = self._reader(agent)
        except DatabaseUnavailable:
            return None
        with reader, WATCHDOG.over(reader, _SEARCH_S):
            try:
                visible = visible_sets(reader)
                if _shown(visible) != self._read.visible_to(agent):
                    return None
                ranked = rank(reader, visible, question, vector, limit=limit)
                rows = reader.execute(_SECTIONS, [[item.key for item in ranked]]).fetchall()
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
                return None
            except psycopg.Error as error:
                current().require()
                raise DatabaseUnavailable(
                    f"the search failed (error {error.sqlstate or 'in the connection'}).",
                    element=account_of(agent),
                    remedy="Try again; `allotment database check` tells more.",
                ) from None
        return ranked, {key: tuple(rest) for key, *rest in rows}

    def _reader(self, agent: str) -> Connection[tuple[Any, ...]]:
        account = account_of(agent)
        reader = connect(account_dsn(self._server, account, DATABASE), element=account)
        reader.read_only = True
        reader.isolation_level = IsolationLevel.REPEATABLE_READ
        return reader

    def _require_readable(self, agent: str, role: str, rows: Rows) -> None:
        """The policies' promise again, on what came back."""
        needed = {role, *self._project.agents[agent].roles}
        for *_, readers in rows.values():
            if not needed <= set(readers.split("/")):
                raise IntegrityError(
                    "shows a section that a role of its agent may not read.",
                    element=account_of(agent),
                    remedy="Run `allotment database check`: it names the policy that was changed.",
                )

    def _vector(self, question: str) -> str | None:
        return vector_text(self._embedder.embed([question])[0].tolist()) if self._embedder else None

    def _locked_out(self) -> list[str]:
        accounts = [account_of(agent) for agent in sorted(self._project.agents)]
        return [name for name in accounts if not lets_in(account_dsn(self._server, name, DATABASE))]


def _shown(visible: list[ReaderSet]) -> dict[str, str]:
    return {item.readers: item.digest for item in visible}


def _hit(item: Ranked, row: tuple[str, str, str, str, str], question: str) -> Hit:
    section_id, document, heading, body, _ = row
    return Hit(
        section_id, document, heading, best_sentence(body, question), round(item.score, 4), round(item.coverage, 4)
    )
