"""What is refused, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.dataset._checks import Draft, check
from allotment.dataset._requests import Asker
from allotment.dataset._text import bare, contains, numbers
from allotment.documents import Section
from allotment.project import DatasetConfig

TEXT = "The **ferry** Osprey leaves the north pier at 6:40. A lost life vest costs 1 250 EUR in 2026."
GOOD = ("When does the ferry Osprey leave the north pier?", "What is the departure time of the ferry Osprey?")
ANSWER = "The ferry Osprey leaves the north pier at 6:40."


def section(text: str = TEXT, language: str = "en") -> Section:
    return Section("id", "a.md", "shared", ("Harbour", "Boats"), text, 0, len(text), language, frozenset({"staff"}))


def reason_of(value: str = "6:40", answer: str = ANSWER, questions: tuple[str, ...] = GOOD, text: str = TEXT) -> str:
    return check(Draft(value, answer, questions), section(text), "en").reason


def test_a_grounded_fact_with_two_phrasings_is_kept() -> None:
    verdict = check(Draft("6:40", ANSWER, GOOD), section(), "en")
    assert (verdict.reason, verdict.questions) == ("", GOOD)


@pytest.mark.parametrize(
    ("value", "answer", "reason"),
    [
        ("", ANSWER, "length"),
        ("6:40", "6:40", "length"),
        ("6:40", "According to the text, the ferry Osprey leaves at 6:40.", "not-self-contained"),
        ("6:40", "Podle dokumentu odjíždí přívoz Osprey v 6:40.", "language"),
        ("7:40", "The ferry Osprey leaves the north pier at 7:40.", "value-not-in-section"),
        ("6:4", "The ferry Osprey leaves the north pier at 6:4.", "value-not-in-section"),
        ("6:40", "The ferry Osprey leaves the north pier early.", "value-not-in-answer"),
        ("6:40", "The ferry Osprey leaves at 6:40 from pier 3.", "number-not-in-section"),
    ],
)
def test_a_fact_that_does_not_stand_in_its_section_is_rejected(value: str, answer: str, reason: str) -> None:
    assert reason_of(value, answer) == reason


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Does the ferry Osprey leave at 6:40?", "value-in-question"),
        ("The ferry Osprey leaves the north pier at ___. [6:40]", "copies-the-prompt"),
        ("According to the text, when does the ferry Osprey leave?", "not-self-contained"),
        ("Kdy podle textu odjíždí přívoz Osprey?", "not-self-contained"),
        ("When is it?", "not-specific"),
        ("Where does the ferry Osprey leave?", "wrong-kind"),
        ("Kdy a jak se odjíždí od severního mola?", "language"),
        ("When does the ferry Osprey leave pier 3?", "number-not-in-section"),
        ("When?", "length"),
        ("When does the ferry Osprey leave" + " the ferry" * 30, "length"),
    ],
)
def test_a_phrasing_that_cannot_be_used_is_dropped_alone_and_counted(question: str, reason: str) -> None:
    verdict = check(Draft("6:40", ANSWER, (question, *GOOD)), section(), "en")
    assert (verdict.reason, verdict.questions, dict(verdict.dropped)) == ("", GOOD, {reason: 1})
    assert check(Draft("6:40", ANSWER, (question, question)), section(), "en").reason == reason


def test_a_phrasing_about_another_fact_of_the_same_request_is_dropped() -> None:
    stray = "How much for a ferry life vest that was lost?"
    verdict = check(Draft("6:40", ANSWER, (stray, *GOOD)), section(), "en", ["A lost ferry life vest costs 25 EUR."])
    assert (verdict.questions, dict(verdict.dropped)) == (GOOD, {"about-another-fact": 1})


def test_a_phrasing_that_leaves_out_the_name_its_section_bears_gets_it() -> None:
    text = "The contract with Ernst Handel ends on 30 September 2027."
    named = Section("i", "a.md", "s", ("Accounts", "Ernst Handel"), text, 0, len(text), "en", frozenset({"r"}))
    questions = ("When does the contract with Ernst Handel end?", "What is the last day of the contract?")
    verdict = check(Draft("30 September 2027", text, questions), named, "en")
    assert verdict.questions == (questions[0], "Ernst Handel: What is the last day of the contract?")


def test_phrasings_that_differ_in_case_spaces_or_marks_only_are_copies() -> None:
    questions = (GOOD[0], GOOD[0].upper(), GOOD[0].replace(" ", "  ").rstrip("?"))
    verdict = check(Draft("6:40", ANSWER, questions), section(), "en")
    assert (verdict.reason, verdict.dropped["copy"]) == ("", 2)


def test_markup_and_thousands_written_with_a_space_do_not_hide_a_value() -> None:
    assert (
        reason_of("ferry Osprey", ANSWER, ("What leaves the north pier at 6:40?", "Which boat leaves the pier?")) == ""
    )
    assert numbers("1 250 EUR and 1250 EUR in 2 026 ways") == {"1250", "2026"}


def test_a_section_that_speaks_of_documents_may_be_answered_in_its_own_words() -> None:
    text = "As the text of the contract says, the berth of the ship costs 20 EUR."
    assert reason_of("20 EUR", text, ("What does the berth cost?", "How much is the berth of the ship?"), text) == ""


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_contained_as_whole_words_stays_so_inside_more_text(text: str, value: str) -> None:
    if contains(text, value):
        assert contains(f"before {text} after", value)


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert bare(bare(text)) == bare(text)


@pytest.mark.parametrize(
    ("text", "heading", "value", "answer", "questions"),
    [
        (
            "公司的旧渡轮每天早上六点四十分从北码头出发。丢失一件救生衣需要支付二十五欧元。",
            "港口",
            "二十五欧元",
            "丢失一件救生衣需要支付二十五欧元。",
            ("丢失救生衣要付多少钱？", "如果我丢了救生衣，需要支付多少？"),
        ),
        (
            "เรือข้ามฟากออกเวลา 6:40 จากท่าเรือเหนือ",
            "ท่าเรือ",
            "6:40",
            "เรือข้ามฟากออกเวลา 6:40",
            ("เรือข้ามฟากออกเวลาใด?", "เรือข้ามฟากออกกี่โมง?"),
        ),
    ],
)
def test_a_script_without_spaces_is_checked_like_any_other(
    text: str, heading: str, value: str, answer: str, questions: tuple[str, ...]
) -> None:
    place = Section("id", "a.md", "shared", (heading,), text, 0, len(text), "und", frozenset({"staff"}), 60)
    assert check(Draft(value, answer, questions), place, "und").questions == questions
    wrong = Draft(value[:-1] + "九", answer, questions)
    assert check(wrong, place, "und").reason in ("value-not-in-section", "number-not-in-section")


def test_a_section_without_spaces_is_asked_for_facts_by_its_tokens() -> None:
    text = "公司的旧渡轮每天早上六点四十分从北码头出发。丢失一件救生衣需要支付二十五欧元。"
    place = Section("id", "a.md", "shared", ("港口",), text, 0, len(text), "und", frozenset({"staff"}), 60)
    rounds = list(Asker(DatasetConfig(questions=3, rounds=1), "teacher").rounds_of(place))
    assert sum(request.asked for request in rounds[0]) == 3
