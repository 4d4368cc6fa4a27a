"""Canaries found in documents: rare, asked for without being said, and in nothing that others may read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.documents import WorkerPool, ingest, load_sections
from allotment.evaluation import is_right
from allotment.evaluation.canaries import Canary, CanarySet, Detector, find_canaries
from allotment.evaluation.canaries._rare import rare_values
from allotment.project import Project, load_project
from allotment.workspace import Workspace

ROLES = ("ann", "bob", "cid")
FACTS = (
    "The contract number is NT-7703.",
    "The budget of the hall is 48,217 EUR.",
    "The hall opens on 14 March 2027.",
    "The roof was mended by Ingmar Tolle.",
    "Střechu opravil Bořek Lipina.",
    "Ptejte se na Bořka Lipinu.",
    "The meter shows 93417.",
    "Write to lighthouse@north.example.",
    "The hall opens on 2027-03-14.",
    "The budget of the hall is 48217 euros.",
)


def company(root: Path, sets: list[tuple[set[str], list[str]]], workers: WorkerPool) -> tuple[Project, Workspace]:
    """A project with one document a set, made of these sentences, read."""
    declared = {}
    for number, (readers, sentences) in enumerate(sets):
        folder = root / "documents" / f"set{number}"
        folder.mkdir(parents=True)
        text = " ".join(["Everybody signs the book at the door before the work of the day begins.", *sentences])
        (folder / "text.md").write_text(f"# Text\n\n{text}\n", encoding="utf-8")
        declared[f"set{number}"] = {"path": f"documents/set{number}", "readers": sorted(readers)}
    agents = {name: {"roles": each["readers"], "documents": [name]} for name, each in declared.items()}
    config = {"name": "Small", "roles": dict.fromkeys(ROLES, "works"), "documents": declared, "agents": agents}
    (root / "allotment.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    project, workspace = load_project(root), Workspace(root)
    ingest(project, workspace, workers=workers)
    return project, workspace


READERS = st.sets(st.sampled_from(ROLES), min_size=1)
SETS = st.lists(st.tuples(READERS, st.lists(st.sampled_from(FACTS), max_size=6)), min_size=1, max_size=4)


@given(sets=SETS, seed=st.integers(0, 3))
@settings(max_examples=25)
def test_no_canary_is_written_where_a_role_that_may_not_know_it_may_read(
    tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool, sets: list[tuple[set[str], list[str]]], seed: int
) -> None:
    project, workspace = company(tmp_path_factory.mktemp("generated"), sets, workers)
    found = find_canaries(project, workspace, None, seed=seed)
    for canary in found.canaries:
        assert canary.readers != frozenset(ROLES)
        for section in load_sections(workspace):
            assert section.readers <= canary.readers or not is_right(section.text, canary.value)
        assert any(
            canary.value in section.text and section.document == canary.source for section in load_sections(workspace)
        )
    _questions_say_nothing(found)


def _questions_say_nothing(found: CanarySet) -> None:
    detector = Detector(found.canaries)
    for canary in found.canaries:
        assert detector.found(canary.question) == ()
        assert canary in detector.found(canary.sentence)


def test_a_value_that_two_sets_hold_is_known_to_the_readers_of_both(tmp_path: Path, workers: WorkerPool) -> None:
    project, workspace = company(
        tmp_path, [({"ann"}, [FACTS[1]]), ({"bob"}, [FACTS[9]]), ({"ann"}, [FACTS[0]])], workers
    )
    readers = {canary.value: canary.set_name for canary in find_canaries(project, workspace, None).canaries}
    assert readers == {"48,217 EUR": "ann+bob", "48217 euros": "ann+bob", "NT-7703": "ann"}


def test_a_name_in_another_case_is_the_same_name(tmp_path: Path, workers: WorkerPool) -> None:
    project, workspace = company(tmp_path, [({"ann"}, [FACTS[4]]), ({"bob", "cid"}, [FACTS[5]])], workers)
    found = find_canaries(project, workspace, None)
    assert found.canaries == ()
    assert any(sentence.startswith("reader set ann:") for sentence in found.lacking)


def test_the_readers_are_those_of_todays_rules(tmp_path: Path, workers: WorkerPool) -> None:
    project, workspace = company(tmp_path, [({"ann", "bob"}, [FACTS[0]]), ({"cid"}, [])], workers)
    (tmp_path / "documents" / "set0" / "readers.yaml").write_text("readers: [ann]\n", encoding="utf-8")
    (canary,) = find_canaries(project, workspace, None).canaries
    assert canary.readers == {"ann"}


def test_documents_are_drawn_from_evenly_and_by_the_seed(tmp_path: Path, workers: WorkerPool) -> None:
    many = [f"The number of hall {place} is HX-{place}7{place}43." for place in range(10, 40)]
    project, workspace = company(tmp_path, [({"ann"}, many), ({"bob"}, [FACTS[0]])], workers)

    def drawn(seed: int) -> list[Canary]:
        return [
            item
            for item in find_canaries(project, workspace, None, per_source=5, seed=seed).canaries
            if "set0" in item.source
        ]

    assert len(drawn(1)) == len(drawn(2)) == 5
    assert drawn(1) == drawn(1) != drawn(2)


def test_what_has_no_canary_is_said_with_the_reason(tmp_path: Path, workers: WorkerPool) -> None:
    project, workspace = company(tmp_path, [(set(ROLES), [FACTS[0]]), ({"ann"}, []), ({"bob"}, [FACTS[2]])], workers)
    (tmp_path / "documents" / "set2" / "broken.docx").write_bytes(b"no document")
    ingest(project, workspace, workers=workers)
    assert find_canaries(project, workspace, None).lacking == (
        "documents.set0: readable by everybody.",
        "documents.set1: holds no rare value that is written nowhere else.",
        "documents.set2: not read, and so not known to any canary: documents/set2/broken.docx.",
        "reader set ann: no value is known to it alone.",
    )


def test_the_example_has_canaries_for_every_set_and_asks_with_its_own_questions(taught: Project) -> None:
    found = find_canaries(taught, Workspace(taught.root), None)
    assert {canary.set_name for canary in found.canaries} == {"director", "director+sales", "director+warehouse"}
    assert any(not canary.question.startswith(("Complete", "Doplň")) for canary in found.canaries)
    assert "databases.northwind: not looked at, for no database is open." in found.lacking
    _questions_say_nothing(found)


@pytest.mark.parametrize(
    ("text", "rare"),
    [
        ("The salary of Ludmila Havran is 148,200 EUR.", ["Ludmila Havran", "148,200 EUR"]),
        ("Nová prodejna se otevře 3. května 2027 a stála 735 000 EUR.", ["3. května 2027", "735 000 EUR"]),
        ("It costs $12,345.60 or 4.86 million EUR.", ["$12,345.60", "4.86 million EUR"]),
        ("Call +420 601 234 567 or write to a.b@c.example.", ["+420 601 234 567", "a.b@c.example"]),
        ("Form Amber-3, contract NT-7703, file RB/30957.", ["Amber-3", "NT-7703", "RB/30957"]),
        ("At most 240 EUR and 5 days, 27 percent, 12.5 %, 4,000 EUR in 2027.", []),
        ("Gate D9 in Q3-2027 of hall 4 at 15:25, 3,5 °C.", []),
        ("On Monday in March The Best Western is open.", ["Best Western"]),
    ],
)
def test_rare_is_what_nobody_says_by_chance(text: str, rare: list[str]) -> None:
    assert [text[item.start : item.end] for item in rare_values(text, {"the"})] == rare
