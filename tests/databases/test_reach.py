"""What an account can reach, asked by set, is what PostgreSQL's own functions say of every single relation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from allotment.databases._declared import Table
from allotment.databases.postgres._reach import reached
from small_company import make_company, open_company

SHOP = """
CREATE TABLE a (x int, y int);
CREATE TABLE b (x int, y int) PARTITION BY LIST (x);
CREATE TABLE b1 PARTITION OF b FOR VALUES IN (1);
CREATE VIEW v AS SELECT x, y FROM a;
CREATE MATERIALIZED VIEW m AS SELECT x, y FROM a;
CREATE SEQUENCE s;
CREATE SCHEMA other;
CREATE TABLE other.a (x int, y int);
"""
RELATIONS = ["public.a", "public.b", "public.b1", "public.v", "public.m", "other.a"]
ROLES = ["clerk", "boss", "reach_group", "PUBLIC"]

_CHANGE = st.one_of(
    st.builds(
        "GRANT {} ON {} TO {}".format,
        st.sampled_from(
            ["SELECT", "INSERT", "SELECT (x)", "UPDATE (y)", "REFERENCES (x)", "TRUNCATE", "DELETE", "ALL"]
        ),
        st.sampled_from(RELATIONS),
        st.sampled_from(ROLES),
    ),
    st.builds(
        "GRANT {} ON SEQUENCE public.s TO {}".format,
        st.sampled_from(["USAGE", "SELECT", "ALL"]),
        st.sampled_from(ROLES),
    ),
    st.sampled_from(
        [
            "GRANT reach_group TO clerk",
            "GRANT reach_group TO boss WITH INHERIT TRUE",
            "GRANT pg_read_all_data TO clerk WITH INHERIT TRUE",
            "GRANT pg_write_all_data TO reach_group WITH INHERIT TRUE",
            "ALTER TABLE public.a OWNER TO clerk",
            "ALTER VIEW public.v OWNER TO reach_group",
            "ALTER ROLE boss SUPERUSER",
            "ALTER ROLE clerk INHERIT",
            "REVOKE SELECT (x) ON public.a FROM clerk",
        ]
    ),
)

_EVERY = """SELECT n.nspname::text, c.relname::text,
    CASE c.relkind WHEN 'S' THEN '{}' ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid
      AND a.attnum > 0 AND has_column_privilege(%(role)s::name, c.oid, a.attnum, 'SELECT')) END,
    CASE c.relkind WHEN 'S' THEN has_sequence_privilege(%(role)s::name, c.oid, 'USAGE,SELECT')
      ELSE has_table_privilege(%(role)s::name, c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER')
        OR has_any_column_privilege(%(role)s::name, c.oid, 'INSERT,UPDATE,REFERENCES') END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('public', 'other') AND c.relkind IN ('r','p','v','m','f','S')"""


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection[tuple[Any, ...]]]:
    tables = {"a": {"columns": ["x"]}, "b": {"columns": ["x"]}}
    accounts = {"clerk": ("shop", tables), "boss": ("shop", tables)}
    project = make_company(tmp_path_factory.mktemp("reach"), {"shop": SHOP}, accounts)
    with open_company(project) as databases, psycopg.connect(databases.admin_dsn("shop")) as connection:
        connection.execute("CREATE ROLE reach_group")
        connection.commit()
        yield connection


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_CHANGE, max_size=6))
def test_no_right_escapes_the_set(admin: Connection[tuple[Any, ...]], changes: list[str]) -> None:
    try:
        for change in changes:
            admin.execute(change.encode())
        declared = {"clerk": {Table("public", "a")}, "boss": {Table("public", "b")}}
        found = reached(admin, declared)
        for account, tables in declared.items():
            by_name = {relation.table: relation for relation in found[account]}
            for schema, name, columns, some_right in admin.execute(_EVERY, {"role": account}).fetchall():
                table = Table(schema, name)
                relation = by_name.get(table)
                assert (relation is not None) or not (columns or some_right or table in tables)
                if relation is not None:
                    assert relation.columns == set(columns)
                    assert bool(relation.rights) == some_right
    finally:
        admin.rollback()


def test_the_number_of_statements_does_not_grow_with_the_tables(admin: Connection[tuple[Any, ...]]) -> None:
    def count() -> int:
        asked: list[str] = []

        class Counting:
            def execute(self, query: Any, *arguments: Any) -> Any:
                asked.append(str(query))
                return admin.execute(query, *arguments)

        reached(Counting(), {"clerk": {Table("public", "a")}})  # type: ignore[arg-type]
        return len(asked)

    before = count()
    for number in range(50):
        admin.execute(f"CREATE TABLE t{number} (a int)".encode())
        admin.execute(f"GRANT SELECT ON t{number} TO clerk".encode())
    assert count() == before == 2
    admin.rollback()
