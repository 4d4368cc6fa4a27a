"""Counting of wrong logins by the client's address, so that one address cannot try many names."""

from __future__ import annotations

import ipaddress

from allotment.gateway.storage._database import Database

MAX_NAMES = 20
PAUSE_MIN = 10

# The try is written before the password is looked at; a right one turns it into a pass. A paused address adds nothing.
_TRY = f"""
WITH seen AS (
    SELECT count(*) FILTER (WHERE name <> %(name)s AND failed_at > now() - interval '{PAUSE_MIN} min') AS others,
           coalesce(bool_or(name = %(name)s AND passed_at > now() - interval '90 days'), false) AS known
    FROM gateway.login_addresses WHERE address = %(address)s
), tried AS (
    INSERT INTO gateway.login_addresses (address, name, failed_at)
    SELECT %(address)s, %(name)s, now() FROM seen WHERE others < {MAX_NAMES} OR known
    ON CONFLICT (address, name) DO UPDATE SET failed_at = now() RETURNING 1
)
SELECT count(*) FROM tried
"""  # noqa: S608 - constants only

_PASSED = """
UPDATE gateway.login_addresses SET failed_at = NULL, passed_at = now() WHERE address = %(address)s AND name = %(name)s
"""

_FORGET = """
DELETE FROM gateway.login_addresses
WHERE (passed_at IS NULL AND failed_at < now() - interval '1 hour') OR passed_at < now() - interval '90 days'
"""

_PAUSED_FOR = f"""
SELECT ceil(extract(epoch FROM failed_at + interval '{PAUSE_MIN} min' - now()))::int FROM gateway.login_addresses a
WHERE address = %(address)s AND name <> %(name)s AND failed_at > now() - interval '{PAUSE_MIN} min'
  AND NOT EXISTS (
    SELECT FROM gateway.login_addresses WHERE address = %(address)s AND name = %(name)s
      AND passed_at > now() - interval '90 days'
  )
ORDER BY failed_at DESC OFFSET {MAX_NAMES - 1} LIMIT 1
"""  # noqa: S608 - constants only


class LoginAddresses:
    """An address that failed with ``MAX_NAMES`` names in ``PAUSE_MIN`` minutes may only try names that got in before.

    Whoever logged in from there in the last 90 days still may, so that one person in an office locks nobody else out,
    and no other address is touched.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def may_try(self, address: str | None, name: str) -> bool:
        """Count a try; returns whether the password may be looked at. An unknown address is not counted."""
        counted = counted_address(address)
        if counted is None:
            return True
        self._database.run(_FORGET)
        row = self._database.row(_TRY, {"address": counted, "name": name})
        return row is not None and int(row[0]) == 1

    def passed(self, address: str | None, name: str) -> None:
        """The password was right."""
        counted = counted_address(address)
        if counted is not None:
            self._database.run(_PASSED, {"address": counted, "name": name})

    def paused_for(self, address: str | None, name: str) -> int:
        """Seconds until ``name`` may be tried from there again; 0 if it may now."""
        counted = counted_address(address)
        row = self._database.row(_PAUSED_FOR, {"address": counted, "name": name}) if counted is not None else None
        return max(int(row[0]), 0) if row else 0


def counted_address(address: str | None) -> str | None:
    """What is counted: an IPv4 address, or the /64 network an IPv6 address lies in, which one customer has whole."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
