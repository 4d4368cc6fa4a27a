"""A SQLite or DuckDB file behind the agents: each account reads a copy of its own that holds nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from allotment.databases._backend import Login
from allotment.databases._bounds import Bounds
from allotment.databases._card import SchemaCard
from allotment.databases._difference import Difference
from allotment.databases._result import QueryResult
from allotment.databases.files._engine import Copied, engine_for, kind_of
from allotment.databases.files._manifest import Kind, Manifest
from allotment.databases.files._rules import account_rules
from allotment.databases.files._store import CopyStore
from allotment.databases.gate import GatedSql
from allotment.errors import DatabaseUnavailable
from allotment.project import Project
from allotment.workspace import Workspace, hash_file_once, hash_text


class FileBackend:
    """One declared file. It is read with the owner's rights when copies are made, and never by a query."""

    def __init__(self, project: Project, workspace: Workspace, database: str, bounds: Bounds) -> None:
        """Raises ``ProjectError`` where a copy could not keep what is declared."""
        declared = project.databases[database].file
        assert declared is not None  # what a backend is chosen by
        self._database = database
        self._bounds = bounds
        self._source = project.root / declared
        self._name = declared.as_posix()
        self._accounts = {name: project.accounts[name].tables for name in account_rules(project, database)}
        self._rules = account_rules(project, database)
        self._store = CopyStore(workspace.home / "copies" / database)

    def provision(self, *, dry_run: bool, reload: bool) -> list[str]:
        """Make the copies that are not as declared or older than their source; returns the statements that made them.

        ``reload`` makes all of them. What belongs to no copy is removed from their folder.
        """
        kind = kind_of(self._source, element=f"databases.{self._database}.file")
        state = self._source_state()
        done: list[str] = []
        for account in self._rules:
            if reload or self._examined(account, state)[1]:
                done.append(f"-- a copy of {self._name} for {account}")
                done += self._copied(account, kind, state, dry_run=dry_run).statements
        for name in self._store.strangers(frozenset(self._rules)):
            done.append(f"-- remove {name}, which belongs to no account of {self._database}")
            if not dry_run:
                self._store.remove(name)
        return done

    def check(self) -> list[Difference]:
        """Where the copies are not as declared, were altered, or are older than their source."""
        state = self._source_state()
        found = [difference for account in self._rules for difference in self._examined(account, state)[1]]
        strangers = self._store.strangers(frozenset(self._rules))
        return found + [
            Difference(f"{self._database}: copies", "nothing else", name, "", refuses=False) for name in strangers
        ]

    def describe(self, login: Login) -> SchemaCard:
        """What the account's copy holds."""
        manifest = self._sound(login.account)
        copy = self._store.path(manifest)
        return engine_for(manifest.kind).describe(copy, manifest, self._rules[login.account])

    def query(self, login: Login, gated: GatedSql, *, max_rows: int) -> QueryResult:
        """Run a statement that passed the gate on the account's copy."""
        manifest = self._sound(login.account)
        copy, rules = self._store.path(manifest), self._rules[login.account]
        budget, user = self._bounds.budget, login.principal.user
        budget.require(user)
        with budget.charged(user):
            run = engine_for(manifest.kind).query
            return run(copy, rules, gated, max_rows=max_rows, limits=self._bounds.limits)

    def _sound(self, account: str) -> Manifest:
        """The seal of a copy that may be read: one made for this declaration, unaltered, of a source that is there."""
        manifest, found = self._examined(account, self._source_state())
        refusing = [item for item in found if item.refuses]
        if manifest is not None and not refusing:
            return manifest
        first = refusing[0]
        raise DatabaseUnavailable(
            f"the copy may not be read: expected {first.expected}, found {first.found}.",
            element=first.element,
            remedy="Run `allotment database provision`.",
        )

    def _examined(self, account: str, state: str | None) -> tuple[Manifest | None, list[Difference]]:
        """An account's seal, and where its copy is not as it should be; ``state`` is the source's."""
        manifest = self._store.manifest(account)
        found = self._store.differences(account, manifest, self._name, self._accounts[account])
        if state is None:
            found.append(Difference(f"{account}: source", self._name, "no such file", ""))
        elif manifest is not None and manifest.source_sha256 != state:
            made = f"a copy of {manifest.made_at:%Y-%m-%d %H:%M} UTC"
            found.append(Difference(f"{account}: source", f"{self._name} as it is now", made, "", refuses=False))
        return manifest, found

    def _source_state(self) -> str | None:
        """Hash of the source with what is written but not yet moved into it; none if it cannot be read."""
        logs = [Path(f"{self._source}{tail}") for tail in ("-wal", ".wal")]
        parts = [self._source, *(log for log in logs if log.exists() and log.stat().st_size)]
        hashes = [hash_file_once(part) for part in parts]
        return None if hashes[0] is None else hash_text(" ".join(str(item) for item in hashes))

    def _copied(self, account: str, kind: Kind, state: str | None, *, dry_run: bool) -> Copied:
        engine, rules = engine_for(kind), self._rules[account]
        if dry_run:
            return engine.copy(self._source, None, rules)
        # Known before it is read: a source that changes meanwhile shows as changed, never as unchanged.
        began = datetime.now(UTC)
        with self._store.making() as target:
            copied = engine.copy(self._source, target, rules)
            unsealed = Manifest(
                kind=kind,
                source=self._name,
                source_sha256=state or "",
                copy_file="",
                copy_sha256="",
                made_at=began,
                declared=self._accounts[account],
                tables=copied.tables,
                keys=copied.keys,
            )
            self._store.keep(account, target, unsealed)
        return copied
