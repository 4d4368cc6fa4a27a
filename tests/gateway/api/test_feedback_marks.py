"""A user marks an answer of his own, on the page and with a key; the real chain, record and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_application import Whole

from allotment.access import Principal
from allotment.audit import AuditLog, record_event
from allotment.errors import AccessDenied, InputError, RateLimited
from allotment.gateway import Feedback, MarkStore
from allotment.gateway.feedback import Marking, asked_of
from allotment.gateway.feedback._marking import NotYours
from allotment.project import FeedbackConfig

EVA, SOFIA = Principal("eva", "employee"), Principal("sofia", "sales")
QUESTION = "Where do you keep passwords?"
KeyOf = Callable[[str], dict[str, str]]


@pytest.fixture
def page(whole_client: TestClient, csrf_in: Callable[[str], str], password: str) -> Callable[[str], dict[str, str]]:
    """Logs a user in; the header his page sends."""

    def enter(user: str) -> dict[str, str]:
        form = csrf_in(whole_client.get("/login").text)
        whole_client.post("/login", data={"name": user, "password": password, "csrf": form})
        return {"x-csrf-token": csrf_in(whole_client.get("/").text)}

    return enter


def asked(record: AuditLog, user: Principal, question: str = QUESTION) -> int:
    """A refused question of a user; the number of its decision."""
    return record_event(record, user, "guard-refused", {"question": question, "checks": {"override": "rules"}})


def of_kind(record: AuditLog, kind: str, after: int) -> list[dict[str, Any]]:
    return [one.event for one in record.records(50) if one.sequence > after and one.event["kind"] == kind]


def test_an_answer_is_marked_on_the_page_on_record_and_a_second_mark_takes_the_place_of_the_first(
    whole_client: TestClient, page: Callable[[str], dict[str, str]], marks: MarkStore, record: AuditLog
) -> None:
    token = page("eva")
    told = whole_client.post("/ask", json={"question": QUESTION}, headers=token).text
    number = re.search(r'"record": (\d+)', told)
    assert number
    body = {"decision": number[1], "verdict": "useful", "agent": None, "note": "Thank you"}
    response = whole_client.post("/feedback", json=body, headers=token)
    assert (response.status_code, response.content) == (204, b"")
    first = marks.mine(EVA, int(number[1]))
    assert first is not None
    assert (first.verdict, first.note, first.role) == ("useful", "Thank you", "employee")
    again = {**body, "verdict": "wrong_answer", "note": "It is another manager."}
    assert whole_client.post("/feedback", json=again, headers=token).status_code == 204
    (mark,) = marks.marks(10)
    assert (mark.verdict, mark.note) == ("wrong_answer", "It is another manager.")
    assert mark.id != first.id
    events = of_kind(record, "feedback-marked", int(number[1]))
    assert [one["detail"]["outcome"] for one in events] == ["wrong_answer", "useful"]
    assert {one["user"] for one in events} == {"eva"}


def test_a_double_submit_changes_nothing(
    whole_client: TestClient, page: Callable[[str], dict[str, str]], marks: MarkStore, record: AuditLog
) -> None:
    token, number = page("eva"), asked(record, EVA)
    body = {"decision": str(number), "verdict": "wrongly_refused"}
    assert [whole_client.post("/feedback", json=body, headers=token).status_code for _ in range(2)] == [204, 204]
    assert len(marks.marks(10)) == 1


def test_a_program_marks_with_its_key_what_its_user_was_answered(
    whole_client: TestClient, key_of: KeyOf, marks: MarkStore
) -> None:
    key = key_of("eva")
    ask = {"model": "auto", "messages": [{"role": "user", "content": QUESTION}]}
    decision = whole_client.post("/v1/chat/completions", json=ask, headers=key).json()["allotment"]["decision"]
    body = {"decision": str(decision), "verdict": "useful"}
    assert whole_client.post("/v1/feedback", json=body, headers=key).status_code == 204
    assert marks.mine(EVA, decision)
    assert whole_client.post("/v1/feedback", json=body).status_code == 401
    refused = whole_client.post("/v1/feedback", json={**body, "verdict": "x"}, headers=key)
    assert refused.json()["error"]["message"].startswith("verdict is one of useful")
    described = whole_client.get("/v1/openapi.json", headers=key).json()["paths"]["/v1/feedback"]["post"]
    assert {"204", "400", "401", "404", "429", "503"} <= set(described["responses"])


def test_nobody_marks_what_another_was_answered_and_a_try_is_on_record(
    whole_client: TestClient, page: Callable[[str], dict[str, str]], marks: MarkStore, record: AuditLog
) -> None:
    foreign, token = asked(record, SOFIA), page("eva")
    login = record_event(record, EVA, "logged-in", {"question": QUESTION})
    ended = record_event(record, EVA, "answered", {"decision": foreign, "question": QUESTION})
    for number in (foreign, login, ended, 999_999, 10**17):
        body = {"decision": str(number), "verdict": "useful"}
        response = whole_client.post("/feedback", json=body, headers=token)
        assert (response.status_code, response.json()) == (404, {"error": "There is no such answer."})
    assert marks.marks(10) == []
    refused = of_kind(record, "feedback-refused", ended)
    assert [one["detail"]["decision"] for one in reversed(refused)] == [foreign, login, ended, 999_999, 10**17]
    assert {one["user"] for one in refused} == {"eva"}


BAD: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({}, "decision is the number of the answer's decision."),
    ({"decision": "0", "verdict": "useful"}, "decision is"),
    ({"decision": "-1", "verdict": "useful"}, "decision is"),
    ({"decision": "1 OR 1=1", "verdict": "useful"}, "decision is"),
    ({"decision": "1\n", "verdict": "useful"}, "decision is"),
    ({"decision": "9" * 19, "verdict": "useful"}, "decision is"),
    ({"decision": 1.5, "verdict": "useful"}, "decision is"),
    ({"decision": "1", "verdict": "great"}, "verdict is one of useful, wrong_answer, wrongly_refused, wrong_agent."),
    ({"decision": "1", "verdict": "useful", "note": "x" * 1001}, "A note has at most 1000 characters."),
    ({"decision": "1", "verdict": "useful", "note": 5}, "A note has"),
    ({"decision": "1", "verdict": "wrong_agent", "agent": ["sales"]}, "agent is a name, or null."),
    ({"decision": "1", "verdict": "useful", "user": "sofia"}, "user is not expected here."),
)


def test_bad_input_is_told_in_a_sentence(
    whole_client: TestClient, page: Callable[[str], dict[str, str]], marks: MarkStore
) -> None:
    token = page("eva")
    for body, sentence in BAD:
        response = whole_client.post("/feedback", json=body, headers=token)
        assert (response.status_code, response.json()["error"][: len(sentence)]) == (400, sentence)
    for raw in (b"", b"[]", b"{", b'{"decision": "1", "decision": "2", "verdict": "useful"}', b"\xff"):
        assert whole_client.post("/feedback", content=raw, headers=token).status_code == 400
    assert marks.marks(10) == []


def test_without_a_session_or_its_token_nothing_is_marked(
    whole_client: TestClient, page: Callable[[str], dict[str, str]], record: AuditLog, marks: MarkStore
) -> None:
    body = {"decision": str(asked(record, EVA)), "verdict": "useful"}
    assert whole_client.post("/feedback", json=body).status_code == 401
    page("eva")
    for headers in ({}, {"x-csrf-token": "0" * 64}):
        assert whole_client.post("/feedback", json=body, headers=headers).status_code == 403
    assert marks.marks(10) == []


@pytest.fixture
def keep(marks: MarkStore, record: AuditLog) -> Callable[..., None]:
    """Keeps a mark as the routes do."""

    def mark(user: Principal, marking: Marking, entitled: tuple[str, ...] = ("handbook", "sales")) -> None:
        Feedback(marks, record.find).mark(user, marking, entitled, partial(record_event, record))

    return mark


def test_who_should_have_answered_is_one_of_the_users_own_agents_and_another_than_did(
    keep: Callable[..., None], record: AuditLog, whole: Whole
) -> None:
    answer = whole.chain.answer(SOFIA, "How many customers are there in Germany?")
    assert answer.record is not None
    marking = Marking(answer.record, "wrong_agent", "handbook")
    keep(SOFIA, marking)
    told = set()
    for agent in ("board", "nobody"):
        with pytest.raises(InputError) as refused:
            keep(SOFIA, replace(marking, agent=agent))
        told.add(refused.value.message)
    assert told == {"Choose one of the agents you may ask."}
    with pytest.raises(InputError, match="did answer"):
        keep(SOFIA, replace(marking, agent=answer.agent))
    with pytest.raises(InputError, match="wrong_agent alone"):
        keep(SOFIA, replace(marking, verdict="useful"))


def test_a_key_that_is_not_good_for_the_agent_that_answered_marks_nothing_of_it(
    keep: Callable[..., None], whole: Whole
) -> None:
    answer = whole.chain.answer(SOFIA, "How many customers are there in Germany?")
    with pytest.raises(NotYours):
        keep(replace(SOFIA, agents=frozenset({"handbook"})), Marking(answer.record or 0, "useful"))


def test_a_note_is_text_without_what_steers_a_terminal_or_the_direction_of_writing(
    keep: Callable[..., None], record: AuditLog, marks: MarkStore
) -> None:
    number = asked(record, EVA)
    keep(EVA, Marking(number, "useful", note="<b>bold</b>\x1b[31m red\u202e drow\x07\nline two "))
    mark = marks.mine(EVA, number)
    assert mark is not None
    assert mark.note == "<b>bold</b> [31m red  drow \nline two"


def test_what_cannot_be_recorded_is_not_kept(marks: MarkStore, record: AuditLog) -> None:
    def broken(*_: object) -> int:
        raise AccessDenied("nothing may happen that cannot be recorded.")

    number = asked(record, EVA)
    with pytest.raises(AccessDenied):
        Feedback(marks, record.find).mark(EVA, Marking(number, "useful"), (), broken)
    assert marks.marks(10) == []


def test_who_marks_too_often_waits_for_the_next_hour_and_one_record_says_so(
    state_dsns: tuple[str, str], record: AuditLog, marks: MarkStore
) -> None:
    few = MarkStore(state_dsns[0], FeedbackConfig(per_hour=3))
    number = asked(record, EVA)
    feedback = Feedback(few, record.find)
    waits = []
    for _ in range(8):
        try:
            feedback.mark(EVA, Marking(number, "useful"), (), partial(record_event, record))
        except RateLimited as limited:
            waits.append(limited.retry_after_s)
    feedback.mark(SOFIA, Marking(asked(record, SOFIA), "useful"), (), partial(record_event, record))
    few.close()
    assert len(waits) == 5
    assert all(0 < wait <= 3600 for wait in waits)
    assert len(of_kind(record, "limit-reached", number)) == 1
    assert len(of_kind(record, "feedback-marked", number)) == 4


def test_a_statement_that_forgets_whose_mark_it_is_finds_and_changes_nothing(
    keep: Callable[..., None], record: AuditLog, state_dsns: tuple[str, str]
) -> None:
    number = asked(record, SOFIA)
    keep(SOFIA, Marking(number, "useful"))
    with psycopg.connect(state_dsns[0]) as connection:
        for setting in ("", "eva", "%", "sofia "):
            connection.execute("SELECT set_config('allotment.feedback_of', %s, true)", [setting])
            assert connection.execute("SELECT FROM gateway.feedback").rowcount == 0
            assert connection.execute("UPDATE gateway.feedback SET note = 'forged'").rowcount == 0
        connection.execute("SELECT set_config('allotment.feedback_review', 'on', true)")
        assert connection.execute("SELECT FROM gateway.feedback").rowcount == 1
        assert connection.execute("UPDATE gateway.feedback SET note = 'forged'").rowcount == 0
    with psycopg.connect(state_dsns[0]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM gateway.feedback")


def test_marks_older_than_the_project_keeps_them_are_gone(
    keep: Callable[..., None], record: AuditLog, marks: MarkStore, run_sql: Callable[..., int]
) -> None:
    old, young = asked(record, EVA), asked(record, EVA)
    for number in (old, young):
        keep(EVA, Marking(number, "useful"))
    run_sql("UPDATE gateway.feedback SET marked_at = now() - interval '366 days' WHERE decision = %s", old)
    assert marks.forget_old() == 1
    assert [mark.decision for mark in marks.marks(10)] == [young]


_KINDS = ["decision", "guard-refused", "unknown", "failed", "answered", "logged-in", "feedback-marked"]


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(_KINDS),
    st.sampled_from(["eva", "sofia", "", None]),
    st.dictionaries(st.sampled_from(["question", "decision", "checks", "agent", "after"]), st.text() | st.integers()),
    st.booleans(),
)
def test_whatever_stands_on_record_only_the_user_it_names_marks_a_decision_about_his_own_answer(
    record: AuditLog, keep: Callable[..., None], kind: str, user: str | None, detail: dict[str, Any], search: bool
) -> None:
    event: dict[str, Any] = {"user": user, "role": "employee", "kind": kind, "detail": detail}
    if kind == "decision":
        event |= {"search": search, "outcome": "allow", "agent": "handbook", "question": QUESTION}
    number = record.append(event).sequence
    is_an_answer = (kind == "decision" and not search) or (
        kind in ("guard-refused", "unknown", "failed") and "decision" not in detail
    )
    for name in ("eva", "sofia"):
        try:
            keep(Principal(name, "employee"), Marking(number, "useful"))
            kept = True
        except NotYours:
            kept = False
        assert kept == (is_an_answer and user == name)


@pytest.mark.parametrize("kept", ["hashed", "omitted"])
def test_of_a_record_that_keeps_no_words_none_are_taken(record: AuditLog, kept: Any) -> None:
    found = asked_of(record.find([number := asked(record, EVA)])[number], kept)
    assert found is not None
    assert (found.question, found.after, found.user) == (None, None, "eva")
