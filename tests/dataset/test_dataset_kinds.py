"""All kinds of items at once: counts that add up for each, rounds that are full or say why, and nothing told amiss."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from conftest_dataset import BOATS, SECRET, Teacher, good_reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.dataset import KINDS, DatasetStats, Item, generate, load_items
from allotment.dataset._text import bare, contains, normalise
from allotment.documents import load_sections
from allotment.models import Message
from allotment.project import Project
from allotment.workspace import Workspace, hash_json

MakeProject = Callable[..., tuple[Project, Workspace]]
Reply = Callable[[Sequence[Message]], str]

DECLARATION = """
name: Test
roles: {staff: answers the phone at the quay, boss: signs every contract alone, diver: counts coins at midnight}
documents:
  shared: {path: shared, readers: [staff, boss, diver]}
  board: {path: board, readers: [boss]}
  depths: {path: depths, readers: [diver]}
agents:
  helper: {roles: [staff, boss], documents: [shared]}
  board: {roles: [boss], documents: [shared, board]}
dataset: {questions: 2, rounds: 2, paraphrases: 3, answer_paraphrases: 1, text: true, unknown_share: 0.3,
  rewrites: [summary, explanation, dialogue], general_share: 0.3}
"""
FERRIES = """# Ferries

## Sailing

Every morning at 6:55 sharp we board the ferry Heron from the long pier, whatever the weather brings to us that day.
The ferry Cormorant belongs to the yard Limestone, which painted it in spring. Its horn can be heard for 4 km.

## Desks

| Staff member | Desk |
|---|---|
| Ada Long | D12 |
| Ben Short | D14 |
"""
DEPTHS = (
    "# Wreck\n\nThe wreck Nautilus lies at 41 m and holds the golden anchor of the pirate Barnacle, as divers know.\n"
)
FILES = {
    "shared/boats.md": BOATS,
    "shared/ferries.md": FERRIES,
    "board/plan.md": SECRET,
    "depths/wreck.md": DEPTHS,
}
WANTED = 2 * 2
"""Facts asked about each section."""


def adds_up(counts: DatasetStats) -> bool:
    return all(
        one.asked == one.accepted + sum(one.rejected.values()) + sum(one.failed.values())
        for one in (counts, *counts.kinds.values())
    )


def _sums_of_kinds(counts: DatasetStats) -> tuple[int, int, int, int]:
    kinds = counts.kinds.values()
    return (
        sum(kind.asked for kind in kinds),
        sum(kind.accepted for kind in kinds),
        sum(sum(kind.rejected.values()) for kind in kinds),
        sum(sum(kind.failed.values()) for kind in kinds),
    )


def _check(counts: DatasetStats, items: Sequence[Item], workspace: Workspace, agent: str) -> None:
    sections = {section.id: section for section in load_sections(workspace)}
    roles = {"helper": {"staff", "boss"}, "board": {"boss"}}[agent]
    used = [section for section in sections.values() if roles <= section.readers]
    assert adds_up(counts)
    assert _sums_of_kinds(counts) == (
        counts.asked, counts.accepted, sum(counts.rejected.values()), sum(counts.failed.values()),
    )  # fmt: skip
    assert counts.kinds["question"].asked == len(used) * WANTED
    assert "rewrite" not in counts.kinds or counts.kinds["rewrite"].asked <= 3 * len(used)
    assert counts.train + counts.held_out + counts.validation == len(items) == sum(counts.items.values())
    assert len({item.id for item in items}) == len(items)
    for item in items:
        assert roles <= item.readers
        if item.is_fact:
            section = sections[item.section_id]
            assert contains(item.answer, item.value) and not contains(item.question, item.value)
            assert item.quote and normalise(item.quote) in normalise(section.with_header)
        elif item.kind != "general":
            assert item.section_id in {section.id for section in used}


def test_a_good_teacher_gives_every_kind_and_every_count_adds_up(
    make_project: MakeProject, good_teacher: Teacher
) -> None:
    project, workspace = make_project(FILES, DECLARATION)
    counts = generate(project, workspace, "board", good_teacher)
    items = load_items(workspace, "board")
    _check(counts, items, workspace, "board")
    assert {item.kind for item in items} == set(KINDS)
    assert set(counts.kinds) == {"question", "reverse", "rewrite"}
    facts = sum(item.is_fact for item in items)
    assert counts.items["general"] <= round(0.3 * facts) and counts.items["unknown"] <= round(0.3 * facts)
    texts = [item.answer for item in items if item.kind == "text"]
    assert len(texts) == 5


def test_each_round_is_full_or_says_why(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project(
        {"shared/a.md": DEPTHS, "depths/b.md": DEPTHS}, DECLARATION.replace("rounds: 2", "rounds: 9")
    )
    counts = generate(project, workspace, "helper", good_teacher)
    told = counts.kinds["question"]
    assert told.asked == 18
    assert told.rejected["no-more-facts"] + told.accepted + sum(told.failed.values()) == 18
    assert told.rejected["no-more-facts"] > 0


def test_a_second_run_asks_nothing_and_gives_the_same(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project(FILES, DECLARATION)
    first = generate(project, workspace, "board", good_teacher)
    items, asked = load_items(workspace, "board"), len(good_teacher.asked)
    assert generate(project, workspace, "board", good_teacher) == first
    assert (load_items(workspace, "board"), len(good_teacher.asked)) == (items, asked)


@pytest.mark.parametrize(
    ("agent", "personas", "strangers"),
    [
        ("helper", {"answers the phone at the quay", "signs every contract alone"}, {"counts coins at midnight"}),
        ("board", {"signs every contract alone"}, {"answers the phone at the quay", "counts coins at midnight"}),
    ],
)
def test_the_teacher_is_told_the_agents_roles_and_documents_and_no_others(
    make_project: MakeProject, good_teacher: Teacher, agent: str, personas: set[str], strangers: set[str]
) -> None:
    project, workspace = make_project(FILES, DECLARATION)
    generate(project, workspace, agent, good_teacher)
    told = "\n".join(good_teacher.everything)
    assert all(persona in told for persona in personas)
    assert not any(persona in told for persona in strangers)
    assert not any(word in told for word in ("Nautilus", "Barnacle", "golden anchor"))
    assert ("Bluefin" in told) == (agent == "board")
    questions = [messages[-1].content for messages in good_teacher.asked if "asked by" in messages[-1].content]
    assert all(text.count("are asked by") == 1 for text in questions)


def test_without_personas_no_role_is_told(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project(FILES, DECLARATION.replace("general_share", "personas: false, general_share"))
    generate(project, workspace, "board", good_teacher)
    assert not any("signs every contract" in text for text in good_teacher.everything)


def _in_czech(messages: Sequence[Message]) -> str:
    """One fact of the ferry in Czech, told with the words and the number of the section."""
    if "Osprey" not in messages[-1].content or messages[-1].content.endswith("\n>>>"):
        return "Nic víc k tomu bohužel říci nelze, omlouvám se."
    questions = [
        "V kolik hodin odplouvá přívoz Osprey?",
        "Kdy ráno vyráží přívoz Osprey?",
        "Potřebuji stihnout přívoz Osprey. Kdy jede?",
        "Řekni mi, kdy přívoz Osprey odjíždí.",
    ]
    fact = {"value": "6:40", "answer": "Přívoz Osprey odplouvá od severního mola v 6:40.", "questions": questions}
    return json.dumps({"facts": [fact]}, ensure_ascii=False)


def test_questions_in_another_language_than_the_sections_are_asked_for_freely_and_counted(
    make_project: MakeProject,
) -> None:
    project, workspace = make_project(FILES, DECLARATION.replace("general_share", "language: cs, general_share"))
    teacher = Teacher(_in_czech)
    counts = generate(project, workspace, "helper", teacher)
    items = load_items(workspace, "helper")
    _check(counts, items, workspace, "helper")
    assert counts.kinds["question"].accepted == 1, "the same fact in the second round is a duplicate"
    assert all("Czech" in messages[0].content for messages in teacher.asked)
    assert not any(" [6:40]" in text for text in teacher.everything)
    assert {item.language for item in items if item.kind != "text"} <= {"cs"}
    assert not {"reverse", "rewrite"} & counts.kinds.keys()


_ENTRIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "answer", "questions"]), inner)
    ),
    max_leaves=6,
)


def _wrong_count(times: int) -> Reply:
    def reply(messages: Sequence[Message]) -> str:
        text = good_reply(messages)
        if not text.startswith("{"):
            return text * times
        facts = json.loads(text)["facts"]
        return json.dumps({"facts": facts[:1] if times == 1 else facts * times})

    return reply


def _says(text: str) -> Reply:
    return lambda messages: text


def _breaks_off(at: int) -> Reply:
    return lambda messages: good_reply(messages)[:at]


_REPLIES = st.one_of(
    st.just(good_reply),
    st.integers(0, 3).map(_wrong_count),
    st.integers(0, 400).map(_breaks_off),
    st.text(max_size=80).map(_says),
    st.lists(_ENTRIES, max_size=3).map(lambda facts: _says(json.dumps({"facts": facts}))),
    st.sampled_from([BOATS, FERRIES, "The ferry Osprey is red. It sails at 6:40."]).map(_says),
)


def _mixed(replies: Sequence[Reply]) -> Reply:
    """One of the replies for each request, always the same for the same request."""

    def reply(messages: Sequence[Message]) -> str:
        told = hash_json([message.content for message in messages])
        return replies[int(told, 16) % len(replies)](messages)

    return reply


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(replies=st.lists(_REPLIES, min_size=1, max_size=4))
def test_whatever_the_teacher_writes_counts_add_up_and_what_is_kept_is_true_to_the_sections(
    made: tuple[Project, Workspace], replies: list[Reply]
) -> None:
    project, workspace = made
    (workspace.dataset_dir("board") / "ledger.jsonl").unlink(missing_ok=True)
    teacher = Teacher(_mixed(replies))
    counts = generate(project, workspace, "board", teacher)
    items, asked = load_items(workspace, "board"), len(teacher.asked)
    _check(counts, items, workspace, "board")
    questions = [(item.language, bare(item.question)) for item in items if item.is_fact]
    assert len(questions) == len(set(questions))
    assert generate(project, workspace, "board", teacher) == counts
    assert (load_items(workspace, "board"), len(teacher.asked)) == (items, asked)


@pytest.fixture
def made(make_project: MakeProject) -> tuple[Project, Workspace]:
    """A project with a document of each kind, ingested."""
    return make_project(FILES, DECLARATION)
