"""What every account of a database can reach, in two queries however many relations there are.

A right comes from a grant to the account, to a role it is a member of or to PUBLIC, from owning the relation, or from
a predefined role that reads or writes everything. Those relations are found by set; PostgreSQL's own functions then
say what the account can really do with each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import Connection

from allotment.databases._declared import Table
from allotment.databases.postgres._relations import is_invoker


class Policy(NamedTuple):
    """A row policy that applies to the account."""

    name: str
    permissive: bool
    command: str
    """``r`` for SELECT, ``*`` for all."""
    for_all: bool
    """Whether it applies to everybody."""
    condition: str
    """MD5 of the condition as PostgreSQL prints it."""
    seal: str
    """Its comment."""


@dataclass(frozen=True)
class Reached:
    """A relation that is declared for an account, or on which it has a right."""

    table: Table
    kind: str
    """As in ``pg_class.relkind``."""
    row_security: bool
    is_invoker: bool
    """Whether it is a view that reads with the rights of whoever asks."""
    columns: frozenset[str]
    """Columns it may read."""
    rights: tuple[str, ...]
    """Rights besides SELECT on columns; SELECT where it holds for the whole table, ``sequence`` on a sequence."""
    policies: tuple[Policy, ...]


_REACHED = """WITH account AS (SELECT oid, rolname FROM pg_roles WHERE rolname::text = ANY (%(accounts)s)),
  member AS (SELECT a.oid AS account, r.oid AS role FROM account a, pg_roles r WHERE pg_has_role(a.oid, r.oid, 'MEMBER')
    UNION ALL SELECT oid, 0 FROM account),
  relation AS (SELECT c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relowner, c.relacl, c.reloptions
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r','p','v','m','f','S')),
  held AS (SELECT r.oid, x.grantee FROM relation r, aclexplode(r.relacl) x
    UNION SELECT a.attrelid, x.grantee FROM pg_attribute a, aclexplode(a.attacl) x WHERE a.attacl IS NOT NULL
    UNION SELECT oid, relowner FROM relation),
  pair AS (SELECT m.account, h.oid FROM held h JOIN member m ON m.role = h.grantee
    UNION SELECT a.oid, r.oid FROM account a, relation r
      WHERE pg_has_role(a.oid, 'pg_read_all_data', 'MEMBER') OR pg_has_role(a.oid, 'pg_write_all_data', 'MEMBER')
    UNION SELECT a.oid, r.oid
      FROM unnest(%(of)s::text[], %(schemas)s::text[], %(names)s::text[]) d(of, nspname, relname)
      JOIN account a ON a.rolname = d.of JOIN relation r ON r.nspname = d.nspname AND r.relname = d.relname)
SELECT a.rolname::text, r.oid, r.nspname::text, r.relname::text, r.relkind::text, r.relrowsecurity,
  coalesce(r.reloptions, '{}')::text[],
  CASE r.relkind WHEN 'S' THEN '{}' ELSE ARRAY(SELECT t.attname::text FROM pg_attribute t WHERE t.attrelid = r.oid
    AND t.attnum > 0 AND NOT t.attisdropped AND has_column_privilege(a.oid, r.oid, t.attnum, 'SELECT')) END,
  CASE r.relkind WHEN 'S' THEN ARRAY(SELECT 'sequence' WHERE has_sequence_privilege(a.oid, r.oid, 'USAGE,SELECT'))
  ELSE ARRAY(SELECT k FROM unnest(ARRAY['INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER','SELECT']) k
    WHERE has_table_privilege(a.oid, r.oid, k)
      OR (k IN ('INSERT','UPDATE','REFERENCES') AND has_any_column_privilege(a.oid, r.oid, k))) END
FROM pair p JOIN account a ON a.oid = p.account JOIN relation r ON r.oid = p.oid ORDER BY 1, 3, 4"""

_POLICIES = """SELECT r.rolname::text, p.polrelid, p.polname::text, p.polpermissive, p.polcmd::text,
    0 = ANY (p.polroles), coalesce(md5(pg_get_expr(p.polqual, p.polrelid)), ''),
    coalesce(obj_description(p.oid, 'pg_policy'), '')
  FROM pg_policy p JOIN pg_roles r ON 0 = ANY (p.polroles) OR r.oid = ANY (p.polroles)
  WHERE r.rolname::text = ANY (%(accounts)s) ORDER BY 1, 2, 3"""


def reached(admin: Connection[tuple[Any, ...]], declared: Mapping[str, Set[Table]]) -> dict[str, list[Reached]]:
    """Account → every relation declared for it or within its reach, by name; ``declared`` names all accounts."""
    pairs = [(account, table) for account, tables in declared.items() for table in tables]
    arguments = {
        "accounts": list(declared),
        "of": [account for account, _ in pairs],
        "schemas": [table.schema for _, table in pairs],
        "names": [table.name for _, table in pairs],
    }
    policies: dict[tuple[str, int], list[Policy]] = defaultdict(list)
    for account, oid, *policy in admin.execute(_POLICIES, arguments).fetchall():
        policies[account, oid].append(Policy(*policy))
    found: dict[str, list[Reached]] = {account: [] for account in declared}
    for account, oid, schema, name, kind, secured, options, columns, rights in admin.execute(
        _REACHED, arguments
    ).fetchall():
        of_account = tuple(policies[account, oid])
        table = Table(schema, name)
        found[account].append(
            Reached(table, kind, secured, is_invoker(options), frozenset(columns), tuple(rights), of_account)
        )
    return found
