"""What people decide: kept, found again by the next generation, and carried to a spreadsheet and back."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.dataset import DatasetStats, Item, load_items, stats
from allotment.dataset._decisions import (
    NO_LONGER_APART,
    Decision,
    apply_decisions,
    decision_key,
    decisions_file,
    load_decisions,
)
from allotment.dataset._items import load_candidates, save_reviewed
from allotment.dataset._review import decide, decide_all, edit_fault, refresh, select_pairs
from allotment.dataset._review_file import COLUMNS, escape_cell, read_review, review_row, unescape_cell, write_review
from allotment.errors import DatasetError, IntegrityError, ProjectError
from allotment.workspace import Workspace

READERS = frozenset({"staff"})
COUNTS = DatasetStats(asked=4, accepted=3, rejected={"copy": 1}, failed={}, train=0, held_out=0)
any_folder = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(max_size=30)
awkward = st.one_of(
    texts, st.sampled_from(["=1+1", "'=x", "''", "-a", "@b", '"q"', "a;b,c\td", "č\r\nř\n", "\t", "\r", "﻿"])
)


def item(number: int = 0, **changes: Any) -> Item:
    made = Item(
        id=f"i{number}",
        group=f"g{number}",
        agent="helper",
        section_id="s",
        document="d.md",
        question=f"Which value has number {number}?",
        answer=f"Number {number} has the value B{number}.",
        value=f"B{number}",
        language="en",
        readers=READERS,
        split="train",
        quote="As it stands.",
    )
    return replace(made, **changes)


def one_fact() -> list[Item]:
    """Two trained phrasings of a fact, and one that is held out."""
    trained = [item(n, group="g", value="B", answer="It is B.") for n in (1, 2)]
    return [*trained, item(3, group="g", value="B", answer="It is B.", split="held_out")]


def decided(*pairs: tuple[Item, Decision]) -> dict[str, Decision]:
    return {decision_key(item): decision for item, decision in pairs}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


# --- what decisions make of items


def test_without_decisions_every_item_stays_as_it_is() -> None:
    assert apply_decisions(one_fact(), {}) == (one_fact(), {})


def test_a_rejected_item_goes_alone_and_an_edited_one_keeps_its_place() -> None:
    first, second, apart = one_fact()
    edit = Decision("edit", "What is it now?", "It is B, for sure.")
    kept, counts = apply_decisions(one_fact(), decided((first, Decision("reject")), (second, edit)))
    assert kept == [replace(second, question="What is it now?", answer="It is B, for sure."), apart]
    assert counts == {"edit": 1, "reject": 1}


def test_a_held_out_question_goes_with_the_last_trained_phrasing_of_its_fact() -> None:
    first, second, _ = one_fact()
    kept, counts = apply_decisions(one_fact(), decided((first, Decision("reject")), (second, Decision("reject"))))
    assert (kept, counts) == ([], {"reject": 2, NO_LONGER_APART: 1})


def test_no_edit_trains_the_words_of_a_held_out_question() -> None:
    first, second, apart = one_fact()
    kept, counts = apply_decisions(one_fact(), decided((first, Decision("edit", apart.question.upper(), "It is B."))))
    assert [found.id for found in kept] == [first.id, second.id]
    assert counts == {"edit": 1, NO_LONGER_APART: 1}


def test_a_decision_finds_its_pair_under_another_id_and_agent_and_no_other_pair() -> None:
    again = item(1, id="other", group="other", agent="board", split="validation")
    assert decision_key(again) == decision_key(item(1))
    others = [
        item(1, section_id="t"),
        item(1, kind="paraphrase"),
        item(1, question="Which?"),
        item(1, answer="B1 is it."),
    ]
    assert len({decision_key(other) for other in (item(1), *others)}) == 5


# --- the ledger


decisions = st.one_of(
    st.builds(Decision, st.sampled_from(["accept", "reject"]), reason=texts, reviewer=texts),
    st.builds(
        lambda question, more, reviewer: ("edit", question, more, reviewer),
        st.text(min_size=1, max_size=20).filter(str.strip),
        texts,
        texts,
    ),
)


def as_decision(number: int, drawn: Any) -> Decision:
    """The decision as it was drawn; an edit's answer keeps the value."""
    if isinstance(drawn, Decision):
        return drawn
    _, question, more, reviewer = drawn
    return Decision("edit", question, f"{more} B{number} .", reviewer=reviewer)


@any_folder
@given(st.lists(st.tuples(st.integers(0, 5), decisions), max_size=12), st.permutations(range(6)))
def test_whatever_is_decided_the_next_generation_is_the_same_dataset(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[tuple[int, Any]], order: Sequence[int]
) -> None:
    workspace = Workspace(tmp_path_factory.mktemp("any"))
    candidates = [item(number, split="held_out" if number % 3 == 2 else "train") for number in range(6)]
    save_reviewed(workspace, "helper", candidates, COUNTS)
    last: dict[int, Decision] = {}
    for number, drawn in sequence:
        last[number] = as_decision(number, drawn)
        decide(workspace, "helper", candidates[number], last[number])
    reviewed = refresh(workspace, "helper")
    items = load_items(workspace, "helper")
    assert load_candidates(workspace, "helper") == candidates

    assert save_reviewed(workspace, "helper", candidates, COUNTS) == reviewed == stats(workspace, "helper")
    assert load_items(workspace, "helper") == items
    save_reviewed(workspace, "helper", [candidates[number] for number in order], COUNTS)
    assert sorted(load_items(workspace, "helper"), key=lambda found: found.id) == items

    gone = {number for number, decision in last.items() if decision.outcome == "reject"}
    assert not gone & {int(found.id[1:]) for found in items}
    words = {number: decision.question for number, decision in last.items() if decision.outcome == "edit"}
    assert all(found.question == words[int(found.id[1:])] for found in items if int(found.id[1:]) in words)


def test_counts_are_made_anew_after_decisions(workspace: Workspace) -> None:
    first, _, apart = one_fact()
    made = save_reviewed(workspace, "helper", [*one_fact(), item(9, split="validation")], COUNTS)
    assert (made.train, made.held_out, made.validation, made.reviewed) == (2, 1, 1, {})
    decide_all(workspace, "helper", [(first, Decision("reject")), (apart, Decision("accept"))])
    done = refresh(workspace, "helper")
    assert (done.train, done.held_out, done.validation) == (1, 1, 1)
    assert (done.reviewed, done.items) == ({"accept": 1, "reject": 1}, {"question": 3})
    assert (done.asked, done.accepted, done.rejected) == (4, 3, {"copy": 1})


def test_the_last_decision_counts_and_may_take_a_rejection_back(workspace: Workspace) -> None:
    save_reviewed(workspace, "helper", one_fact(), COUNTS)
    first = one_fact()[0]
    decide(workspace, "helper", first, Decision("reject", reason="dull"))
    assert refresh(workspace, "helper").train == 1
    decide(workspace, "helper", first, Decision("accept"))
    assert refresh(workspace, "helper").train == 2
    assert load_decisions(workspace, "helper") == decided((first, Decision("accept")))


def test_the_same_decision_is_written_once_and_keeps_the_name_of_who_made_it(workspace: Workspace) -> None:
    assert decide(workspace, "helper", item(), Decision("accept", reviewer="anna")) is True
    assert decide(workspace, "helper", item(), Decision("accept", reviewer="bob")) is False
    assert load_decisions(workspace, "helper") == decided((item(), Decision("accept", reviewer="anna")))


def test_an_edit_that_loses_the_value_or_the_question_is_not_written(workspace: Workspace) -> None:
    good = (item(1), Decision("accept"))
    for question, answer, told in (
        ("Which?", "It is gone.", "no longer contains the value 'B2'"),
        ("  ", "It is B2.", "the question is empty"),
        ("Which?", "\n", "the answer is empty"),
    ):
        with pytest.raises(DatasetError, match=told):
            decide_all(workspace, "helper", [good, (item(2), Decision("edit", question, answer))])
    assert load_decisions(workspace, "helper") == {}
    free = item(2, kind="rewrite", value="")
    assert edit_fault(free, "Which?", "Something else.") == ""


def test_an_edit_must_pass_the_check_it_is_given(workspace: Workspace) -> None:
    def refuses(of: Item, question: str, answer: str) -> str:
        return f"{of.id}: {question} {answer}"

    with pytest.raises(DatasetError, match="i2: Which\\? It is B2"):
        decide(workspace, "helper", item(2), Decision("edit", "Which?", "It is B2."), check_edit=refuses)


def test_a_line_torn_by_a_crash_costs_that_decision_alone(workspace: Workspace) -> None:
    decide_all(workspace, "helper", [(item(1), Decision("reject")), (item(2), Decision("reject"))])
    path = decisions_file(workspace, "helper")
    path.write_bytes(path.read_bytes()[:-7])
    assert load_decisions(workspace, "helper") == decided((item(1), Decision("reject")))
    decide(workspace, "helper", item(3), Decision("accept"))
    assert len(load_decisions(workspace, "helper")) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"decision": "approve"},
        {"decision": None},
        {},
        {"decision": "edit", "question": "Which?", "answer": ""},
        {"decision": "edit", "question": ["Which?"], "answer": "B"},
        {"decision": "reject", "reason": 3},
    ],
)
def test_a_decision_that_is_not_understood_stops_everything(workspace: Workspace, row: dict[str, Any]) -> None:
    save_reviewed(workspace, "helper", one_fact(), COUNTS)
    before = load_items(workspace, "helper")
    decisions_file(workspace, "helper").write_text(json.dumps({"key": "k", **row}) + "\n", encoding="utf-8")
    with pytest.raises(IntegrityError, match="is not known"):
        refresh(workspace, "helper")
    with pytest.raises(IntegrityError):
        save_reviewed(workspace, "helper", [item()], COUNTS)
    assert load_items(workspace, "helper") == before


def test_people_who_review_at_once_lose_no_decision(workspace: Workspace) -> None:
    def sitting(first: int) -> None:
        for number in range(first, first + 25):
            decide(workspace, "helper", item(number), Decision("reject", reason=f"by {first}"))

    people = [threading.Thread(target=sitting, args=(first,)) for first in (0, 100, 200)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    found = load_decisions(workspace, "helper")
    assert {decision.reason for decision in found.values()} == {"by 0", "by 100", "by 200"}
    assert len(found) == 75


class Watched(Workspace):
    """Notes how large the ledger was whenever a lock was taken and given back."""

    sizes: ClassVar[list[tuple[str, int, int]]] = []

    def _size(self) -> int:
        path = decisions_file(self, "helper")
        return path.stat().st_size if path.exists() else 0

    @contextmanager
    def lock(self, name: str, timeout_s: float = 60.0) -> Iterator[None]:
        with super().lock(name, timeout_s):
            before = self._size()
            yield
            self.sizes.append((name, before, self._size()))


def test_the_ledger_is_only_opened_and_written_under_its_lock(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    decide(watched, "helper", item(1), Decision("reject"))
    decide(watched, "helper", item(2), Decision("accept"))
    assert len(load_decisions(watched, "helper")) == 2
    (first, second, read) = watched.sizes
    assert (first[0], first[1]) == ("review-helper", 0) and first[2] == second[1] > 0
    assert second[2] > second[1] and read == ("review-helper", second[2], second[2])


def test_items_made_before_there_were_candidates_can_be_reviewed(workspace: Workspace) -> None:
    save_reviewed(workspace, "helper", one_fact(), COUNTS)
    (workspace.dataset_dir("helper") / "candidates.jsonl").unlink()
    decide(workspace, "helper", one_fact()[0], Decision("reject"))
    assert refresh(workspace, "helper").train == 1
    assert load_candidates(workspace, "helper") == one_fact()


# --- which pairs are shown


def test_pairs_are_chosen_by_kind_and_document() -> None:
    pairs = [item(0), item(1, kind="rewrite"), item(2, document="e.md"), item(3, kind="rewrite", document="e.md")]
    assert [found.id for found in select_pairs(pairs, kind="rewrite")] == ["i1", "i3"]
    assert [found.id for found in select_pairs(pairs, document="e.md")] == ["i2", "i3"]
    assert [found.id for found in select_pairs(pairs, kind="rewrite", document="e.md")] == ["i3"]


@given(st.permutations(range(12)), st.integers(1, 15))
def test_a_sample_holds_the_same_pairs_whatever_their_order(order: list[int], size: int) -> None:
    pairs = [item(number) for number in range(12)]
    sample = select_pairs(pairs, sample=size)
    shuffled = select_pairs([pairs[number] for number in order], sample=size)
    assert len(sample) == min(size, 12)
    assert sorted(sample, key=lambda found: found.id) == sorted(shuffled, key=lambda found: found.id)
    assert sample == [found for found in pairs if found in sample]


# --- files


@given(awkward)
def test_a_cell_is_never_computed_and_its_text_comes_back(text: str) -> None:
    cell = escape_cell(text)
    assert cell[:1] not in tuple("=+-@\t\r\n")
    assert unescape_cell(cell) == text


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@any_folder
@given(data=st.data())
def test_a_review_that_is_written_and_read_is_the_same_review(
    tmp_path_factory: pytest.TempPathFactory, form: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("any") / f"review.{form}"
    drawn = data.draw(st.lists(st.tuples(awkward, awkward, awkward, awkward), max_size=4))
    pairs = [
        item(n, question=question, answer=answer, value="", kind="rewrite", quote=quote, document=document)
        for n, (question, answer, quote, document) in enumerate(drawn)
    ]
    wanted: list[tuple[Item, Decision]] = []
    for pair in pairs:
        words = awkward.filter(str.strip)
        edit = st.builds(Decision, st.just("edit"), words, words, awkward)
        plain = st.builds(Decision, st.sampled_from(["accept", "reject"]), reason=awkward)
        chosen = data.draw(st.one_of(st.none(), edit, plain))
        if chosen:
            wanted.append((pair, chosen))
    by_key = decided(*wanted)
    write_review(path, pairs, by_key)
    read = read_review(path, pairs)
    assert read == [(pair, by_key[decision_key(pair)]) for pair in pairs if decision_key(pair) in by_key]


def spreadsheet(path: Path, *rows: dict[str, str], separator: str = ",", encoding: str = "utf-8") -> Path:
    """A file as a spreadsheet saves it."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def cells(number: int, **changes: str) -> dict[str, str]:
    return {**review_row(item(number), None), **changes}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_of_spreadsheets_everywhere_are_read(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [cells(0, decision="Reject ", reason="nudné; a,\n„b“"), cells(1), cells(2, decision="accept")]
    path = spreadsheet(tmp_path / "r.csv", *rows, separator=separator, encoding=encoding)
    found = read_review(path, [item(n) for n in range(3)], reviewer="anna")
    assert found == [
        (item(0), Decision("reject", reason="nudné; a,\n„b“", reviewer="anna")),
        (item(2), Decision("accept", reviewer="anna")),
    ]


def test_a_line_that_names_the_separator_is_passed_over(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "r.csv", cells(0, decision="x"), separator=";")
    path.write_text("sep=;\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ProjectError, match="line 3, decision: 'x' is none of accept, edit, reject"):
        read_review(path, [item(0)])


def test_new_words_of_one_side_leave_the_other_as_it_was(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "r.csv", cells(0, decision="edit", new_question="'=Which one?"))
    assert read_review(path, [item(0)]) == [(item(0), Decision("edit", "=Which one?", item(0).answer))]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "gone"}, "line 2, id: 'gone' is no pair of this dataset"),
        ({"decision": "ok"}, "line 2, decision: 'ok' is none of accept, edit, reject"),
        ({"decision": "edit"}, "line 2, new_question: an edit needs a new question or a new answer"),
        (
            {"decision": "edit", "new_answer": "Gone."},
            "line 2, new_answer: the answer no longer contains the value 'B0'",
        ),
        ({"decision": "edit", "new_question": " ", "new_answer": "B0."}, "line 2, new_question: the question is empty"),
        (
            {"decision": "accept", "new_answer": "B0!"},
            "line 2, decision: there are new words, but it does not say edit",
        ),
        ({"new_question": "Which?"}, "line 2, decision: there are new words, but it does not say edit"),
        ({"answer": "Changed."}, "line 2, answer: is not the pair's answer; new words belong into new_answer"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_faulty_line_is_named_by_line_and_column(
    tmp_path: Path, form: str, changes: dict[str, str], told: str
) -> None:
    path = tmp_path / f"r.{form}"
    rows = [cells(0, **changes), cells(1, decision="reject")]
    if form == "csv":
        spreadsheet(path, *rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        told = told.replace("line 2", "line 1")
    with pytest.raises(ProjectError) as caught:
        read_review(path, [item(0), item(1)])
    assert caught.value.message == f"{told}."
    assert str(path) in str(caught.value)


def test_every_faulty_line_is_told_and_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    rows = [cells(0, decision="reject", reason="two\nlines"), cells(0, decision="accept"), cells(1, decision="no")]
    path = spreadsheet(tmp_path / "r.csv", *rows)
    with pytest.raises(ProjectError) as caught:
        read_review(path, [item(0), item(1)])
    assert caught.value.message == (
        "line 4, id: 'i0' is there twice; line 5, decision: 'no' is none of accept, edit, reject."
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"id,decision\ni0,accept\n", "has no column new_question, new_answer, reason"),
        (b"", "has no column id"),
        ('"id","décision"\n'.encode("cp1250"), "cannot be read"),
        (b'id,decision,new_question,new_answer,reason\n"i0,accept,,,\n', "is not CSV"),
        (b"id,decision,new_question,new_answer,reason\ni0,accept\n", "line 2, new_question: 2 cells, not 5"),
        (b"id,id,decision,new_question,new_answer,reason\n", "has the column id twice"),
    ],
)
def test_a_file_that_is_no_review_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=told):
        read_review(path, [item(0)])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[1]", "line 1, column 1: is not a JSON object"),
        ("{", "line 1, column 1: is not a JSON object"),
        ('{"id": "i0"}', "line 1, decision: is missing or no text"),
        (json.dumps({**cells(0), "reason": 7}), "line 1, reason: is missing or no text"),
        (json.dumps({**cells(0), "reason": "\ud800"}), "line 1, reason: holds half of a character"),
    ],
)
def test_a_broken_json_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        read_review(path, [item(0)])
    assert caught.value.message == f"{told}."


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"neither \.csv nor \.jsonl"):
        write_review(tmp_path / "r.xlsx", [item()], {})
    with pytest.raises(ProjectError, match=r"neither \.csv nor \.jsonl"):
        read_review(tmp_path / "r.xlsx", [item()])
