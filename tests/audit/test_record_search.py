"""A search through the indexes finds what a walk through everything finds, from any record backwards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_owner import KEY

from allotment.audit import AuditLog, Filter
from allotment.databases import Databases

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG = "n" * 400
USERS = ("ann", "Ann", "a'nn", "bob", "\ud800", "nul\x00", "", LONG, LONG + "x", "žofie")
AGENTS = ("sales", "board", "")
COUNT = 300


def _events() -> Iterator[dict[str, Any]]:
    cycle = zip(
        itertools.cycle(USERS), itertools.cycle(AGENTS), itertools.cycle(("decision", "answered", "x")), strict=False
    )
    for number, (user, agent, kind) in enumerate(itertools.islice(cycle, COUNT)):
        detail = (
            {"agent": AGENTS[number % 2], "outcome": "answered"} if number % 4 == 1 else "allow" if number % 7 else {}
        )
        event: dict[str, Any] = {"user": user, "role": "r", "kind": kind, "detail": detail}
        if number % 4:
            event |= {"agent": agent, "outcome": ("allow", "deny", None)[number % 3]}
        yield event


@pytest.fixture(scope="module")
def kept(postgres: Databases, module_admin_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    name = str(psycopg.conninfo.conninfo_to_dict(module_admin_dsn)["dbname"])
    dsn = psycopg.conninfo.make_conninfo(postgres.state_dsn, dbname=name)
    times = (NOON + timedelta(minutes=number) for number in itertools.count())
    anchor: Path = tmp_path_factory.mktemp("record") / "anchor"
    with AuditLog(dsn, KEY, anchor, clock=lambda: next(times)) as log:
        log.migrate(module_admin_dsn)
        for event in _events():
            log.append(event)
        yield log


def _maybe(values: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(values)


@given(
    st.builds(
        Filter,
        user=_maybe(USERS),
        agent=_maybe(AGENTS),
        kind=_maybe(("decision", "answered", "x", "none")),
        outcome=_maybe(("allow", "deny", "answered")),
        since=st.none() | st.integers(0, COUNT).map(lambda at: NOON + timedelta(minutes=at)),
        until=st.none() | st.integers(0, COUNT).map(lambda at: NOON + timedelta(minutes=at)),
    ),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_of_a_search_are_what_a_walk_finds(kept: AuditLog, wanted: Filter, size: int) -> None:
    walked = [record.sequence for record in kept.walk() if wanted.takes(record.at, record.event)]
    found: list[int] = []
    before: int | None = None
    while True:
        page = [record.sequence for record in kept.records(size, wanted, before=before)]
        assert len(page) <= size
        found += page
        if len(page) < size:
            break
        before = page[-1]
    assert found == walked[::-1]
