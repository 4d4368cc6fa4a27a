"""What somebody who holds a search account's login can see with any SQL, without our code; and what the check finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from library import grant_for, made, make_project, write_sections
from psycopg import Connection, errors
from search_server import BOTH, SearchServer

from allotment.databases import Databases
from allotment.databases.postgres._server import account_dsn
from allotment.databases.sections._fence import account_of
from allotment.databases.sections._schema import DATABASE
from allotment.databases.sections._sync import readers_text
from allotment.errors import ProjectError
from allotment.project import Project, load_project
from allotment.workspace import Workspace

REFUSED = {
    "all columns": "SELECT * FROM public.section",
    "the hash of a section's source": "SELECT source FROM public.section",
    "a system column": "SELECT ctid FROM public.posting",
    "statistics of words": "SELECT * FROM ts_stat('SELECT to_tsvector(body) FROM public.section')",
    "SQL in a text": "SELECT query_to_xml('SELECT body FROM public.section', true, true, '')",
    "planner statistics": "SELECT * FROM pg_stats",
    "counts of hidden rows": "SELECT reltuples FROM pg_class",
    "sizes": "SELECT pg_total_relation_size('public.section')",
    "row policies": "SELECT polname FROM pg_policy",
    "the roles": "SELECT rolname FROM pg_roles",
    "COPY of a table": "COPY public.section TO STDOUT",
    "a section of its own": "INSERT INTO public.section (key) VALUES (1)",
    "other readers": "UPDATE public.section SET readers = '/clerk/'",
    "DELETE": "DELETE FROM public.posting",
    "no row policies": "ALTER TABLE public.section DISABLE ROW LEVEL SECURITY",
    "another role": "SET ROLE allotment_admin",
    "another search account": "SET ROLE search_board",
    "a function of vector": "SELECT vector.vector_norm('[1,2]'::vector.vector)",
    "a passing table": "CREATE TEMP TABLE t AS SELECT body FROM public.section",
    "a function of its own": "CREATE FUNCTION public.f(text) RETURNS bool LANGUAGE sql AS 'SELECT true'",
    "a lock": "BEGIN; LOCK TABLE public.section IN ACCESS SHARE MODE",
    "notify": "SELECT pg_notify('a', 'b')",
}

EVERYTHING = (
    "SELECT id, document, heading, body, readers FROM public.section",
    "SELECT p.word, s.id FROM public.posting p LEFT JOIN public.section s ON s.key = p.section",
    "SELECT word, readers FROM public.posting",
    "SELECT readers, digest FROM public.reader_set",
    "SELECT string_agg(body, ' ') FROM public.section",
    "SELECT body FROM public.section UNION ALL SELECT word FROM public.posting",
    "WITH w AS MATERIALIZED (SELECT body FROM public.section) SELECT * FROM w",
    "SELECT body FROM public.section WHERE body LIKE '%canary%' OR strpos(readers, '/') > 0",
    "SELECT max(word), min(word) FROM public.posting",
)
SETTINGS = (
    "SET row_security = off",
    "SET search_path = public, vector",
    "SET enable_indexscan = off",
    "SET enable_seqscan = off",
    "SET session_replication_role = replica",
    "SET default_transaction_read_only = off",
    "SET plan_cache_mode = force_generic_plan",
)


@pytest.fixture
def desk(server: SearchServer, library: Project) -> Iterator[Connection[tuple[Any, ...]]]:
    server.search(library).sync()
    with server.login("desk") as connection:
        connection.execute("SET default_transaction_read_only = off")  # it may, so it must not matter
        yield connection


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_the_database_refuses_the_search_account(desk: Connection[tuple[Any, ...]], sql: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        desk.execute(sql)


@pytest.mark.parametrize("database", ["postgres", "template1", "allotment"])
def test_the_search_account_reaches_no_other_database(server: SearchServer, library: Project, database: str) -> None:
    server.search(library).sync()
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(account_dsn(server.databases.server, account_of("desk"), database))


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_shows_a_hidden_section(desk: Connection[tuple[Any, ...]], setting: str) -> None:
    with suppress(errors.InsufficientPrivilege):
        desk.execute(setting)
    for sql in EVERYTHING:
        with suppress(errors.InsufficientPrivilege):
            assert "zanzibar" not in str(desk.execute(sql).fetchall())
    # Where row security is off, the server refuses instead of leaving rows out.
    with suppress(errors.InsufficientPrivilege):
        assert desk.execute("SELECT count(id) FROM public.section").fetchone() == (4,)


@pytest.mark.parametrize("explain", ["EXPLAIN", "EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, SUMMARY OFF)"])
def test_neither_what_the_planner_expects_nor_what_is_walked_over_tells_of_hidden_words(
    server: SearchServer, library: Project, explain: str
) -> None:
    path = "documents/secret/plans.md"
    texts = [made(path, n, f"zanzibar number{n}") for n in range(500)]
    shown = {"documents/all/a.md": ("all", [made("documents/all/a.md", 0, "something to be seen")])}
    write_sections(library, {path: ("secret", texts), **shown})
    server.search(library).sync()
    with server.owner() as owner:
        owner.execute("VACUUM ANALYZE")
        assert owner.execute("SELECT count(*) FROM pg_stats WHERE schemaname = 'public'").fetchone() == (0,)
    with server.login("desk") as desk:
        for table, column in (("posting", "word = 'english:{}'"), ("section", "body = '{}'")):
            query = f"{explain} SELECT 1 FROM public.{table} WHERE {column}"
            plans = {
                word: "\n".join(row[0] for row in desk.execute(query.format(word).encode()).fetchall())
                for word in ("zanzibar", "absentee")
            }
            assert plans["zanzibar"].replace("zanzibar", "absentee") == plans["absentee"]
            assert table == "section" or "Index" in plans["absentee"]


LEFT_OVER = """CREATE ROLE search_gone LOGIN; COMMENT ON ROLE search_gone IS 'allotment: service account';
    GRANT CONNECT ON DATABASE allotment_sections TO search_gone; GRANT SELECT (body) ON section TO search_gone"""
CHANGES = {
    "the list of readers shown in full": "ALTER POLICY allotment_search_desk_rows ON reader_set USING (true)",
    "the policy widened": "ALTER POLICY allotment_search_desk_rows ON section USING (true)",
    "the restrictive policy widened": "ALTER POLICY fence_search_desk ON section USING (true)",
    "the restrictive policy dropped": "DROP POLICY fence_search_desk ON posting",
    "the restrictive policy for others": "ALTER POLICY fence_search_desk ON posting TO search_board",
    "a policy for everybody": "CREATE POLICY more ON section TO PUBLIC USING (true)",
    "row level security off": "ALTER TABLE posting DISABLE ROW LEVEL SECURITY",
    "a column more": "GRANT SELECT (source) ON section TO search_desk",
    "a right to write": "GRANT INSERT ON posting TO search_desk",
    "a role that bypasses policies": "ALTER ROLE search_desk BYPASSRLS",
    "a membership": "GRANT search_board TO search_desk",
    "a function of vector": "GRANT EXECUTE ON FUNCTION vector.vector_norm(vector.vector) TO search_desk",
    "an account left over": LEFT_OVER,
    "another password": "ALTER ROLE search_desk PASSWORD 'x'",
    "a setting": "ALTER ROLE search_desk SET statement_timeout = 0",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_found_and_a_sync_mends_it(server: SearchServer, library: Project, statement: str) -> None:
    search = server.search(library)
    search.sync()
    assert search.check() == []
    with server.owner() as owner:
        owner.execute(statement.encode())
    assert search.check() != []
    search.sync()
    assert search.check() == []


def test_check_and_provision_of_all_databases_are_about_the_sections_too(
    server: SearchServer, library: Project
) -> None:
    with Databases(library, Workspace(server.root)) as databases:
        databases.sections.sync()
        assert databases.check() == []
        with server.owner() as owner:
            owner.execute("ALTER POLICY fence_search_desk ON section USING (true)")
        assert [item.element for item in databases.check()] == ["search_desk: public.section"]
        assert "SCRAM" not in "".join(databases.provision(dry_run=True)) and databases.check() != []
        assert databases.provision() != []
        assert databases.check() == databases.provision() == []


def test_no_declared_database_may_take_the_place_of_the_sections(server: SearchServer, library: Project) -> None:
    with pytest.raises(ProjectError, match="taken"):
        Databases(library.model_copy(update={"databases": {DATABASE: None}}), Workspace(server.root))


@pytest.mark.parametrize("opened", ["allotment_search_desk_rows", "fence_search_desk"])
def test_either_policy_holds_alone(server: SearchServer, library: Project, opened: str) -> None:
    server.search(library).sync()
    with server.owner() as owner:
        for table in ("section", "posting", "reader_set"):
            owner.execute(f"ALTER POLICY {opened} ON {table} USING (true)".encode())
    with server.login("desk") as desk:
        for sql in EVERYTHING:
            assert "zanzibar" not in str(desk.execute(sql).fetchall())
    server.search(library).sync()


def test_an_agent_that_serves_another_role_sees_less_from_the_next_search_on(
    server: SearchServer, library: Project
) -> None:
    asked = "zanzibar merger"
    assert server.search(library).search(grant_for(server.log, library, "board", "chief"), asked)
    text = (server.root / "allotment.yaml").read_text(encoding="utf-8")
    wider = '"board": {"roles": ["chief", "clerk"], "documents": ["all"]'
    (server.root / "allotment.yaml").write_text(
        text.replace('"board": {"roles": ["chief"], "documents": ["all", "secret"]', wider), encoding="utf-8"
    )
    project = load_project(server.root)
    assert project.agents["board"].roles == BOTH
    assert server.search(project).search(grant_for(server.log, project, "board", "chief"), asked) == []
    with server.login("board") as board:
        assert board.execute("SELECT count(id) FROM public.section").fetchone() == (4,)


def test_a_declared_account_may_not_have_a_search_accounts_name(server: SearchServer, library: Project) -> None:
    taken = library.model_copy(update={"accounts": {"search_desk": None}})
    with pytest.raises(ProjectError, match="search account"):
        server.search(taken).sync()


ROLES = ("clerk", "chief", "clerk_a", "clerkxa", "c")
"""One is a part of another, and one fits another where ``_`` stands for any character."""
_sets = st.lists(st.sampled_from([frozenset(some) for n in range(1, 6) for some in combinations(ROLES, n)]), max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_sets.filter(bool), _sets)
def test_no_account_ever_shows_a_section_that_one_of_its_agents_roles_may_not_read(
    server: SearchServer, readers: list[frozenset[str]], served: list[frozenset[str]]
) -> None:
    sets = {f"s{number}": some for number, some in enumerate(readers)}
    learnable = [some for some in [*served, readers[0]] if any(some <= one for one in readers)]
    agents = {f"a{number}": some for number, some in enumerate(learnable)}
    project = make_project(server.root, sets, agents, frozenset(ROLES))
    documents = {
        f"documents/{name}/a.md": (name, [made(f"documents/{name}/a.md", 0, f"common canary{name}")]) for name in sets
    }
    write_sections(project, documents)
    search = server.search(project)
    search.sync()
    for agent, roles in agents.items():
        visible = {name for name, some in sets.items() if roles <= some}
        with server.login(agent) as login:
            bodies = {row[0] for row in login.execute("SELECT body FROM public.section").fetchall()}
            words = {row[0] for row in login.execute("SELECT word FROM public.posting").fetchall()}
            shown = {row[0] for row in login.execute("SELECT readers FROM public.reader_set").fetchall()}
        assert bodies == {f"common canary{name}" for name in visible}
        assert words == {word for name in visible for word in ("english:common", f"english:canary{name}")}
        assert shown == {readers_text(sets[name]) for name in visible}
        asked = "common " + " ".join(f"canary{name}" for name in sets)
        hits = search.search(grant_for(server.log, project, agent, min(roles)), asked, limit=50)
        assert {hit.document for hit in hits} == {f"documents/{name}/a.md" for name in visible}
