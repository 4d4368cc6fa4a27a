"""The one protocol every kind of database stands behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from allotment.access import Principal
from allotment.databases._card import SchemaCard
from allotment.databases._difference import Difference
from allotment.databases._result import QueryResult
from allotment.databases.gate import GatedSql


@dataclass(frozen=True)
class Login:
    """An account and the one it works for; made from a grant alone."""

    account: str
    principal: Principal


class Backend(Protocol):
    """One declared database. Every method raises ``DatabaseUnavailable`` when it does not answer."""

    def provision(self, *, dry_run: bool, reload: bool) -> list[str]:
        """Bring it to what is declared; returns the statements (or what was done instead of them)."""

    def check(self) -> list[Difference]:
        """Where it is not as declared; empty when all is well."""

    def describe(self, login: Login) -> SchemaCard:
        """What the account sees, sample values from rows it may read for this principal."""

    def query(self, login: Login, gated: GatedSql, *, max_rows: int) -> QueryResult:
        """Run a statement that passed the gate.

        Raises:
            SqlRefused: it may not, took too long, or cannot be computed.
        """
