"""Below the SQL gate: each account's own login with raw SQL; and the same tables through the gate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from time import perf_counter
from typing import Any

import psycopg
from psycopg import Connection

from allotment.access import Grant, Request
from allotment.errors import AllotmentError, DatabaseUnavailable, ProjectError
from allotment.evaluation.canaries import Canary
from allotment.evaluation.leaks._answers import ending_of
from allotment.evaluation.leaks._ground import Ground, failed
from allotment.evaluation.leaks._judge import CELL, row_text
from allotment.evaluation.leaks._statements import AROUND, Relation, relations, statement_for, statements_on
from allotment.evaluation.leaks._types import Came, Probe, Said
from allotment.project import AccountConfig

Run = Callable[[str], Said]
_NO_ANSWER = ("08", "53", "57", "58", "XX", "42601")
"""Classes of SQLSTATE: connection, resources, time, system, fault of the server; and a syntax error."""


def probe_accounts(ground: Ground) -> Iterator[Probe]:
    """Every account of the agents that are tried; its cells go to every role its agent serves."""
    for agent in ground.agents:
        account = ground.project.agents[agent].account
        if account is not None:
            yield from _account(ground, agent, ground.project.accounts[account], Request(agent, account=account))


def _account(ground: Ground, agent: str, account: AccountConfig, request: Request) -> Iterator[Probe]:
    canaries = tuple(one for one in ground.canaries if one.source.startswith(f"{account.database}."))
    rows = tuple(one for one in canaries if one.origin == "row")
    roles = ground.roles(agent)
    try:
        grant = ground.grant(agent, request)
        tables = _tables(ground, account.database, rows)
        connection = _login(ground, grant)
    except (AllotmentError, psycopg.Error) as error:
        told = error if isinstance(error, AllotmentError) else DatabaseUnavailable(str(error).strip())
        for path in ("account", "sql"):
            yield from failed(ground.judge, path, agent, rows, roles, told)
        return
    if connection is not None:
        with closing(connection):
            yield from _raw(ground, partial(_run, connection, agent), tables, rows, roles)
    yield from _gated(ground, partial(_query, ground, grant, agent), tables, rows, roles)


def _login(ground: Ground, grant: Grant) -> Connection[tuple[Any, ...]] | None:
    """None where the database is a file: its accounts have no login, and the gate is all there is."""
    try:
        connection = ground.databases.account_connection(grant)
    except ProjectError:
        return None
    connection.autocommit = True
    return connection


def _tables(ground: Ground, database: str, rows: Sequence[Canary]) -> tuple[Relation, ...]:
    if ground.project.databases[database].file is None:
        return relations(ground.databases, database)
    columns: dict[str, set[str]] = defaultdict(set)
    for canary in rows:
        _, table, column = canary.source.split(".", 2)
        columns[table].add(column)
    return tuple(Relation("", table, tuple(sorted(found))) for table, found in sorted(columns.items()))


def _raw(
    ground: Ground, run: Run, tables: Sequence[Relation], rows: Sequence[Canary], roles: frozenset[str]
) -> Iterator[Probe]:
    aimed = _by_table(rows)
    for relation in tables:
        aims = aimed.get(relation.name, [])
        for statement in statements_on(relation):
            yield from ground.judge.probes(run(statement), aims, roles, may_echo=False)
        for canary in aims:
            said = run(statement_for(relation, _column(canary), canary.value))
            yield from ground.judge.probes(said, [canary], roles, may_echo=False)
    for statement in AROUND:
        yield from ground.judge.probes(run(statement), rows, roles, may_echo=False)


def _gated(
    ground: Ground, run: Run, tables: Sequence[Relation], rows: Sequence[Canary], roles: frozenset[str]
) -> Iterator[Probe]:
    aimed = _by_table(rows)
    for relation in tables:
        aims = aimed.get(relation.name, [])
        name = relation.name if relation.schema in ("", "public") else f"{relation.schema}.{relation.name}"
        for statement in (f"SELECT {column} FROM {name}" for column in ("*", *relation.columns)):  # noqa: S608
            yield from ground.judge.probes(run(statement), aims, roles, may_echo=False)
        for canary in aims:
            column, value = _column(canary), canary.value.replace("'", "''")
            said = run(f"SELECT {column} FROM {name} WHERE CAST({column} AS text) = '{value}'")  # noqa: S608
            yield from ground.judge.probes(said, [canary], roles, may_echo=False)


def _by_table(rows: Sequence[Canary]) -> dict[str, list[Canary]]:
    found: dict[str, list[Canary]] = defaultdict(list)
    for canary in rows:
        found[canary.source.split(".")[-2]].append(canary)
    return found


def _column(canary: Canary) -> str:
    return canary.source.rpartition(".")[2]


def _run(connection: Connection[tuple[Any, ...]], agent: str, statement: str) -> Said:
    """What PostgreSQL itself gives or refuses; each statement begins with a session as it was given."""
    began = perf_counter()
    try:
        text = _copied(connection, statement) if statement.startswith("COPY") else _fetched(connection, statement)
    except psycopg.Error as error:
        ending, detail = _refused(connection, error)
        return Said("account", agent, statement, "", ending, detail, perf_counter() - began)
    finally:
        _restore(connection)
    return Said("account", agent, statement, text, seconds=perf_counter() - began)


def _refused(connection: Connection[tuple[Any, ...]], error: psycopg.Error) -> tuple[Came, str]:
    """A lost connection, a lack of time or memory, or a slip of ours proves nothing; all else was PostgreSQL's no."""
    proves_nothing = connection.closed or (error.sqlstate or "").startswith(_NO_ANSWER)
    return "failed" if proves_nothing else "denied", (error.diag.message_primary or str(error)).strip()


def _fetched(connection: Connection[tuple[Any, ...]], statement: str) -> str:
    setting, found, last = statement.partition("; ") if statement.startswith("SET ") else ("", "", statement)
    if found:
        connection.execute(setting.encode())
    rows = connection.execute(last.encode()).fetchall()
    return "\n".join(map(row_text, rows))


def _copied(connection: Connection[tuple[Any, ...]], statement: str) -> str:
    with connection.cursor().copy(statement.encode()) as copy:
        return b"".join(bytes(block) for block in copy).decode("utf-8", "replace").replace("\t", CELL)


def _restore(connection: Connection[tuple[Any, ...]]) -> None:
    if not connection.closed:
        connection.execute("RESET ROLE")
        connection.execute("RESET row_security")


def _query(ground: Ground, grant: Grant, agent: str, statement: str) -> Said:
    began = perf_counter()
    try:
        result = ground.databases.query(grant, statement, max_rows=20_000)
    except AllotmentError as error:
        return Said("sql", agent, statement, ending=ending_of(error), detail=str(error), seconds=perf_counter() - began)
    text = "\n".join(map(row_text, result.rows))
    return Said("sql", agent, statement, text, seconds=perf_counter() - began)
