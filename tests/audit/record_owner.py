"""What tests of the record do as its writer and as the owner of its database."""

from __future__ import annotations

import psycopg

from allotment.audit import AuditLog

KEY = "a key the database does not hold"


def write(log: AuditLog, count: int) -> None:
    """Append ``count`` events."""
    for number in range(1, count + 1):
        log.append({"number": number})


def as_owner(admin_dsn: str, *statements: str) -> None:
    """Run statements in one transaction as the owner."""
    with psycopg.connect(admin_dsn) as admin:
        for statement in statements:
            admin.execute(statement.encode())
