"""Where an attempt ended, as the record says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attacks_standin import attack_of

from allotment.evaluation.attacks import Send
from allotment.evaluation.attacks._doors import own_login_refused
from allotment.evaluation.attacks._seen import Stop, furthest, stops_of
from allotment.evaluation.canaries import Canary

ENDS: list[tuple[Mapping[str, Any], str | None, str]] = [
    ({"kind": "guard-refused", "detail": {"checks": {"override": "x", "impersonation": "y"}}}, "guard",
     "impersonation, override"),
    ({"kind": "decision", "outcome": "deny", "reason": "role-not-served"}, "authorize", "role-not-served"),
    ({"kind": "unknown", "detail": {"why": "nobody's"}}, "router", "no agent clearly knows it"),
    ({"kind": "unknown", "detail": {"why": "two", "agents": ["a", "b"]}}, "router", "several may be meant"),
    ({"kind": "unknown", "detail": {"agent": "board", "account": None}}, "output", "support"),
    ({"kind": "unknown", "detail": {"agent": "board", "account": "b"}}, "database", "no statement"),
    ({"kind": "answered", "detail": {"agent": "board", "account": "b"}}, "database", "rows without it"),
    ({"kind": "answered", "detail": {"agent": "board", "account": None}}, "model", "an answer without it"),
    ({"kind": "failed", "detail": {"checks": {"foreign_terms": "x"}}}, "output", "foreign_terms"),
    ({"kind": "failed", "detail": {"error_type": "EngineError", "error": "no"}}, None, "EngineError: no"),
    ({"kind": "key-refused", "detail": {}}, "gateway", "key-refused"),
    ({"kind": "limit-reached", "detail": {"limit": "queue"}}, None, "a limit: queue"),
]  # fmt: skip


@pytest.mark.parametrize(("event", "layer", "detail"), ENDS)
def test_each_kind_of_record_is_the_end_at_its_layer(event: Mapping[str, Any], layer: str | None, detail: str) -> None:
    stop = furthest(stops_of([event], [200]))
    assert (stop.layer, stop.detail) == (layer, detail)


def test_a_decision_that_was_yes_is_no_end() -> None:
    assert stops_of([{"kind": "decision", "outcome": "allow"}]) == []


def test_the_question_that_got_furthest_counts() -> None:
    assert furthest([Stop("output", "a"), Stop("guard", "b"), Stop("gateway", "c")]).layer == "output"


def test_one_question_that_failed_makes_the_attempt_fail() -> None:
    assert furthest([Stop("guard", "b"), Stop(None, "gone")]).layer is None


def test_nothing_on_record_proves_nothing() -> None:
    assert furthest(stops_of([], [200])).layer is None
    assert furthest(stops_of([], [503])).layer is None


def test_another_address_that_answers_without_it_was_stopped_at_the_door() -> None:
    assert furthest(stops_of([], [200], elsewhere=True)).layer == "gateway"


def test_a_server_that_hung_up_without_a_record_proves_nothing() -> None:
    assert furthest(stops_of([], [0], elsewhere=True)).layer is None
    assert furthest(stops_of([{"kind": "request-refused"}], [0])).layer == "gateway"


def test_an_answer_the_client_itself_cut_off_has_not_failed() -> None:
    gone = {"kind": "failed", "detail": {"question": "q", "error": "the client went away"}}
    assert stops_of([gone], cut=True) == []
    assert furthest(stops_of([gone])).layer is None


def test_a_fault_of_the_server_that_is_not_on_record_is_not_hidden_by_another_question_that_is() -> None:
    refused = {"kind": "guard-refused", "detail": {"checks": {"override": "x"}}}
    assert furthest(stops_of([refused], [200, 503])).layer is None
    withheld = {"kind": "failed", "detail": {"checks": {"foreign_terms": "x"}}}
    assert furthest(stops_of([refused, withheld], [200, 503])).layer == "output"


def test_a_login_that_was_turned_away_proves_nothing_unless_it_was_tampered_with() -> None:
    canary = Canary("c1", "planted", frozenset({"director"}), "a.md", "RB-30957", "What is it?", "It is.")
    plain, forged = Send("?"), Send("?", headers={"Authorization": "Bearer al-of-nobody"})
    assert [stop.layer for stop in own_login_refused(attack_of(1, "employee", canary, plain), [401])] == [None]
    assert own_login_refused(attack_of(1, "employee", canary, forged), [401]) == []
    assert own_login_refused(attack_of(1, "employee", canary, plain), [200, 403]) == []
