"""The ledger of a run, cut at any byte: the run goes on to the same dataset, and nothing whole is paid for again."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest_dataset import BOATS, DECLARATION, Teacher, good_reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.dataset import DatasetStats, Item, generate, load_items
from allotment.dataset._assemble import assemble
from allotment.dataset._generate import material_of
from allotment.errors import EngineError
from allotment.models import Answer, Ask, Failure
from allotment.project import Project
from allotment.workspace import Ledger, Workspace

MakeProject = Callable[..., tuple[Project, Workspace]]
EVERYTHING = DECLARATION.replace(
    "rounds: 1, paraphrases: 3, backwards: false, rewrites: [], text: false, unknown_share: 0,\n  general_share: 0",
    "rounds: 2, paraphrases: 3, judge: judge, rewrites: [summary, explanation, dialogue], text: true,"
    "\n  unknown_share: 0.3, general_share: 0.3",
)
FERRIES = """# Ferries

Every morning at 6:55 sharp we board the ferry Heron from the long pier, whatever the weather brings to us that day.
The ferry Cormorant belongs to the yard Limestone, which painted it in spring, and its horn can be heard for 4 km.
"""


@dataclass
class Keyed(Teacher):
    """A teacher that keeps the keys of what it was asked."""

    keys: list[str] = field(default_factory=list)

    async def run(self, asks: Iterable[Ask]) -> AsyncIterator[tuple[Ask, Answer | Failure]]:
        async for ask, found in super().run(self._noted(asks)):
            yield ask, found

    def _noted(self, asks: Iterable[Ask]) -> Iterator[Ask]:
        for ask in asks:
            self.keys.append(ask.key)
            yield ask


def a_teacher() -> Keyed:
    return Keyed(good_reply)


def a_judge() -> Keyed:
    """Agrees with two answers in three, by their length; the way back it finds by chance alone."""

    def reply(messages: object) -> str:
        text = str(messages)
        return "6:40" if "Supported?" not in text else f'{{"supported": "{"yes" if len(text) % 3 else "no"}"}}'

    return Keyed(reply, name="judge")


@dataclass
class FullRun:
    """A run that nobody interrupted."""

    project: Project
    workspace: Workspace
    ledger: Path
    raw: bytes
    counts: DatasetStats
    items: list[Item]
    keys: list[str]

    def again(self, teacher: Keyed, judge: Keyed) -> tuple[DatasetStats, list[Item]]:
        counts = generate(self.project, self.workspace, "helper", teacher, judge=judge)
        return counts, load_items(self.workspace, "helper")


@pytest.fixture
def full(make_project: MakeProject) -> FullRun:
    project, workspace = make_project({"shared/boats.md": BOATS, "shared/ferries.md": FERRIES}, EVERYTHING)
    teacher, judge = a_teacher(), a_judge()
    counts = generate(project, workspace, "helper", teacher, judge=judge)
    ledger = workspace.dataset_dir("helper") / "ledger.jsonl"
    keys = teacher.keys + judge.keys
    return FullRun(project, workspace, ledger, ledger.read_bytes(), counts, load_items(workspace, "helper"), keys)


def test_the_run_that_is_cut_has_every_kind_of_request(full: FullRun) -> None:
    rows = list(Ledger(full.ledger).rows.values())
    assert {row["kind"] for row in rows} == {"question", "reverse", "rewrite", "judge"}
    assert sorted(full.keys) == sorted(row["key"] for row in rows)
    assert {item.kind for item in full.items} > {"question", "rewrite", "text", "unknown", "general"}
    assert full.counts.dropped["round-trip"] and full.counts.accepted


def _assert_the_same_and_only_what_was_lost_is_asked(full: FullRun, kept: bytes) -> None:
    whole = [line for line in kept.splitlines(keepends=True) if line.endswith(b"\n")]
    full.ledger.write_bytes(b"".join(whole))
    left = set(Ledger(full.ledger).rows)
    full.ledger.write_bytes(kept)
    teacher, judge = a_teacher(), a_judge()
    assert full.again(teacher, judge) == (full.counts, full.items)
    assert sorted(teacher.keys + judge.keys) == sorted(set(full.keys) - left)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_cut_at_any_byte_it_goes_on_to_the_same_dataset_and_asks_only_what_was_lost(
    full: FullRun, share: float
) -> None:
    _assert_the_same_and_only_what_was_lost_is_asked(full, full.raw[: round(share * len(full.raw))])


def test_cut_around_the_end_of_any_line_it_goes_on_as_well(full: FullRun) -> None:
    ends = [place for place, byte in enumerate(full.raw, start=1) if byte == ord("\n")]
    for end in ends[:: max(1, len(ends) // 5)]:
        for cut in (end - 1, end, end + 1):
            _assert_the_same_and_only_what_was_lost_is_asked(full, full.raw[:cut])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers())
def test_rows_in_any_order_are_the_same_dataset_and_nothing_is_asked(full: FullRun, seed: int) -> None:
    lines = full.raw.splitlines(keepends=True)
    full.ledger.write_bytes(b"".join(random.Random(seed).sample(lines, len(lines))))
    teacher, judge = a_teacher(), a_judge()
    assert full.again(teacher, judge) == (full.counts, full.items)
    assert teacher.keys == judge.keys == []


def test_assembling_is_pure(full: FullRun) -> None:
    material = material_of(full.project, full.workspace, "helper", "stand-in")
    rows = {key: dict(row) for key, row in Ledger(full.ledger).rows.items()}
    before = str(rows)
    mixed = dict(sorted(rows.items(), key=lambda pair: pair[0][::-1]))
    one, other = (assemble("helper", material.sections, material.asker, told, material.roles) for told in (rows, mixed))
    assert (one.items, one.stats, one.pairs) == (other.items, other.stats, other.pairs)
    assert str(rows) == before


def _dies_at(teacher: Keyed, number: int) -> Keyed:
    """Interrupted at its next request after ``number`` of them."""
    reply = teacher.reply

    def until(messages: object) -> str:
        if len(teacher.asked) > number:
            raise KeyboardInterrupt
        return reply(messages)  # type: ignore[arg-type]

    teacher.reply = until
    return teacher


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.99])
def test_left_at_a_request_it_goes_on_and_no_answer_that_came_is_paid_for_again(full: FullRun, share: float) -> None:
    full.ledger.unlink()
    first = [_dies_at(a_teacher(), round(share * 14)), _dies_at(a_judge(), round(share * 40))]
    with pytest.raises(KeyboardInterrupt):
        full.again(*first)
    kept = set(Ledger(full.ledger).rows)
    teacher, judge = a_teacher(), a_judge()
    assert full.again(teacher, judge) == (full.counts, full.items)
    assert set(teacher.keys + judge.keys) == set(full.keys) - kept


def test_an_error_of_the_teachers_server_leaves_what_had_come(full: FullRun) -> None:
    full.ledger.unlink()

    class Gone(Keyed):
        async def run(self, asks: Iterable[Ask]) -> AsyncIterator[tuple[Ask, Answer | Failure]]:
            async for ask, found in super().run(asks):
                yield ask, found
                raise EngineError("is not there.", element="teacher")

    with pytest.raises(EngineError):
        full.again(Gone(good_reply), a_judge())
    assert len(Ledger(full.ledger)) == 1
    assert full.again(a_teacher(), a_judge()) == (full.counts, full.items)
