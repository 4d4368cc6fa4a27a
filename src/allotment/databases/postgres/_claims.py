"""What is known of the user who asks, in a form the account's SQL can neither forge nor use again.

The application signs the claims with a key the account cannot read, for one transaction of one backend: account,
backend number and the transaction's start are in the signed text. The token lies in the setting ``allotment.claims``,
which the account may overwrite as it likes: ``allotment.claim()``, which the row policies call, gives a value only for
a token that is signed and was made for this very transaction. Everything else gives null, and null equals no row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql

from allotment.access import ClaimValue
from allotment.databases._declared import SCHEMA, Sql

LIFE_S = 60
"""Seconds after its transaction began in which a token counts."""

_TABLE = """CREATE TABLE IF NOT EXISTS {schema}.claim_key (
  account name PRIMARY KEY, inner_key bytea NOT NULL, outer_key bytea NOT NULL)"""

_FUNCTION = """
DECLARE
  token text := pg_catalog.current_setting('allotment.claims', true);
  body text := pg_catalog.split_part(token, '.', 1);
  signed boolean;
  told pg_catalog.jsonb;
BEGIN
  SELECT pg_catalog.encode(pg_catalog.sha256(k.outer_key || pg_catalog.sha256(
           k.inner_key || pg_catalog.convert_to(body, 'UTF8'))), 'hex') = pg_catalog.split_part(token, '.', 2)
    INTO signed FROM allotment.claim_key k WHERE k.account = session_user;
  IF signed IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  told := pg_catalog.convert_from(pg_catalog.decode(body, 'base64'), 'UTF8')::pg_catalog.jsonb;
  IF told ->> 'account' = session_user::text
     AND (told ->> 'backend')::integer = pg_catalog.pg_backend_pid()
     AND (told ->> 'transaction')::bigint
         = (EXTRACT(epoch FROM pg_catalog.transaction_timestamp()) * 1000000)::bigint
     AND pg_catalog.clock_timestamp() < pg_catalog.transaction_timestamp() + interval '{life} s' THEN
    RETURN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(told -> 'claims' -> claim));
  END IF;
  RETURN NULL;
END
"""

_CREATE = """CREATE OR REPLACE FUNCTION {schema}.claim(claim text) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS {body}"""

_MOMENT = "SELECT (EXTRACT(epoch FROM transaction_timestamp()) * 1000000)::bigint"


def keys_of(secret: str) -> tuple[bytes, bytes]:
    """The two keys of HMAC-SHA256 (RFC 2104) for a project's secret: inner and outer, one block each."""
    block = hashlib.sha256(secret.encode()).digest().ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def function_body() -> str:
    """The source of ``allotment.claim``, as the catalog keeps it."""
    return _FUNCTION.replace("{life}", str(LIFE_S))


def claim_statements(secrets: Mapping[str, str]) -> list[tuple[Sql, tuple[str, ...]]]:
    """Key table, function and the accounts' keys; each with the parts that must not be shown.

    ``secrets`` has the accounts that claims are for; the keys of others are removed.
    """
    schema = sql.Identifier(SCHEMA)
    listed = sql.SQL(", ").join(sql.Literal(account) for account in sorted(secrets))
    found: list[tuple[Sql, tuple[str, ...]]] = [
        (sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema), ()),
        (sql.SQL("REVOKE ALL ON SCHEMA {} FROM PUBLIC").format(schema), ()),
        (sql.SQL(_TABLE).format(schema=schema), ()),
        (sql.SQL("REVOKE ALL ON {}.claim_key FROM PUBLIC").format(schema), ()),
        (sql.SQL(_CREATE).format(schema=schema, body=sql.Literal(function_body())), ()),
        (sql.SQL("REVOKE ALL ON FUNCTION {}.claim(text) FROM PUBLIC").format(schema), ()),
        (sql.SQL("DELETE FROM {}.claim_key WHERE account <> ALL (ARRAY[{}]::name[])").format(schema, listed), ()),
    ]
    for account, secret in sorted(secrets.items()):
        keys = [sql.Literal("\\x" + key.hex()) for key in keys_of(secret)]
        put = sql.SQL(
            "INSERT INTO {}.claim_key VALUES ({}, {}, {}) ON CONFLICT (account)"
            " DO UPDATE SET inner_key = excluded.inner_key, outer_key = excluded.outer_key"
        ).format(schema, sql.Literal(account), *keys)
        found.append((put, tuple(key.as_string() for key in keys)))
        grant = sql.SQL("GRANT EXECUTE ON FUNCTION {}.claim(text) TO {}").format(schema, sql.Identifier(account))
        found.append((grant, ()))
    return found


def tell_claims(
    connection: Connection[tuple[Any, ...]],
    account: str,
    secret: str,
    claims: Mapping[str, tuple[ClaimValue, ...]],
) -> None:
    """Let the transaction that is open (or begins with this) know whom it works for; it ends with the transaction.

    Args:
        connection: the account's own.
        account: its login.
        secret: the project's, which ``claim_statements`` made the database's key from.
        claims: name → values.
    """
    row = connection.execute(_MOMENT).fetchone()
    told = {
        "account": account,
        "backend": connection.info.backend_pid,
        "transaction": row[0] if row else None,
        "claims": {name: [_text(value) for value in values] for name, values in claims.items()},
    }
    body = base64.b64encode(json.dumps(told, ensure_ascii=False).encode()).decode()
    key = hashlib.sha256(secret.encode()).digest()
    token = f"{body}.{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}"
    connection.execute(sql.SQL("SET LOCAL allotment.claims = {}").format(sql.Literal(token)))


def _text(value: ClaimValue) -> str:
    """A claim's value as PostgreSQL writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
