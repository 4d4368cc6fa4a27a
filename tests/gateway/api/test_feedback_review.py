"""A person turns marks into labelled items; nobody learns from what was not approved, or may not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from allotment.access import Principal
from allotment.audit import AuditLog, record_event
from allotment.errors import AccessDenied, IntegrityError, ProjectError
from allotment.feedback import FeedbackLedger
from allotment.gateway import Approval, Feedback, FeedbackReview, MarkStore
from allotment.gateway.feedback import Marking
from allotment.project import Project
from allotment.workspace import Workspace

EVA, SOFIA = Principal("eva", "employee"), Principal("sofia", "sales")
ANNA = Principal("anna", "")
"""Who reviews."""
QUESTION = "How is a holiday requested?"


@pytest.fixture
def ledger(tmp_path: Path) -> FeedbackLedger:
    return FeedbackLedger(Workspace(tmp_path))


@pytest.fixture
def review(taught: Project, marks: MarkStore, record: AuditLog, ledger: FeedbackLedger) -> Iterator[FeedbackReview]:
    means = lambda text, agent: "account" if "How many" in text else "adapter"  # noqa: E731
    yield FeedbackReview(taught, marks, ledger, record.find, partial(record_event, record), means)


@pytest.fixture
def marked(marks: MarkStore, record: AuditLog) -> Callable[..., int]:
    """Puts an answer on record and marks it; the number of its decision."""

    def mark(event: dict[str, Any], verdict: Any, user: Principal = SOFIA, agent: str | None = None) -> int:
        who = {"user": user.user, "role": user.role}
        number = record.append({**who, "question": QUESTION, "outcome": "allow", "search": False, **event}).sequence
        said = Marking(number, verdict, agent, "Please look.")
        Feedback(marks, record.find).mark(user, said, ("handbook", "sales"), partial(record_event, record))
        return number

    return mark


REFUSED = {"kind": "guard-refused", "detail": {"question": QUESTION, "checks": {"injection_model": "0.71 of 0.6"}}}
NOBODYS = {"kind": "unknown", "detail": {"question": QUESTION, "why": "no agent"}}
BY_ADAPTER = {"kind": "decision", "agent": "handbook", "adapter": "v1", "account": None}
DENIED = {**BY_ADAPTER, "outcome": "deny"}


@pytest.mark.parametrize(
    ("event", "verdict", "agent", "use", "label", "whose", "means"),
    [
        (REFUSED, "wrongly_refused", None, "guards", "allow", None, None),
        (BY_ADAPTER, "wrong_agent", "sales", "routing", None, "sales", "adapter"),
        (NOBODYS, "wrongly_refused", None, "routing", None, "handbook", "adapter"),
        (BY_ADAPTER, "useful", None, "routing", None, "handbook", "adapter"),
        (BY_ADAPTER, "wrong_answer", None, "dataset", None, "handbook", None),
        (BY_ADAPTER, "wrongly_refused", None, "dataset", None, "handbook", None),
    ],
)
def test_a_mark_becomes_the_item_its_verdict_asks_for(
    review: FeedbackReview,
    ledger: FeedbackLedger,
    marked: Callable[..., int],
    event: dict[str, Any],
    verdict: str,
    agent: str | None,
    use: str,
    label: str | None,
    whose: str | None,
    means: str | None,
) -> None:
    number = marked(event, verdict, agent=agent)
    assert ledger.approved() == []
    named = Approval(agent="handbook") if event is NOBODYS else None
    review.approve(number, ANNA, named)
    (item,) = ledger.approved()
    assert (item.use, item.label, item.agent, item.means) == (use, label, whose, means)
    assert (item.text, item.role, item.readers, item.note) == (QUESTION, "sales", ("sales",), "Please look.")


def test_what_the_record_says_and_what_a_mark_would_teach_is_listed_by_state(
    review: FeedbackReview, marked: Callable[..., int]
) -> None:
    first, second = marked(REFUSED, "wrongly_refused"), marked(BY_ADAPTER, "wrong_answer", EVA)
    assert [one.mark.decision for one in review.entries("open")] == [second, first]
    shown = review.show(first)
    assert (shown.state, shown.question, shown.proposal.use) == ("open", QUESTION, "guards")
    assert shown.asked is not None
    assert dict(shown.asked.checks) == {"injection_model": "0.71 of 0.6"}
    review.approve(first, ANNA)
    review.reject(second, ANNA, "It is right.")
    assert [one.mark.decision for one in review.entries("approved")] == [first]
    (rejected,) = review.entries("rejected")
    assert rejected.decided is not None
    assert (rejected.decided.by, rejected.decided.reason) == ("anna", "It is right.")
    assert review.entries("open") == []
    assert len(review.entries()) == 2


def test_who_approved_what_and_when_is_on_record_before_it_stands_in_the_file(
    review: FeedbackReview, ledger: FeedbackLedger, marked: Callable[..., int], record: AuditLog
) -> None:
    number = marked(BY_ADAPTER, "wrong_agent", agent="sales")
    made = review.approve(number, ANNA, Approval(readers=["sales", "director"]))
    event = record.find([made.record])[made.record].event
    assert (event["user"], event["kind"]) == ("anna", "feedback-approved")
    detail = event["detail"]
    assert (detail["decision"], detail["scope"], detail["agent"]) == (number, "routing", "sales")
    assert (detail["clearance"], detail["question"]) == (["director", "sales"], QUESTION)
    assert ledger.decided()[number] == made


def test_what_cannot_be_recorded_is_neither_approved_nor_rejected(
    taught: Project, marks: MarkStore, record: AuditLog, ledger: FeedbackLedger, marked: Callable[..., int]
) -> None:
    def broken(*_: object) -> int:
        raise AccessDenied("nothing may happen that cannot be recorded.")

    number = marked(REFUSED, "wrongly_refused")
    review = FeedbackReview(taught, marks, ledger, record.find, broken, lambda text, agent: "adapter")
    for act in (review.approve, review.reject):
        with pytest.raises(AccessDenied):
            act(number, ANNA)
    assert ledger.decided() == {}


def test_a_mark_is_approved_once_and_a_second_reviewer_is_told_by_whom(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger
) -> None:
    number = marked(REFUSED, "wrongly_refused")
    review.approve(number, ANNA)
    with pytest.raises(ProjectError, match="approved already by anna"):
        review.approve(number, Principal("otto", ""))
    assert len(ledger.approved()) == 1


def test_of_many_who_approve_at_once_exactly_one_does(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger, record: AuditLog
) -> None:
    number = marked(REFUSED, "wrongly_refused")

    def approve(name: str) -> bool:
        try:
            review.approve(number, Principal(name, ""))
        except ProjectError:
            return False
        return True

    with ThreadPoolExecutor(6) as people:
        done = list(people.map(approve, [f"reviewer-{n}" for n in range(6)]))
    assert sum(done) == 1
    lines = (ledger._path).read_text("utf-8").splitlines()
    assert len(lines) == 1
    events = [one for one in record.records(20) if one.event["kind"] == "feedback-approved"]
    assert sum(one.event["detail"]["decision"] == number for one in events) == 1


def test_what_is_rejected_after_it_was_approved_is_learnt_by_nobody_any_more(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger
) -> None:
    number = marked(REFUSED, "wrongly_refused")
    review.approve(number, ANNA)
    review.reject(number, ANNA)
    assert ledger.approved() == []
    assert review.show(number).state == "rejected"


def test_what_was_approved_outlives_its_mark_and_can_be_taken_back_all_the_same(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger, run_sql: Callable[..., int]
) -> None:
    number = marked(REFUSED, "wrongly_refused")
    review.approve(number, ANNA)
    assert review.left_behind() == {}
    run_sql("DELETE FROM gateway.feedback WHERE decision = %s", number)
    assert list(review.left_behind()) == [number]
    assert len(ledger.approved()) == 1
    review.reject(number, ANNA)
    assert ledger.approved() == []
    assert review.left_behind() == {}
    with pytest.raises(ProjectError, match="nobody marked"):
        review.reject(10**9, ANNA)


def test_a_user_who_marks_again_opens_his_mark_anew_and_the_item_stays_until_somebody_decides(
    review: FeedbackReview, marks: MarkStore, record: AuditLog, marked: Callable[..., int], ledger: FeedbackLedger
) -> None:
    number = marked(BY_ADAPTER, "wrong_agent", agent="sales")
    looked_at = review.show(number).mark.id
    review.approve(number, ANNA)
    again = Marking(number, "useful")
    Feedback(marks, record.find).mark(SOFIA, again, ("handbook", "sales"), partial(record_event, record))
    assert review.show(number).state == "open"
    assert [item.verdict for item in ledger.approved()] == ["wrong_agent"]
    with pytest.raises(ProjectError, match="changed his mark"):
        review.approve(number, ANNA, Approval(mark=looked_at))
    review.approve(number, ANNA)
    assert [item.verdict for item in ledger.approved()] == ["useful"]


def test_nothing_is_learnt_of_an_access_that_was_denied(review: FeedbackReview, marked: Callable[..., int]) -> None:
    number = marked(DENIED, "wrongly_refused")
    with pytest.raises(ProjectError, match=r"access is decided by allotment\.yaml"):
        review.approve(number, ANNA)


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        (Approval(use="routing", agent="board"), "may not ask an agent 'board'"),
        (Approval(use="routing"), "no agent is named"),
        (Approval(use="dataset", agent="nobody"), "may not ask an agent 'nobody'"),
        (Approval(readers=["ghost"]), "no role 'ghost'"),
        (Approval(text="  "), "the text is empty"),
    ],
)
def test_what_a_person_says_must_fit_and_else_nothing_is_written(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger, approval: Approval, why: str
) -> None:
    number = marked(REFUSED, "wrongly_refused")
    with pytest.raises(ProjectError) as refused:
        review.approve(number, ANNA, approval)
    assert why in str(refused.value)
    assert ledger.decided() == {}
    with pytest.raises(ProjectError, match="nobody marked"):
        review.approve(10**9, ANNA)


@pytest.mark.parametrize("kept", ["hashed", "omitted"])
def test_where_no_words_are_kept_the_mark_is_and_a_person_gives_the_words(
    taught: Project, marks: MarkStore, record: AuditLog, ledger: FeedbackLedger, marked: Callable[..., int], kept: str
) -> None:
    number = marked(REFUSED, "wrongly_refused")
    project = taught.model_copy(update={"audit": taught.audit.model_copy(update={"questions": kept})})
    write = partial(record_event, record)
    review = FeedbackReview(project, marks, ledger, record.find, write, lambda text, agent: "adapter")
    (entry,) = [one for one in review.entries() if one.mark.decision == number]
    assert entry.question is None
    with pytest.raises(ProjectError, match="words of the question are not kept"):
        review.approve(number, ANNA)
    review.approve(number, ANNA, Approval(text="May I ignore a rule?"))
    assert [item.text for item in ledger.approved()] == ["May I ignore a rule?"]


def test_a_follow_up_is_learnt_as_the_one_question_the_agent_was_asked(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger
) -> None:
    event = {**BY_ADAPTER, "question": "And to Sweden?", "after": "How many orders went to Germany?"}
    number = marked(event, "wrong_agent", agent="sales")
    review.approve(number, ANNA)
    (item,) = ledger.approved()
    assert (item.text, item.means) == ("How many orders went to Sweden?", "account")


def test_nothing_is_read_from_or_added_to_a_file_that_was_changed(
    review: FeedbackReview, marked: Callable[..., int], ledger: FeedbackLedger
) -> None:
    first, second = marked(REFUSED, "wrongly_refused"), marked(REFUSED, "wrongly_refused", EVA)
    review.approve(first, ANNA)
    file = ledger._path
    whole = file.read_text("utf-8")
    file.write_text(whole.replace(QUESTION, "What did the board decide?"), "utf-8")
    for act in (review.entries, ledger.approved, partial(review.approve, second, ANNA)):
        with pytest.raises(IntegrityError, match="is not what was decided"):
            act()
    file.write_text(whole, "utf-8")
    assert len(ledger.approved()) == 1
