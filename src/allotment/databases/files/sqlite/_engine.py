"""SQLite as one kind of file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from allotment.databases._card import SchemaCard
from allotment.databases._declared import Rule
from allotment.databases._result import QueryResult
from allotment.databases.files._engine import Copied, Engine
from allotment.databases.files._manifest import Manifest
from allotment.databases.files.sqlite._copy import copy
from allotment.databases.files.sqlite._describe import describe
from allotment.databases.files.sqlite._query import run_query
from allotment.databases.gate import GatedSql


class SqliteEngine:
    """Copies and queries through Python's own driver."""

    def plan(self, source: Path, rules: Sequence[Rule]) -> Copied:
        """What a copy would hold."""
        return copy(source, None, rules)

    def make(self, source: Path, target: Path, rules: Sequence[Rule]) -> Copied:
        """Write a copy."""
        return copy(source, target, rules)

    def describe(self, copy: Path, manifest: Manifest, rules: Sequence[Rule]) -> SchemaCard:
        """What the copy holds."""
        return describe(copy, manifest, rules)

    def query(
        self, copy: Path, rules: Sequence[Rule], gated: GatedSql, *, max_rows: int, timeout_s: float
    ) -> QueryResult:
        """Run a gated statement."""
        return run_query(copy, rules, gated, max_rows=max_rows, timeout_s=timeout_s)


ENGINE: Engine = SqliteEngine()
