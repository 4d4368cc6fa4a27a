"""What became of each thing asked for, from rows alone: waiting, accepted, rejected, failed, and tried once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_section import made_section

from allotment.dataset._checks import Draft
from allotment.dataset._outcomes import NOT_ANSWERED, Outcome, SectionWork, is_done, outcomes_of, settle
from allotment.dataset._requests import Asker, Request
from allotment.project import DatasetConfig

SECTION = made_section(
    "The ferry Osprey leaves the north pier at 6:40. Spare ropes are kept in the shed Walnut, as everybody knows."
    " A lost life vest costs 25 EUR. The yearly berth for a rowing boat costs 310 EUR and is paid in spring."
)
CONFIG = DatasetConfig(questions=2, rounds=3, paraphrases=1, rewrites=("summary",))
ASKER = Asker(CONFIG, "teacher", ("answers the phone", "signs contracts"))
ROUNDS = list(ASKER.rounds_of(SECTION))
Row = dict[str, Any]


def drafts_of(request: Request) -> list[Row | None]:
    """Drafts that pass every check."""
    return [
        asdict(Draft(fact.value, fact.statement, tuple(_questions(fact.statement, fact.value)), (), fact.quote))
        for fact in request.given
    ]


def _questions(statement: str, value: str) -> tuple[str, str]:
    told = statement.replace(value, "something").rstrip(".")
    return f"What is true here: {told}?", f"Tell me about this: {told}."


def row(drafts: list[Row | None], reason: str = "") -> Row:
    return {"state": "failed" if reason else "done", "reason": reason, "drafts": drafts}


def states(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.reason) for outcome in outcomes]


FIRST = ROUNDS[0][0]


def test_what_has_no_row_waits() -> None:
    assert states(outcomes_of(FIRST, {})) == [("waiting", "")] * 2
    assert not is_done({}, FIRST)


def test_good_drafts_are_accepted_for_the_facts_that_were_given() -> None:
    found = outcomes_of(FIRST, {FIRST.key: row(drafts_of(FIRST))})
    assert states(found) == [("accepted", "")] * 2
    assert [outcome.fact for outcome in found] == list(FIRST.given)


def test_a_draft_without_a_schema_is_rejected_and_one_that_did_not_come_failed() -> None:
    assert states(outcomes_of(FIRST, {FIRST.key: row([None])})) == [("rejected", "schema"), ("failed", "missing")]
    cut = row(drafts_of(FIRST)[:1], "cut-off")
    assert states(outcomes_of(FIRST, {FIRST.key: cut})) == [("accepted", ""), ("failed", "cut-off")]


def test_drafts_beyond_what_was_asked_are_ignored() -> None:
    assert len(outcomes_of(FIRST, {FIRST.key: row(drafts_of(FIRST) * 3)})) == 2


@pytest.mark.parametrize("reason", ["timeout", "connection", "rate-limited", "server-error"])
def test_a_request_that_was_not_answered_is_not_done_and_has_no_second_try(reason: str) -> None:
    rows = {FIRST.key: row([], reason)}
    assert reason in NOT_ANSWERED and not is_done(rows, FIRST)
    settled = settle(FIRST, ASKER, rows)
    assert (states(settled.outcomes), settled.second) == ([("failed", reason)] * 2, None)


def test_what_was_not_accepted_is_asked_once_more_and_takes_the_place_of_the_first() -> None:
    good = drafts_of(FIRST)
    rows = {FIRST.key: row([None, good[1]])}
    second = settle(FIRST, ASKER, rows).second
    assert second is not None
    assert (second.given, second.asked, second.round) == (FIRST.given[:1], 1, FIRST.round)
    assert second.key != FIRST.key
    rows[second.key] = row(drafts_of(second))
    settled = settle(FIRST, ASKER, rows)
    assert (states(settled.outcomes), settled.second) == ([("accepted", "")] * 2, second)
    assert [outcome.fact for outcome in settled.outcomes] == list(FIRST.given)


def test_there_is_no_third_try() -> None:
    rows = {FIRST.key: row([])}
    second = settle(FIRST, ASKER, rows).second
    assert second is not None
    rows[second.key] = row([None], "not-json")
    settled = settle(FIRST, ASKER, rows)
    assert states(settled.outcomes) == [("rejected", "schema"), ("failed", "not-json")]
    assert SectionWork(SECTION, ASKER, rows).second_tries() == [second], "the same, answered or not"


def test_where_everything_was_accepted_there_is_no_second_try() -> None:
    assert settle(FIRST, ASKER, {FIRST.key: row(drafts_of(FIRST))}).second is None


def test_a_rewrite_is_accepted_without_what_the_section_does_not_say() -> None:
    request = next(ASKER.rewrites_of(SECTION))
    text = "A lost life vest costs 25 EUR. A lost oar costs 99 EUR."
    found = outcomes_of(request, {request.key: {"state": "done", "reason": "", "drafts": [text]}})
    assert [(one.state, one.text, one.dropped) for one in found] == [("accepted", "A lost life vest costs 25 EUR.", 1)]
    assert states(outcomes_of(request, {request.key: row([], "empty")})) == [("failed", "empty")]


def test_every_round_asks_for_so_many_facts_none_twice_as_far_as_the_section_has_any() -> None:
    given_facts = [fact.value for requests in ROUNDS for request in requests for fact in request.given]
    assert len(given_facts) == len(set(given_facts)) > 2
    assert all(sum(request.asked for request in requests) <= CONFIG.questions for requests in ROUNDS)
    assert [requests[0].persona for requests in ROUNDS] == ["answers the phone", "signs contracts", "answers the phone"]


def test_a_free_choice_is_told_the_values_of_all_other_requests() -> None:
    free = next(request for requests in ROUNDS for request in requests if not request.given)
    work = SectionWork(SECTION, ASKER, {})
    assert set(work.covered_before(free)) == {fact.value for requests in ROUNDS for r in requests for fact in r.given}


@pytest.mark.parametrize("other", ["model", "rounds", "personas", "text", "questions"])
def test_a_key_changes_with_what_is_told_and_with_nothing_else(other: str) -> None:
    keys = [request.key for requests in ROUNDS for request in requests]
    changed = {
        "model": Asker(CONFIG, "another", ASKER.personas).rounds_of(SECTION),
        "rounds": Asker(CONFIG.model_copy(update={"rounds": 2}), "teacher", ASKER.personas).rounds_of(SECTION),
        "personas": Asker(CONFIG, "teacher", ("dives", "signs contracts")).rounds_of(SECTION),
        "text": ASKER.rounds_of(made_section(SECTION.text.replace("25", "26"))),
        "questions": Asker(CONFIG.model_copy(update={"questions": 3}), "teacher", ASKER.personas).rounds_of(SECTION),
    }
    found = [request.key for requests in changed[other] for request in requests]
    if other == "rounds":
        assert found == keys[: len(found)], "what was asked before is not asked again"
    elif other == "personas":
        assert set(found) & set(keys) == set(keys[len(ROUNDS[0]) : len(ROUNDS[0]) + len(ROUNDS[1])])
    else:
        assert not set(found) & set(keys)


_DRAFT = st.none() | st.builds(
    lambda value, answer, questions: asdict(Draft(value, answer, tuple(questions))),
    st.sampled_from(["6:40", "Walnut", "25 EUR", "nowhere", ""]),
    st.sampled_from([SECTION.text, "It is 6:40.", "The ferry Osprey leaves the north pier at 6:40.", ""]),
    st.lists(
        st.sampled_from(["When does the ferry Osprey leave?", "Kdy?", "", "What costs 25 EUR?"]), min_size=1, max_size=3
    ),
)
_REASONS = st.sampled_from(["", "not-json", "timeout", "cut-off", "empty", "schema"])


@settings(max_examples=80)
@given(drafts=st.lists(st.lists(_DRAFT, max_size=4), min_size=6, max_size=6), reasons=st.lists(_REASONS, min_size=6))
def test_each_request_has_exactly_as_many_outcomes_as_it_asked_for(
    drafts: list[list[Row | None]], reasons: list[str]
) -> None:
    requests = [request for requests in ROUNDS for request in requests]
    rows: Mapping[str, Row] = {
        request.key: row(told, reason) for request, told, reason in zip(requests, drafts, reasons, strict=False)
    }
    work = SectionWork(SECTION, ASKER, rows)
    for request, settled in work.settled:
        assert len(settled.outcomes) == request.asked
        if request.key in rows:
            assert {outcome.state for outcome in settled.outcomes} <= {"accepted", "rejected", "failed"}
            assert all(outcome.reason or outcome.state == "accepted" for outcome in settled.outcomes)
    accepted = sum(one.state == "accepted" for _, settled in work.settled for one in settled.outcomes)
    assert len(work.turned()) <= accepted
