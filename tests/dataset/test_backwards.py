"""Facts asked backwards: what is built from a sentence, what the teacher words, and what is not turned at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import pytest
from conftest_dataset import DECLARATION, Teacher, good_reply
from hypothesis import example, given
from hypothesis import strategies as st
from made_section import made_section

from allotment.dataset import generate, load_items
from allotment.dataset._backwards import Backwards, needed, turn
from allotment.dataset._facts import Fact, find_facts
from allotment.dataset._text import contains
from allotment.models import Message
from allotment.project import Project
from allotment.workspace import Workspace

MakeProject = Callable[..., tuple[Project, Workspace]]


def turned(value: str, text: str, language: str = "en") -> Backwards | None:
    return turn(value, text, made_section(text, language))


@pytest.mark.parametrize(
    ("text", "value", "language", "subject", "question"),
    [
        ("The ferry leaves the pier at 6:40.", "6:40", "en", "The ferry", "What leaves the pier at 6:40?"),
        (
            "Spare ropes are kept in the Walnut shed.",
            "Walnut",
            "en",
            "Spare ropes",
            "What are kept in the Walnut shed?",
        ),
        ("Roční kotviště stojí 310 EUR.", "310 EUR", "cs", "Roční kotviště", "Co stojí 310 EUR?"),
        ("Prvý prievoz začína o 6:40.", "6:40", "sk", "Prvý prievoz", "Čo začína o 6:40?"),
        ("Die verlorene Weste kostet 25 EUR.", "25 EUR", "de", "Die verlorene Weste", "Was kostet 25 EUR?"),
    ],
)
def test_a_sentence_that_begins_with_its_subject_becomes_a_question_for_it(
    text: str, value: str, language: str, subject: str, question: str
) -> None:
    assert turned(value, text, language) == Backwards(subject, question)


@pytest.mark.parametrize("pronoun", ["It", "This", "They", "There", "She"])
def test_a_pronoun_is_no_subject(pronoun: str) -> None:
    assert turned("6:40", f"{pronoun} leaves the north pier at 6:40.") is None


@pytest.mark.parametrize(
    ("text", "value", "language"),
    [("To stojí 25 EUR.", "25 EUR", "cs"), ("Es kostet 25 EUR.", "25 EUR", "de")],
)
def test_a_pronoun_of_another_language_is_none_either(text: str, value: str, language: str) -> None:
    assert turned(value, text, language) is None


def test_a_value_that_stands_for_several_subjects_is_not_asked_backwards() -> None:
    text = "A lost life vest costs 25 EUR. A lost oar costs 25 EUR."
    assert turn("25 EUR", "A lost oar costs 25 EUR.", made_section(text)) is None


def test_a_value_inside_a_longer_number_is_no_second_place() -> None:
    text = "A lost oar costs 5 EUR. The deposit for it was 25 EUR."
    assert turn("5 EUR", "A lost oar costs 5 EUR.", made_section(text)) == Backwards("A lost oar", "What costs 5 EUR?")


def test_a_row_is_asked_for_its_first_cell_whose_column_may_have_two_words() -> None:
    text = "| Staff member | Desk | Floor |\n|---|---|---|\n| Ada Long | D12 | third |\n| Ben Short | D14 | first |"
    section = made_section(text)
    fact = next(fact for fact in find_facts(section) if fact.value == "D12")
    assert turn(fact.value, fact.statement, section) == Backwards("Ada Long", "Staff member: Desk: D12?")


def test_a_row_belongs_to_the_table_with_its_own_first_column() -> None:
    text = "| Staff | Key |\n|---|---|\n| cooks | K1 |\n\n| Staff member | Desk |\n|---|---|\n| Ada Long | D12 |"
    section = made_section(text)
    found = turn("D12", "Staff member Ada Long – Desk: D12.", section)
    assert found == Backwards("Ada Long", "Staff member: Desk: D12?")


def test_a_name_inside_a_sentence_is_asked_for_by_the_teacher() -> None:
    found = turned("6:40", "Each morning at 6:40 sharp we board the ferry Osprey.")
    assert found == Backwards("Osprey", "")


_NAMES = ["Osprey", "Walnut", "Ada Long", "EUR", "North Pier"]
_VALUES = ["6:40", "25 EUR", "B-17", "Walnut", "Ada Long", "14 March 2027", "5", "Kotva"]
_WORDS = [
    "the",
    "The",
    "ferry",
    "ropes,",
    "leaves",
    "is",
    "costs",
    "stojí",
    "je",
    "kostet",
    "It",
    "Loď",
    "at",
    "–",
    ":",
]
_PIECES = st.lists(st.sampled_from([*_NAMES, *_VALUES, *_WORDS]) | st.text(min_size=1, max_size=5), max_size=9)
_LANGUAGES = st.sampled_from(["en", "cs", "sk", "de", "und"])


def _holds(found: Backwards, value: str, statement: str) -> bool:
    asked = not found.question or (contains(found.question, value) and not contains(found.question, found.subject))
    return asked and contains(statement, found.subject) and not contains(found.subject, value)


@given(before=_PIECES, value=st.sampled_from(_VALUES), after=_PIECES, language=_LANGUAGES)
def test_a_question_backwards_has_the_value_and_not_the_subject_which_stands_in_the_statement(
    before: list[str], value: str, after: list[str], language: str
) -> None:
    statement = " ".join((*before, value, *after)) + "."
    found = turned(value, statement, language)
    assert found is None or _holds(found, value, statement)


_CELL = st.lists(
    st.sampled_from(["Staff", "member", "Ada", "Desk", "D12", "9", "a, b", "North"]), min_size=1, max_size=2
)
_ROW = st.tuples(_CELL, _CELL, _CELL).map(lambda cells: [" ".join(cell) for cell in cells])


@given(rows=st.lists(_ROW, min_size=2, max_size=4))
def test_a_row_asked_backwards_has_the_value_and_not_the_subject(rows: list[list[str]]) -> None:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    section = made_section("\n".join([lines[0], "|---|---|---|", *lines[1:]]))
    for row in rows[1:]:
        statement = f"{rows[0][0]} {row[0]} – {rows[0][1]}: {row[1]}, {rows[0][2]}: {row[2]}."
        found = turn(row[1], statement, section)
        assert found is None or _holds(found, row[1], statement)


@example(before=[], value="6:40", after=["Osprey", "A*0"], language="cs")
@example(before=["¼", "leaves"], value="6:40", after=[":1"], language="en")
@given(before=_PIECES, value=st.sampled_from(_VALUES), after=_PIECES, language=_LANGUAGES)
def test_every_fact_a_section_is_found_to_hold_is_turned_properly(
    before: list[str], value: str, after: list[str], language: str
) -> None:
    section = made_section(" ".join((*before, value, *after)) + ". The yearly berth costs 310 EUR.", language)
    for fact in find_facts(section):
        found = turn(fact.value, fact.statement, section)
        assert found is None or _holds(found, fact.value, fact.statement)


def test_only_what_cannot_be_built_is_given_to_the_teacher() -> None:
    built = (Fact("6:40", "The ferry leaves at 6:40.", "q"), Backwards("The ferry", "What leaves at 6:40?"))
    worded = (Fact("7:15", "At 7:15 we board the Heron.", "r"), Backwards("Heron", ""))
    assert needed([built, worded]) == [Fact("Heron", "At 7:15 we board the Heron.", "r", anchor="7:15")]


SAILING = """# Harbour

## Boarding

Every morning at 6:40 sharp we board the ferry Osprey from the pier. Old sails in a bag fetch 45 EUR at the shop Walnut.
"""
TURNED = DECLARATION.replace("backwards: false", "backwards: true")


def _backwards_reply(questions: dict[str, str]) -> Callable[[Sequence[Message]], str]:
    """Words the questions backwards by the subject asked for; everything else as a good teacher."""

    def reply(messages: Sequence[Message]) -> str:
        asked = re.findall(r"\[([^\]]*)\] contain: (.*)$", messages[-1].content, re.MULTILINE)
        if not asked:
            return good_reply(messages)
        return json.dumps({"facts": [{"value": s, "questions": [questions.get(s, "")]} for s, _ in asked]})

    return reply


def test_the_teacher_is_shown_a_gap_for_the_subject_and_the_value_to_keep(make_project: MakeProject) -> None:
    project, workspace = make_project({"shared/a.md": SAILING}, TURNED)
    questions = {
        "Osprey": "Which ferry do we board every morning at 6:40?",
        "Walnut": "Which shop pays 45 EUR for sails?",
    }
    teacher = Teacher(_backwards_reply(questions))
    counts = generate(project, workspace, "helper", teacher)
    asked = next(
        text for text in teacher.everything if "[Osprey] contain: 6:40" in text and "board the ferry ___" in text
    )
    assert "Osprey" not in asked.replace("[Osprey]", "")
    made = {item.value: item for item in load_items(workspace, "helper") if item.kind == "reverse"}
    assert (counts.kinds["reverse"].asked, counts.kinds["reverse"].accepted) == (2, 2)
    assert {value: item.question for value, item in made.items()} == questions
    assert all(item.value in item.answer and item.quote in SAILING for item in made.values())


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Which ferry do we board early every morning?", "value-not-in-question"),
        ("When do we board the ferry Osprey, at 6:40?", "value-in-question"),
        ("", "length"),
        ("Which ferry do we board at 6:40 or at 9:55?", "number-not-in-section"),
    ],
)
def test_a_question_backwards_that_fails_a_check_is_counted_by_its_reason(
    make_project: MakeProject, question: str, reason: str
) -> None:
    project, workspace = make_project({"shared/a.md": SAILING}, TURNED)
    good = "Which shop pays 45 EUR for sails?"
    counts = generate(project, workspace, "helper", Teacher(_backwards_reply({"Osprey": question, "Walnut": good})))
    told = counts.kinds["reverse"]
    assert (told.asked, told.accepted, told.rejected, told.failed) == (2, 1, {reason: 1}, {})


def test_a_teacher_that_says_nothing_backwards_leaves_the_facts_forwards_as_they_are(make_project: MakeProject) -> None:
    project, workspace = make_project({"shared/a.md": SAILING}, TURNED)
    teacher = Teacher(lambda messages: "" if "contain:" in messages[-1].content else good_reply(messages))
    counts = generate(project, workspace, "helper", teacher)
    assert counts.kinds["reverse"].failed == {"empty": 2}
    assert (counts.kinds["question"].accepted, counts.items) == (2, {"question": 2, "paraphrase": 6})


def test_without_backwards_nothing_is_asked_backwards(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project({"shared/a.md": SAILING})
    assert "reverse" not in generate(project, workspace, "helper", good_teacher).kinds
    assert not any("contain:" in text for text in good_teacher.everything)


CZECH = (
    "# Přístav\n\nZtracené vesty v loděnici Racek vydává od rána do večera hospodář Tomáš Hruška. Je to tak už léta.\n"
)


def _in_czech(messages: Sequence[Message]) -> str:
    if "contain:" in messages[-1].content:
        return json.dumps(
            {"facts": [{"value": "Racek", "questions": ["Ve které loděnici vydává vesty Tomáš Hruška?"]}]}
        )
    questions = ["Kdo vydává ztracené vesty v loděnici Racek?", "Od koho dostanu ztracené vesty v loděnici Racek?"]
    return json.dumps({"facts": [{"value": "Tomáš Hruška", "questions": questions}]})


def test_a_czech_fact_is_asked_backwards_in_czech(make_project: MakeProject) -> None:
    project, workspace = make_project({"shared/a.md": CZECH}, TURNED.replace("questions: 2", "questions: 1"))
    teacher = Teacher(_in_czech)
    generate(project, workspace, "helper", teacher)
    asked = next(messages for messages in teacher.asked if "contain:" in messages[-1].content)
    assert "[Racek] contain: Tomáš Hruška" in asked[-1].content and "Czech" in asked[0].content
    made = [item for item in load_items(workspace, "helper") if item.kind == "reverse"]
    assert [(item.question, item.value, item.language) for item in made] == [
        ("Ve které loděnici vydává vesty Tomáš Hruška?", "Racek", "cs")
    ]
