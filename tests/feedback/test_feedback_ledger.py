"""The file of what was decided about marks, and who may learn from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from allotment.errors import IntegrityError
from allotment.feedback import USES, Decided, FeedbackLedger, LabelledItem, for_dataset, for_guards, for_router
from allotment.workspace import Workspace

ROLES = ("boss", "clerk", "driver")


def item(text: str = "When does the dock open?", role: str = "clerk", readers: Sequence[str] = ()) -> LabelledItem:
    return LabelledItem(
        use="routing",
        text=text,
        role=role,
        readers=tuple(sorted({role, *readers})),
        agent="rules",
        means="adapter",
        verdict="wrong_agent",
    )


def decided(number: int, made: LabelledItem | None, mark: str = "m") -> Decided:
    outcome = "reject" if made is None else "approve"
    parts = {"decision": number, "mark": mark, "outcome": outcome, "by": "anna", "at": datetime(2026, 1, 2, tzinfo=UTC)}
    return Decided.model_validate({**parts, "record": 7, "item": made})


def put(ledger: FeedbackLedger, number: int, made: LabelledItem | None) -> Decided:
    return ledger.decide(number, lambda before: decided(number, made))


_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(str.strip)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 4), st.none() | _TEXTS), max_size=6))
def test_the_last_decision_about_a_mark_counts_and_whatever_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str | None]]
) -> None:
    ledger, last = FeedbackLedger(Workspace(tmp_path_factory.mktemp("ledger"))), {}
    for number, text in steps:
        last[number] = put(ledger, number, None if text is None else item(text))
    assert ledger.decided() == last
    assert ledger.approved() == [one.item for one in last.values() if one.item is not None]


def test_nothing_was_decided_where_there_is_no_file(tmp_path: Path) -> None:
    ledger = FeedbackLedger(Workspace(tmp_path))
    assert ledger.decided() == {}
    assert not (tmp_path / ".allotment").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: {**row, "by": "somebody else"},
        lambda row: {**row, "item": {**row["item"], "readers": ["boss", "clerk"]}},
        lambda row: {**row, "outcome": "approve", "extra": 1},
        lambda row: {**row, "key": "2"},
        lambda row: {**row, "seal": "0" * 64},
        lambda row: {name: value for name, value in row.items() if name != "seal"},
        lambda row: {"key": "1"},
    ],
)
def test_a_line_nobody_decided_stops_whoever_reads(tmp_path: Path, spoil: object) -> None:
    workspace = Workspace(tmp_path)
    ledger = FeedbackLedger(workspace)
    put(ledger, 1, item())
    assert callable(spoil)
    row = json.loads(workspace.feedback_file.read_text("utf-8"))
    workspace.feedback_file.write_text(json.dumps(spoil(row)) + "\n", "utf-8")
    with pytest.raises(IntegrityError, match="allotment feedback approve"):
        ledger.approved()


def test_a_line_of_another_project_is_none_of_this_one(tmp_path: Path) -> None:
    mine, other = Workspace(tmp_path / "mine"), Workspace(tmp_path / "other")
    for workspace in (mine, other):
        put(FeedbackLedger(workspace), 1, item())
    mine.feedback_file.write_bytes(other.feedback_file.read_bytes())
    with pytest.raises(IntegrityError):
        FeedbackLedger(mine).approved()


def test_a_line_torn_by_a_crash_was_never_written_and_the_next_one_is(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    ledger = FeedbackLedger(workspace)
    put(ledger, 1, item("first"))
    whole = workspace.feedback_file.read_bytes()
    workspace.feedback_file.write_bytes(whole + whole[: len(whole) // 2])
    assert [one.text for one in ledger.approved()] == ["first"]
    put(ledger, 2, item("second"))
    assert [one.text for one in ledger.approved()] == ["first", "second"]


@pytest.mark.parametrize("garbage", [b"\x00\xff\n", b"[]\n", b"{}\n", b"null\n"])
def test_a_corrupted_file_is_told_and_left_as_it_is(tmp_path: Path, garbage: bytes) -> None:
    workspace = Workspace(tmp_path)
    ledger = FeedbackLedger(workspace)
    put(ledger, 1, item())
    with workspace.feedback_file.open("ab") as file:
        file.write(garbage)
    before = workspace.feedback_file.read_bytes()
    for act in (ledger.approved, lambda: put(ledger, 2, item())):
        with pytest.raises(IntegrityError):
            act()
    assert workspace.feedback_file.read_bytes() == before


def _decide_many(root: str, first: int) -> None:
    ledger = FeedbackLedger(Workspace(Path(root)))
    for number in range(first, first + 10):
        put(ledger, number, item(f"question {number}"))


def test_processes_that_decide_at_once_lose_nothing(tmp_path: Path) -> None:
    fork = get_context("fork")
    people = [fork.Process(target=_decide_many, args=(str(tmp_path), first)) for first in (1, 11, 21)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [person.exitcode for person in people] == [0, 0, 0]
    assert sorted(FeedbackLedger(Workspace(tmp_path)).decided()) == list(range(1, 31))


@pytest.mark.parametrize(
    "parts",
    [
        {"text": " \n"},
        {"readers": ("boss",)},
        {"readers": ("clerk", "boss")},
        {"readers": ()},
        {"means": None},
        {"use": "guards"},
        {"use": "dataset", "agent": None},
        {"use": "everything"},
        {"verdict": "nice"},
        {"label": "harmless"},
        {"more": 1},
    ],
)
def test_an_item_that_says_less_or_other_than_it_must_is_none(parts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LabelledItem.model_validate({**item().model_dump(), **parts})


_ITEMS = st.builds(
    lambda use, role, more, agent: LabelledItem(
        use=use,
        text="?",
        role=role,
        readers=tuple(sorted({role, *more})),
        agent=agent,
        means="adapter",
        label="allow",
        verdict="useful",
    ),
    st.sampled_from(USES),
    st.sampled_from(ROLES),
    st.sets(st.sampled_from(ROLES)),
    st.sampled_from(["rules", "plans"]),
)


@given(st.lists(_ITEMS, max_size=8), st.sampled_from(ROLES), st.sets(st.sampled_from(["rules", "plans"])))
def test_nobody_learns_a_text_that_one_of_those_he_serves_may_not_read(
    items: list[LabelledItem], role: str, agents: set[str]
) -> None:
    learnt, left_out = for_guards(items, ROLES)
    assert all(one.use == "guards" and set(ROLES) <= set(one.readers) for one in learnt)
    assert len(learnt) + left_out == sum(one.use == "guards" for one in items)
    routed = for_router(items, role, agents)
    assert all(one.use == "routing" and role in one.readers and one.agent in agents for one in routed)
    mine = [one for one in items if one.use == "routing" and role in one.readers and one.agent in agents]
    assert len(routed) == len(mine)
    assert all(one.use == "dataset" and one.agent == "rules" for one in for_dataset(items, "rules"))
