"""How much of a question is on record: its words, a keyed hash, or nothing, in every kind of event."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_owner import KEY

from allotment.access import Policy, Principal, Request
from allotment.audit import AuditLog, EventKind, Filter, Questions, RecordedDenial, authorize, record_event
from allotment.audit._events import ABOUT_NO_QUESTION
from allotment.project import Project, QuestionsKept

HASHING = Questions("hashed", "k" * 64)
OMITTING = Questions("omitted")
SOFIA = Principal("sofia", "sales", (("employee_id", (5,)),))
SECRET = "Wie hoch ist das Gehalt von Frau Nováková?"

_fields = st.sampled_from(
    ["question", "sql", "error", "why", "text", "evidence", "model", "agent", "reason", "outcome"]
)
_values = st.recursive(
    st.just(SECRET) | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_fields, inner, max_size=3),
    max_leaves=6,
)
_details = st.dictionaries(_fields | st.just("checks"), _values, max_size=6)
_asking = st.sampled_from([*sorted(set(get_args(EventKind)) - ABOUT_NO_QUESTION), "decision", "a-kind-of-tomorrow"])


@given(_asking, _details, _values, st.sampled_from([HASHING, OMITTING]))
def test_no_field_of_an_event_that_may_quote_a_question_has_its_words(
    kind: str, detail: dict[str, Any], question: Any, questions: Questions
) -> None:
    event = {"user": "sofia", "role": "sales", "kind": kind, "question": question, "detail": detail}
    written = json.dumps(questions.applied(event), ensure_ascii=False)
    assert SECRET not in written and "Nováková" not in written


@given(_asking, _details)
def test_stored_is_the_event_as_it_is(kind: str, detail: dict[str, Any]) -> None:
    event = {"kind": kind, "detail": detail}
    assert Questions("stored").applied(event) is event


@given(st.text(), st.text())
def test_a_hash_finds_the_same_question_and_no_other(one: str, other: str) -> None:
    assert (HASHING.hash(one) == HASHING.hash(other)) == (one == other)


def test_without_the_key_a_likely_question_cannot_be_tried() -> None:
    assert HASHING.hash(SECRET) != Questions("hashed", "j" * 64).hash(SECRET)
    with pytest.raises(ValueError, match="key"):
        Questions("hashed", "")
    assert "k" * 64 not in repr(HASHING)


def test_who_what_and_why_stay_readable() -> None:
    event = {
        "user": "sofia",
        "role": "sales",
        "claims": {"region": ["north west"]},
        "kind": "answered",
        "detail": {"agent": "sales", "outcome": "answered", "sql": f"SELECT '{SECRET}'", "rows": 3, "sources": ["a-1"]},
    }
    kept = dict(HASHING.applied(event))
    assert {name: kept[name] for name in ("user", "role", "claims", "kind")} == {
        name: event[name] for name in ("user", "role", "claims", "kind")
    }
    assert kept["detail"]["agent"] == "sales"
    assert kept["detail"]["sources"] == ["a-1"]
    assert kept["detail"]["rows"] == 3
    assert kept["detail"]["sql"].startswith("hmac-sha256:")


def test_which_checks_fired_stays_and_what_they_quote_does_not() -> None:
    event = {"kind": "guard-refused", "detail": {"question": SECRET, "checks": {"role-claim": SECRET[:20]}}}
    assert OMITTING.applied(event)["detail"] == {"question": None, "checks": {"role-claim": None}}
    assert list(HASHING.applied(event)["detail"]["checks"]) == ["role-claim"]


def test_what_is_about_logins_and_keys_stays_as_it_is() -> None:
    for kind in ABOUT_NO_QUESTION:
        event = {"kind": kind, "user": "eva", "detail": {"before": "sales", "after": "the board", "why": "asked to"}}
        assert HASHING.applied(event) is event


def test_a_huge_or_broken_text_is_hashed_as_it_was_given() -> None:
    for text in ("x" * 1_000_000, "\ud800\x00"):
        assert HASHING.applied({"kind": "unknown", "question": text})["question"] == HASHING.hash(text)


@pytest.mark.parametrize("kept", ["stored", "hashed", "omitted"])
def test_through_the_only_door_and_back_from_the_database(
    kept: QuestionsKept, dsn: str, admin_dsn: str, tmp_path: Path, northwind: Project
) -> None:
    with AuditLog(dsn, KEY, tmp_path / "anchor", Questions(kept, "k" * 64)) as log:
        log.migrate(admin_dsn)
        with suppress(RecordedDenial):
            authorize(log, Policy.of(northwind), SOFIA, Request("board"), question=SECRET)
        record_event(log, SOFIA, "guard-refused", {"question": SECRET, "checks": {"role-claim": SECRET}})
        record_event(log, SOFIA, "failed", {"question": SECRET, "error_type": "SqlRefused", "error": SECRET})
        record_event(log, SOFIA, "logged-in", {})
        written = json.dumps([record.event for record in log.records()], ensure_ascii=False)
        assert (SECRET in written) == (kept == "stored")
        assert "SqlRefused" in written
        found = log.records(10, Filter(question=SECRET))
        assert len(found) == (0 if kept == "omitted" else 3)
        assert log.verify().ok
