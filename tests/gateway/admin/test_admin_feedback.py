"""Marks of users on the page: approved or rejected by those alone who may read what they are about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from admin_place import Place, Visitor

from allotment.access import Policy, Principal, Request
from allotment.audit import authorize, record_event
from allotment.feedback import FeedbackLedger

AsRole = Callable[[str | None], Visitor]


@pytest.fixture
def refused(place: Place) -> Iterator[tuple[int, str]]:
    """A question of an employee that was wrongly refused, marked; its decision and the mark's id."""
    detail = {"question": "Where do I get my badge?", "checks": {"override": "badge"}}
    number = record_event(place.audit, Principal("petra", "employee"), "guard-refused", detail)
    place.mark("petra", "employee", number, "wrongly_refused", "Only my badge!")
    mark = place.feedback.store.mark(number)
    assert mark is not None
    yield number, mark.id
    place.run_sql("DELETE FROM gateway.feedback WHERE decision = %s", number)
    place.workspace.feedback_file.unlink(missing_ok=True)


def test_a_mark_is_approved_for_those_who_learn_from_it_and_once(
    place: Place, as_role: AsRole, refused: tuple[int, str]
) -> None:
    number, mark = refused
    page = as_role("dana").get("/admin/feedback").text
    assert "Where do I get my badge?" in page
    assert "Only my badge!" in page
    form = {"mark": mark, "use": "guards", "label": "allow", "text": "Where do I get a badge?"}
    for _ in range(2):
        done = as_role("dana").post(f"/admin/feedback/{number}/approve", form)
        assert done.headers["location"] == "/admin/feedback?done=approved"
    (item,) = FeedbackLedger(place.workspace).approved()
    assert (item.use, item.label, item.text, item.readers) == (
        "guards",
        "allow",
        "Where do I get a badge?",
        ("employee",),
    )
    assert len([event for event in place.events("feedback-approved") if event["detail"]["decision"] == number]) == 1
    assert "Where do I get my badge?" in as_role("dana").get("/admin/feedback?state=approved").text
    as_role("dana").post(f"/admin/feedback/{number}/reject", {"reason": "no"})
    assert FeedbackLedger(place.workspace).approved() == []


@pytest.mark.parametrize(
    "form, words",
    [
        ({"mark": "another", "use": "guards", "label": "allow"}, "The user changed this mark meanwhile."),
        ({"use": "nobody"}, "Choose who learns from it."),
        ({"use": "guards", "label": ""}, "Choose what it is to the guards."),
        ({"use": "routing", "agent": ""}, "Choose the agent."),
        ({"use": "routing", "agent": "board"}, "It could not be approved"),
    ],
)
def test_what_does_not_fit_is_told_and_not_learnt(
    place: Place, as_role: AsRole, refused: tuple[int, str], form: dict[str, str], words: str
) -> None:
    number, mark = refused
    found = as_role("dana").post(f"/admin/feedback/{number}/approve", {"mark": mark, "text": "x", **form})
    assert (found.status_code in (400, 409), words in found.text) == (True, True)
    assert FeedbackLedger(place.workspace).approved() == []


def test_words_of_a_mark_are_for_those_who_reach_what_its_user_reaches(place: Place, as_role: AsRole) -> None:
    """``operator`` may change feedback, and reads nothing: he neither reads nor approves unread."""
    question = "What is the price of Kestrel?"
    request = Request("board", account="northwind_board")
    grant = authorize(place.audit, Policy.of(place.project), Principal("dana", "director"), request, question=question)
    place.mark("dana", "director", grant.record, "wrong_answer", "It is in the acquisition plan.")
    mark = place.feedback.store.mark(grant.record)
    assert mark is not None
    olga = as_role("olga")
    page = olga.get("/admin/feedback").text
    assert f"decision {grant.record}" in page
    assert "words not for you to read" in page
    for secret in (question, "acquisition plan", "Kestrel"):
        assert secret not in page
    for path in ("approve", "reject"):
        form = {"mark": mark.id, "use": "dataset", "agent": "board", "text": "x"}
        assert olga.post(f"/admin/feedback/{grant.record}/{path}", form).status_code == 403
    assert FeedbackLedger(place.workspace).decided() == {}
    assert question in as_role("dana").get("/admin/feedback").text
    place.run_sql("DELETE FROM gateway.feedback WHERE decision = %s", grant.record)


def test_a_mark_that_is_not_there_is_told_in_words(as_role: AsRole) -> None:
    for number in ("999999", "0", "x"):
        for act in ("approve", "reject"):
            found = as_role("dana").post(f"/admin/feedback/{number}/{act}", {"use": "guards"})
            assert (found.status_code, "There is no such mark." in found.text) == (404, True)


def test_what_a_user_wrote_is_text(place: Place, as_role: AsRole) -> None:
    evil = '"><img src=x onerror=alert(1)>'
    detail = {"question": evil, "checks": {"override": evil}}
    number = record_event(place.audit, Principal("petra", "employee"), "guard-refused", detail)
    place.mark("petra", "employee", number, "wrongly_refused", evil)
    page = as_role("dana").get("/admin/feedback").text
    assert "<img src=x" not in page
    assert len(re.findall("onerror", page)) >= 2
    place.run_sql("DELETE FROM gateway.feedback WHERE decision = %s", number)
