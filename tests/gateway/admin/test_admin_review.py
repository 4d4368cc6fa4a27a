"""Dataset review on the page: the same ledger as the command line, pairs paged by key however many there are."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from admin_place import Place, Visitor
from hypothesis import given
from hypothesis import strategies as st

from allotment.access import AdminPolicy, Principal
from allotment.dataset import load_items
from allotment.dataset._decisions import Decision, decision_key, decisions_file, load_decisions
from allotment.dataset._items import item_row, load_candidates
from allotment.dataset._review import decide
from allotment.gateway.administration import AdminFault, Door
from allotment.gateway.administration._review import PAGE, Review, marked
from allotment.gateway.identity._refusals import Refusals
from allotment.project import Project
from allotment.workspace import Workspace, write_jsonl

AsRole = Callable[[str | None], Visitor]
DANA = Principal("dana", "director")


@dataclass
class Desk:
    """A review over a dataset of this test's own."""

    review: Review
    door: Door
    workspace: Workspace

    @property
    def see(self):  # type: ignore[no-untyped-def]
        return self.door.see(DANA, "dataset", {})

    @property
    def change(self):  # type: ignore[no-untyped-def]
        return self.door.change(DANA, "dataset", {})


def desk_over(place: Place, root: Path, count: int) -> Iterator[Desk]:
    """``count`` pairs of the handbook, in a workspace beside the documents of the place."""
    workspace = Workspace(root)
    workspace.home.mkdir(parents=True)
    for name in (place.workspace.documents_file, place.workspace.sections_file):
        (workspace.home / name.name).write_bytes(name.read_bytes())
    first = load_candidates(place.workspace, "handbook")
    rows = (
        item_row(replace(item, id=f"{number:08x}", question=f"{item.question} ({number})", group=f"g{number}"))
        for number, item in ((number, first[number % len(first)]) for number in range(count))
    )
    write_jsonl(workspace.dataset_dir("handbook") / "candidates.jsonl", rows)
    counts = {"asked": 1, "accepted": 1, "rejected": {}, "failed": {}, "train": count, "held_out": 0}
    (workspace.dataset_dir("handbook") / "stats.json").write_text(json.dumps(counts), encoding="utf-8")
    door = Door(AdminPolicy.of(place.project), lambda *_: 1, Refusals(lambda *_: 1))
    review = Review(place.project, workspace, door)
    yield Desk(review, door, workspace)
    review.close()


@pytest.fixture
def desk(place: Place, tmp_path: Path) -> Iterator[Desk]:
    yield from desk_over(place, tmp_path / "own", 45)


def all_keys(desk: Desk, **chosen: object) -> list[str]:
    """Keys of all pages, forwards."""
    keys: list[str] = []
    after = ""
    while True:
        page = desk.review.page(desk.see, "handbook", after=after, **chosen)  # type: ignore[arg-type]
        assert len(page.pairs) <= PAGE
        keys += [pair.key for pair in page.pairs]
        if not page.after:
            return keys
        after = page.after


def test_ten_thousand_pairs_page_smoothly_forwards_and_back(place: Place, tmp_path: Path) -> None:
    for desk in desk_over(place, tmp_path / "own", 10_000):
        desk.review.page(desk.see, "handbook")  # reads the dataset once
        begun = time.process_time()
        keys = all_keys(desk, state="all")
        each = (time.process_time() - begun) / 500
        assert len(keys) == len(set(keys)) == 10_000
        assert each < 0.05  # seconds of the processor for a page, on a machine others use as well
        last = desk.review.page(desk.see, "handbook", after=keys[-PAGE - 1], state="all")
        before = desk.review.page(desk.see, "handbook", before=last.pairs[0].key, state="all")
        assert [pair.key for pair in before.pairs] == keys[-2 * PAGE : -PAGE]
        assert (last.first, last.total) == (9_981, 10_000)


def test_pages_keep_their_place_while_pairs_before_it_are_decided(desk: Desk) -> None:
    keys = all_keys(desk)
    page = desk.review.page(desk.see, "handbook", after=keys[PAGE - 1])
    desk.review.decide(desk.change, "handbook", keys[:10], "accept")
    again = desk.review.page(desk.see, "handbook", after=keys[PAGE - 1])
    assert [pair.key for pair in again.pairs] == [pair.key for pair in page.pairs]
    assert all_keys(desk) == keys[10:]
    assert desk.review.page(desk.see, "handbook", after="gone").pairs[0].key == keys[10]


def test_what_is_decided_here_and_on_the_command_line_is_one_ledger(desk: Desk) -> None:
    candidates = load_candidates(desk.workspace, "handbook")
    keys = [decision_key(item) for item in candidates]
    decide(desk.workspace, "handbook", candidates[0], Decision("reject", reason="wrong", reviewer="mia"))
    seen = desk.review.pair(desk.see, "handbook", keys[0])
    assert seen.decision == Decision("reject", reason="wrong", reviewer="mia")
    desk.review.decide(desk.change, "handbook", [keys[1]], "edit", question="When?", answer=candidates[1].answer)
    found = load_decisions(desk.workspace, "handbook")
    assert found[keys[1]] == Decision("edit", "When?", candidates[1].answer, reviewer="dana")
    desk.review.settled()
    left = load_items(desk.workspace, "handbook")
    assert candidates[0].question not in {item.question for item in left}
    assert next(item for item in left if item.id == candidates[1].id).question == "When?"


def test_deciding_twice_writes_once(desk: Desk) -> None:
    keys = all_keys(desk)[:3]
    assert desk.review.decide(desk.change, "handbook", keys, "reject", reason="twice") == 3
    size = decisions_file(desk.workspace, "handbook").stat().st_size
    assert desk.review.decide(desk.change, "handbook", keys, "reject", reason="twice") == 0
    assert decisions_file(desk.workspace, "handbook").stat().st_size == size


def test_of_many_pairs_all_are_decided_or_none(desk: Desk) -> None:
    keys = all_keys(desk)
    for wrong in ([*keys[:3], "unknown"], [], keys * 10):
        with pytest.raises(AdminFault):
            desk.review.decide(desk.change, "handbook", wrong, "accept")
    assert load_decisions(desk.workspace, "handbook") == {}


@pytest.mark.parametrize(
    "question, answer, words",
    [
        (" ", "It is 38 EUR.", "The question is empty."),
        ("When?", " ", "The answer is empty."),
        ("When?", "I do not know.", "The answer no longer contains the value"),
        ("When?" * 2000, "x", "At most 8000 characters."),
    ],
)
def test_an_edit_that_cannot_be_taken_says_why_and_changes_nothing(
    desk: Desk, question: str, answer: str, words: str
) -> None:
    key = all_keys(desk)[0]
    with pytest.raises(AdminFault, match=words):
        desk.review.decide(desk.change, "handbook", [key], "edit", question=question, answer=answer)
    assert load_decisions(desk.workspace, "handbook") == {}


def test_an_edit_without_a_change_is_an_acceptance(desk: Desk) -> None:
    pair = desk.review.page(desk.see, "handbook").pairs[0]
    desk.review.decide(desk.change, "handbook", [pair.key], "edit", question=pair.question, answer=pair.answer)
    assert load_decisions(desk.workspace, "handbook")[pair.key] == Decision("accept", reviewer="dana")


def test_decisions_a_process_left_are_applied_by_the_next(place: Place, desk: Desk) -> None:
    candidates = load_candidates(desk.workspace, "handbook")
    decide(desk.workspace, "handbook", candidates[3], Decision("reject"))
    another = Review(place.project, desk.workspace, desk.door)
    another.datasets(desk.see)
    another.settled()
    another.close()
    assert candidates[3].question not in {item.question for item in load_items(desk.workspace, "handbook")}


def test_filters_take_what_they_say(desk: Desk) -> None:
    keys = all_keys(desk)
    desk.review.decide(desk.change, "handbook", keys[:5], "reject")
    assert all_keys(desk, state="reject") == keys[:5]
    assert all_keys(desk, state="open") == keys[5:]
    items = load_candidates(desk.workspace, "handbook")
    document = items[0].document
    wanted = [decision_key(item) for item in items if item.document == document]
    assert all_keys(desk, state="all", document=document) == wanted
    page = desk.review.page(desk.see, "handbook")
    assert (page.counts["reject"], page.counts["open"]) == (5, 40)


def test_a_pair_stands_beside_its_passage_with_its_value_marked(place: Place, as_role: AsRole) -> None:
    shown = as_role("dana").get("/admin/dataset/board?state=all").text
    assert 'class="pair-source"' in shown
    assert '<mark class="value">Granary</mark>' in shown
    assert "documents/board/acquisition-plan.md" in shown


@given(st.text(), st.text(max_size=20), st.text(max_size=8))
def test_marking_loses_no_character_of_a_passage(text: str, quote: str, value: str) -> None:
    for passage in (text, f"{text}{quote}{value}{text}", f"{quote}{text}"):
        assert "".join(piece.text for piece in marked(passage, quote, value)) == passage


def test_htmx_gets_the_one_pair_anew_and_a_browser_without_scripts_the_next_page(place: Place, as_role: AsRole) -> None:
    dana = as_role("dana")
    page = dana.get("/admin/dataset/handbook?state=all").text
    key = re.findall(r'name="key" value="([0-9a-f]{64})"', page)[-1]
    part = dana.post(
        "/admin/dataset/handbook", {"key": key, "decision": "accept", "state": "all"}, **{"hx-request": "true"}
    )
    assert part.status_code == 200
    assert part.text.lstrip().startswith("<article")
    assert "accepted" in part.text
    fault = dana.post(
        "/admin/dataset/handbook",
        {"key": key, "decision": "edit", "question": "", "answer": "x"},
        **{"hx-request": "true"},
    )
    assert (fault.status_code, "The question is empty." in fault.text) == (422, True)
    whole = dana.post("/admin/dataset/handbook", {"key": key, "decision": "reject", "state": "open", "kind": ""})
    assert whole.headers["location"] == "/admin/dataset/handbook?state=open"
    assert load_decisions(place.workspace, "handbook")[key].outcome == "reject"
    decisions_file(place.workspace, "handbook").unlink()


def test_one_who_may_only_see_has_no_button_and_no_way(place: Place, as_role: AsRole) -> None:
    sofia = as_role("sofia")
    page = sofia.get("/admin/dataset/handbook?state=all").text
    assert 'name="decision"' not in page
    key = decision_key(load_candidates(place.workspace, "handbook")[0])
    assert sofia.post("/admin/dataset/handbook", {"key": key, "decision": "accept"}).status_code == 403
    assert key not in load_decisions(place.workspace, "handbook")


def test_an_agent_without_a_dataset_says_so(taught: Project, place: Place, as_role: AsRole, tmp_path: Path) -> None:
    review = Review(
        place.project, Workspace(tmp_path), Door(AdminPolicy.of(place.project), lambda *_: 1, Refusals(lambda *_: 1))
    )
    door = Door(AdminPolicy.of(place.project), lambda *_: 1, Refusals(lambda *_: 1))
    assert {one.pairs for one in review.datasets(door.see(DANA, "dataset", {}))} == {None}
    with pytest.raises(AdminFault, match="There is no dataset yet"):
        review.page(door.see(DANA, "dataset", {}), "board")
    review.close()
