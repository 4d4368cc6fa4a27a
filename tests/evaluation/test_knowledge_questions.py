"""What is asked: unanswerable questions name nothing that is told, samples are spread, shipped files are whole."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.dataset import load_items
from allotment.documents import load_sections, stems_of
from allotment.evaluation.knowledge._judge import hand_labels, judge_agreement, read_verdict
from allotment.evaluation.knowledge._questions import questions_of, readable_sections, spread
from allotment.evaluation.knowledge._types import Question
from allotment.project import Project
from allotment.workspace import Workspace

SETS = ("trained", "unseen", "unanswerable", "general")


def question(number: int, kind: int, document: int) -> Question:
    return Question(f"q{number}", SETS[kind], f"f{number // 2}", f"{number}?", "1", "1", "en", "x", f"d{document}")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=40), st.integers(0, 50))
def test_a_sample_is_spread_over_sets_and_reproducible(kinds: list[tuple[int, int]], count: int) -> None:
    questions = [question(number, *kind) for number, kind in enumerate(kinds)]
    chosen = spread(questions, count)
    assert chosen == spread(list(reversed(questions)), count)[::-1]
    assert len(chosen) == min(count, len(questions))
    had, got = Counter(one.set for one in questions), Counter(one.set for one in chosen)
    for one in had:
        for other in had:
            assert got[one] == had[one] or got[one] >= got[other] - 1


def test_questions_without_an_answer_name_something_that_stands_in_no_document(taught: Project) -> None:
    workspace = Workspace(taught.root)
    sections = readable_sections(taught, "handbook", load_sections(workspace))
    told = {stem for section in sections for stem in stems_of(section.with_header)}
    asked = [one for one in questions_of(taught, workspace, "handbook") if one.set == "unanswerable"]
    assert len(asked) == 5
    assert all(set(stems_of(one.text)) - told for one in asked)
    assert all(not one.has_answer and "made-up" in one.source for one in asked)


def test_unseen_questions_come_from_documents_the_agent_may_read_and_did_not_learn(taught: Project) -> None:
    workspace = Workspace(taught.root)
    asked = [one for one in questions_of(taught, workspace, "board") if one.set == "unseen"]
    learnt = {item.document for item in load_items(workspace, "board")}
    assert {one.document.split("/")[1] for one in asked} == {"handbook"}
    assert not {one.document for one in asked} & learnt
    assert all("from the dataset of handbook" in one.source for one in asked)


def test_an_agent_is_never_asked_of_documents_that_one_of_its_roles_may_not_read(taught: Project) -> None:
    workspace = Workspace(taught.root)
    asked = [one for one in questions_of(taught, workspace, "handbook") if one.set == "unseen"]
    assert asked
    assert all(one.source.startswith("shipped") and not one.document for one in asked)


def test_the_hand_labels_are_a_hundred_half_of_them_wrong() -> None:
    labels = hand_labels()
    assert len({(one.question, one.answer) for one in labels}) == 100
    assert Counter(one.right for one in labels) == {True: 50, False: 50}
    assert {one.language for one in labels} == {"en", "cs", "de"}


def test_general_questions_are_thirty_and_all_have_an_answer(taught: Project) -> None:
    asked = [one for one in questions_of(taught, Workspace(taught.root), "board") if one.set == "general"]
    assert len(asked) == 30
    assert all(one.has_answer for one in asked)


@settings(max_examples=25)
@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_a_verdict(text: str) -> None:
    assert read_verdict(text) in (True, False, None)


def test_a_verdict_is_read_and_rubbish_is_none() -> None:
    assert read_verdict('{"verdict": "right"}') is True
    assert read_verdict('{"verdict": "wrong"}') is False
    assert [read_verdict(text) for text in ('{"verdict": "maybe"}', "[]", '{"verdict": ["right"]}', "")] == [None] * 4


def test_a_judge_that_always_says_right_agrees_with_half_and_beyond_chance_with_none() -> None:
    found = judge_agreement("judge", lambda *_: True, hand_labels())
    assert (found.share, found.kappa, found.without_verdict) == (0.5, 0.0, 0)


def test_a_judge_without_a_verdict_on_more_than_a_tenth_has_no_figure() -> None:
    told = iter([None] * 11 + [True] * 89)
    found = judge_agreement("judge", lambda *_: next(told), hand_labels())
    assert (found.share, found.is_shown, found.without_verdict) == (None, False, 11)
