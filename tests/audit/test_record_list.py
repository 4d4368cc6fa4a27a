"""Records are found by who, what and when; and leave in a shape security tools read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_owner import KEY, as_owner

from allotment.audit import AuditLog, EventKind, Filter, ocsf
from allotment.audit._ocsf import _KINDS
from allotment.errors import IntegrityError

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVENTS: list[dict[str, Any]] = [
    {"user": "sofia", "role": "sales", "kind": "decision", "agent": "sales", "outcome": "allow", "question": "a \x00?"},
    {"user": "sofia", "role": "sales", "kind": "answered", "detail": {"agent": "sales", "outcome": "answered"}},
    {"user": "eva", "role": "office", "kind": "decision", "agent": "board", "outcome": "deny", "reason": "role"},
    {"user": "eva", "role": "office", "kind": "unknown", "detail": {"question": 'say "user":"sofia"', "why": "none"}},
    {"user": "\ud800", "role": "", "kind": "login-refused", "detail": {"why": "wrong"}},
]


@pytest.fixture
def filled(dsn: str, admin_dsn: str, tmp_path: Path) -> AuditLog:
    times = iter([NOON + timedelta(hours=number) for number in range(len(EVENTS))])
    with AuditLog(dsn, KEY, tmp_path / "anchor", clock=lambda: next(times)) as log:
        log.migrate(admin_dsn)
        for event in EVENTS:
            log.append(event)
    return log


def test_records_are_found_by_every_part_of_them(filled: AuditLog) -> None:
    def found(**parts: Any) -> list[int]:
        newest = [record.sequence for record in filled.records(10, Filter(**parts))]
        assert newest == list(reversed([record.sequence for record in filled.walk(Filter(**parts))]))
        return newest

    assert found() == [5, 4, 3, 2, 1]
    assert found(user="sofia") == [2, 1]  # not the fourth, whose question says the words
    assert found(agent="sales") == [2, 1]
    assert found(kind="decision", outcome="deny") == [3]
    assert found(outcome="answered") == [2]
    assert found(since=NOON + timedelta(hours=2), until=NOON + timedelta(hours=4)) == [4, 3]
    assert found(question="a \x00?") == [1]
    assert found(user="\ud800") == [5]
    assert found(user="nobody") == []
    assert [record.sequence for record in filled.records(1, Filter(user="eva"))] == [4]


def test_an_edited_record_is_never_shown_as_if_it_had_been(filled: AuditLog, admin_dsn: str) -> None:
    as_owner(admin_dsn, "UPDATE audit.record SET event = replace(event, 'eva', 'tom') WHERE sequence = 3")
    with pytest.raises(IntegrityError, match="audit record 3"):
        filled.records(10, Filter(user="tom"))


def test_the_walk_gives_what_is_before_the_first_fault_and_says_where_it_is(filled: AuditLog, admin_dsn: str) -> None:
    as_owner(admin_dsn, "DELETE FROM audit.record WHERE sequence = 4")
    given: list[int] = []
    with pytest.raises(IntegrityError, match="audit record 4"):
        given.extend(record.sequence for record in filled.walk())
    given = []
    with pytest.raises(IntegrityError):
        for record in filled.walk():
            given.append(record.sequence)
    assert given == [1, 2, 3]


def test_every_kind_of_event_has_a_class_of_its_own_choice() -> None:
    assert set(_KINDS) == {*get_args(EventKind), "decision"}


@given(st.sampled_from([*sorted(_KINDS), "a-kind-of-tomorrow"]), st.sampled_from(["allow", "deny", None]), st.text())
def test_an_exported_event_has_what_the_schema_requires_and_loses_nothing(
    kind: str, outcome: str | None, text: str
) -> None:
    event = {"user": text, "role": "sales", "kind": kind, "outcome": outcome, "question": text, "detail": {"why": text}}
    shaped = ocsf(7, NOON, event, "mac")
    required = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
    assert required <= shaped.keys()
    assert shaped["type_uid"] == shaped["class_uid"] * 100 + shaped["activity_id"]
    assert shaped["category_uid"] == shaped["class_uid"] // 1000
    assert shaped["time"] == 1_777_636_800_000
    assert (shaped["metadata"]["version"], shaped["metadata"]["sequence"]) == ("1.3.0", 7)
    assert shaped["unmapped"]["event"] == event
    needs = {6003: {"actor", "api", "src_endpoint"}, 3002: {"user", "service"}, 3001: {"user"}, 3004: {"entity"}}
    assert needs.get(shaped["class_uid"], set()) <= shaped.keys()
    assert "\n" not in json.dumps(shaped)


def test_what_was_refused_is_exported_as_refused() -> None:
    denied = ocsf(1, NOON, EVENTS[2], "")
    assert (denied["class_uid"], denied["action_id"], denied["disposition_id"], denied["status_id"]) == (6003, 2, 2, 2)
    assert denied["actor"]["authorizations"] == [{"decision": "deny", "policy": {"name": "role"}}]
    allowed = ocsf(1, NOON, EVENTS[0], "")
    assert (allowed["action_id"], allowed["status_id"]) == (1, 1)
    login = ocsf(1, NOON, EVENTS[4], "")
    assert (login["class_uid"], login["activity_id"], login["status_id"]) == (3002, 1, 2)
