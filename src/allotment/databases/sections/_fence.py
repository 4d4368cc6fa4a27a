"""A search account for each agent, and what keeps it from a section that one of the agent's roles may not read.

Accounts, grants and policies are made and compared by the same code as those of the declared databases; what is added
here: a second restrictive policy, in literals on every table, and one function of ``vector``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import Rule, Sql, Table
from allotment.databases._difference import Difference
from allotment.databases.postgres._check import differences
from allotment.databases.postgres._provision import check_server
from allotment.databases.postgres._relations import find_relations
from allotment.databases.postgres._statements import ROLE_COMMENT, Secrets, statements_for
from allotment.databases.sections._schema import DATABASE
from allotment.errors import IntegrityError, ProjectError
from allotment.project import Project, TableGrant

COLUMNS = {
    "section": ("key", "id", "document", "heading", "body", "configuration", "readers", "embedding"),
    "posting": ("readers", "word", "section", "frequency", "words"),
    "reader_set": ("readers", "configuration", "sections", "words", "digest"),
}
"""Table → columns that search accounts may read."""
_DISTANCE = "vector.cosine_distance(vector.vector,vector.vector)"
_PREFIX = "search_"

_OF_VISIBLE_SETS = sql.SQL("readers = ANY (ARRAY(SELECT visible.readers FROM public.reader_set AS visible))")

_FENCES = """SELECT r.rolname::text, c.relname::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_roles r ON p.polroles = ARRAY[r.oid] AND p.polname::text = 'fence_' || r.rolname
    JOIN pg_policy s ON s.polrelid = 'public.reader_set'::regclass AND NOT s.polpermissive AND s.polroles = p.polroles
      AND s.polname::text = 'allotment_' || r.rolname || '_rows'
      AND pg_get_expr(s.polqual, s.polrelid) = pg_get_expr(p.polqual, p.polrelid)
    WHERE NOT p.polpermissive AND p.polcmd = 'r' AND c.relnamespace = 'public'::regnamespace"""

_LEFT_OVER = """SELECT rolname::text FROM pg_roles WHERE starts_with(rolname::text, %s) AND rolname::text <> ALL (%s)
    AND shobj_description(oid, 'pg_authid') = %s AND has_database_privilege(oid, current_database(), 'CONNECT')
    ORDER BY 1"""

Admin = Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class SectionRule(Rule):
    """What one search account reads of one table: rows that all the agent's roles may read."""

    roles: frozenset[str] = frozenset()

    def condition(self, types: Mapping[str, str]) -> Sql:
        """The row filter: readers the account sees lead the index, so no entry of a hidden section is walked over."""
        return self.fence if self.table.name == "reader_set" else _OF_VISIBLE_SETS

    @property
    def declared(self) -> str:
        """The row filter in words that change when it changes."""
        return f"{self.table.name} of {', '.join(sorted(self.roles))}"

    @property
    def fence(self) -> Sql:
        """That every role is among the readers, in literals alone; an account without roles sees nothing."""
        tests = [sql.SQL("strpos(readers, {}) > 0").format(sql.Literal(f"/{role}/")) for role in sorted(self.roles)]
        return sql.SQL(" AND ").join(tests) if tests else sql.SQL("false")


def account_of(agent: str) -> str:
    """The search account of an agent."""
    return f"{_PREFIX}{agent}"


def rules_of(project: Project) -> list[SectionRule]:
    """Every pair of search account and table.

    Raises:
        ProjectError: a declared account has the name of a search account.
    """
    taken = sorted(project.accounts.keys() & {account_of(agent) for agent in project.agents})
    if taken:
        raise ProjectError(
            "is the name of an agent's search account.",
            element=f"accounts.{taken[0]}",
            remedy="Give the account another name.",
        )
    return [
        SectionRule(account_of(name), Table("public", table), TableGrant(columns=columns), roles=agent.roles)
        for name, agent in sorted(project.agents.items())
        for table, columns in COLUMNS.items()
    ]


def fence_differences(admin: Admin, project: Project) -> list[Difference]:
    """Where the sections' database is not as the project says, in a stable order."""
    rules = rules_of(project)
    accounts = _accounts(rules)
    allowed = {f"{account}: {_DISTANCE}" for account in accounts}
    found = [item for item in differences(admin, DATABASE, list(rules), {}) if item.element not in allowed]
    return [*found, *_missing_fences(admin, rules), *_left_over(admin, project)]


def provision_fence(
    admin: Admin, project: Project, passwords: Callable[[str], str], locked_out: Iterable[str], *, dry_run: bool = False
) -> list[str]:
    """Make accounts, grants and policies as the project says, in one transaction; returns the statements.

    Args:
        admin: the owner, in a database whose tables are there.
        project: says which roles each agent serves.
        passwords: account → its password.
        locked_out: accounts whose stored password is not the project's.
        dry_run: run none of them.

    Raises:
        ProjectError: an account's name belongs to somebody else.
        IntegrityError: the database is not as declared afterwards; nothing was changed.
    """
    rules = rules_of(project)
    check_server(admin, DATABASE, list(rules))
    if not list(locked_out) and not fence_differences(admin, project):
        return []
    # No filter asks for claims, so none are signed.
    secrets = {account: Secrets(passwords(account), "") for account in _accounts(rules)}
    left_over = [statement for item in _left_over(admin, project) for statement in _dropped(item.found)]
    statements = statements_for(admin, DATABASE, list(rules), secrets, find_relations(admin, list(rules)))
    own = [*left_over, *(statement for rule in rules for statement in _fence(rule)), *_distance(rules)]
    if not dry_run:
        _run(admin, project, [*(item.sql for item in statements), *own])
    return [*(item.shown for item in statements), *(statement.as_string() for statement in own)]


def _run(admin: Admin, project: Project, statements: list[Sql]) -> None:
    with admin.transaction():
        for statement in statements:
            admin.execute(statement)
        left = fence_differences(admin, project)
        if left:
            raise IntegrityError(
                f"is not as declared after provisioning: expected {left[0].expected}, found {left[0].found}.",
                element=left[0].element,
                remedy=f"Nothing was changed. As the server's owner: {left[0].mending_sql}",
            )


def _accounts(rules: list[SectionRule]) -> list[str]:
    return sorted({rule.account for rule in rules})


def _fence(rule: SectionRule) -> Iterator[Sql]:
    name, table, role = sql.Identifier(f"fence_{rule.account}"), rule.table.identifier, sql.Identifier(rule.account)
    yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(name, table)
    create = sql.SQL("CREATE POLICY {} ON {} AS RESTRICTIVE FOR SELECT TO {} USING ({})")
    yield create.format(name, table, role, rule.fence)


def _distance(rules: list[SectionRule]) -> Iterator[Sql]:
    for account in _accounts(rules):
        yield sql.SQL("GRANT USAGE ON SCHEMA vector TO {}").format(sql.Identifier(account))
        grant = sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}")
        yield grant.format(sql.SQL(_DISTANCE), sql.Identifier(account))  # the name is this module's own


def _missing_fences(admin: Admin, rules: list[SectionRule]) -> Iterator[Difference]:
    there = set(admin.execute(_FENCES).fetchall())
    for rule in rules:
        if (rule.account, rule.table.name) not in there:
            mending = "; ".join(statement.as_string() for statement in _fence(rule))
            yield Difference(f"{rule.account}: {rule.table}", "a restrictive row policy", "none like it", mending)


def _left_over(admin: Admin, project: Project) -> Iterator[Difference]:
    known = [*(account_of(agent) for agent in project.agents), *project.accounts]
    for (account,) in admin.execute(_LEFT_OVER, [_PREFIX, known, ROLE_COMMENT]).fetchall():
        mending = "; ".join(statement.as_string() for statement in _dropped(account))
        yield Difference(f"{account}: role", "no account of an agent that is not declared", account, mending)


def _dropped(account: str) -> Iterator[Sql]:
    yield sql.SQL("DROP OWNED BY {}").format(sql.Identifier(account))
    yield sql.SQL("DROP ROLE {}").format(sql.Identifier(account))
