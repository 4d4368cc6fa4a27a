"""What other trainers get: forms, splits kept apart, sources, and the card."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.dataset import DatasetStats, Item, KindCounts, Split, dataset_hash, export
from allotment.dataset._card import dataset_card
from allotment.dataset._export import SPLITS, open_export, readable_sources
from allotment.dataset._export_folder import write_folder, write_split
from allotment.dataset._items import save_reviewed, stats, stored_hash
from allotment.documents import load_documents, load_sections
from allotment.errors import DatasetError, MissingPartError
from allotment.project import ModelPrice, Project
from allotment.workspace import Workspace, hash_json

MakeProject = Callable[..., tuple[Project, Workspace]]
READERS = frozenset({"staff", "boss"})
COUNTS = DatasetStats(
    asked=9,
    accepted=5,
    rejected={"copy": 2, "length": 1},
    failed={"cut-off": 1},
    train=0,
    held_out=0,
    kinds={"question": KindCounts(9, 5, {"copy": 2, "length": 1}, {"cut-off": 1})},
)
texts = st.text(max_size=30)


def item(split: Split = "train", name: str = "i", **changes: Any) -> Item:
    made = Item(name, "g", "helper", "s", "d.md", "Q?", "A is B.", "B", "en", READERS, split, quote="A is B, really.")
    return replace(made, **changes)


def of_every_split() -> list[Item]:
    return [item(split, f"{split}{n}") for split, count in zip(SPLITS, (5, 2, 3), strict=True) for n in range(count)]


@pytest.fixture
def stored(make_project: MakeProject) -> tuple[Project, Workspace]:
    """A dataset of every split: items of both sections, the board's too, and one of no document."""
    project, workspace = make_project()
    sections = load_sections(workspace)
    items = [
        replace(made, section_id=section.id, document=section.document)
        for made, section in zip(of_every_split(), itertools.cycle(sections), strict=False)
    ]
    items.append(item(name="general", kind="general", section_id="", document="", value="", quote="", language="cs"))
    save_reviewed(workspace, "helper", items, COUNTS)
    return project, workspace


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_format_has_the_fields_its_trainers_expect() -> None:
    (messages,) = export([item()], "messages")
    (alpaca,) = export([item()], "alpaca")
    (sharegpt,) = export([item()], "sharegpt")
    (prompted,) = export([item()], "prompt-completion")
    assert messages["messages"] == [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A is B."}]
    assert (alpaca["instruction"], alpaca["input"], alpaca["output"]) == ("Q?", "", "A is B.")
    assert sharegpt["conversations"] == [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A is B."}]
    assert prompted["prompt"] == [{"role": "user", "content": "Q?"}]
    assert prompted["completion"] == [{"role": "assistant", "content": "A is B."}]
    for row in (messages, alpaca, sharegpt, prompted):
        assert row["metadata"]["readers"] == ["boss", "staff"]
        assert (row["metadata"]["kind"], row["metadata"]["quote"]) == ("question", "A is B, really.")


@pytest.mark.parametrize("form", ["messages", "alpaca", "sharegpt", "prompt-completion", "parquet"])
def test_no_call_gives_items_of_another_split(form: Any) -> None:
    for split, count in zip(SPLITS, (5, 2, 3), strict=True):
        rows = list(export(of_every_split(), form, split))
        assert [row.get("metadata", row)["split"] for row in rows] == [split] * count
    assert len(list(export(of_every_split(), form))) == 5


def test_rows_are_made_one_after_another() -> None:
    endless: Iterator[Item] = (item(name=str(number)) for number in itertools.count())
    rows = export(endless, "messages")
    assert [row["metadata"]["id"] for row in itertools.islice(rows, 3)] == ["0", "1", "2"]


def test_a_file_is_written_while_its_items_are_made(tmp_path: Path) -> None:
    sizes: list[int] = []

    def watched() -> Iterator[Item]:
        for number in range(5000):
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield item(name=str(number))

    write_split(watched(), tmp_path / "train.jsonl", "messages", "train")
    assert 0 < sizes[2500] < sizes[-1]
    assert len(lines(tmp_path / "train.jsonl")) == 5000


def test_parquet_holds_the_messages_and_flat_columns(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    many = [item(name=str(number), question=f"Q{number} „česky“\n?") for number in range(2345)]
    done = write_split([*many, item("held_out")], tmp_path / "train.parquet", "parquet", "train", {"s": "The text."})
    table = parquet.read_table(tmp_path / "train.parquet")
    assert (done.items, table.num_rows) == ({"train": 2345}, 2345)
    row = table.slice(2344).to_pylist()[0]
    assert row["messages"][0] == {"role": "user", "content": "Q2344 „česky“\n?"}
    assert {name: row[name] for name in ("id", "group", "kind", "split", "document")} == {
        "id": "2344",
        "group": "g",
        "kind": "question",
        "split": "train",
        "document": "d.md",
    }
    assert (row["section_id"], row["quote"], row["value"], row["language"]) == ("s", "A is B, really.", "B", "en")
    assert (row["readers"], row["context"]) == (["boss", "staff"], "The text.")


def test_without_pyarrow_the_command_that_brings_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with (
        pytest.raises(MissingPartError, match="pyarrow is not installed") as caught,
        open_export(tmp_path / "x.parquet", "parquet"),
    ):
        pass
    assert "pip install 'allotment[parquet]'" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["messages", "parquet"])
def test_an_export_that_fails_leaves_the_file_before_as_it_was(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "train.x"
    path.write_text("before", encoding="utf-8")

    def failing() -> Iterator[Item]:
        yield item()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_split(failing(), path, form, "train")
    assert [found.name for found in tmp_path.iterdir()] == ["train.x"]
    assert path.read_text(encoding="utf-8") == "before"


def test_a_folder_gets_one_file_for_each_split_and_the_card(stored: tuple[Project, Workspace], tmp_path: Path) -> None:
    project, workspace = stored
    folder = tmp_path / "out"
    done = write_folder(project, workspace, "helper", folder, "messages", SPLITS)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "held_out.jsonl",
        "train.jsonl",
        "validation.jsonl",
    ]
    for split, path in done.files.items():
        assert {row["metadata"]["split"] for row in lines(path)} == {split}
    assert done.items == {"train": 6, "validation": 2, "held_out": 3}


def test_a_split_that_became_empty_leaves_no_file_of_an_earlier_export(
    stored: tuple[Project, Workspace], tmp_path: Path
) -> None:
    project, workspace = stored
    folder = tmp_path / "out"
    write_folder(project, workspace, "helper", folder, "messages", SPLITS)
    save_reviewed(workspace, "helper", [item()], COUNTS)
    write_folder(project, workspace, "helper", folder, "messages", SPLITS)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "train.jsonl"]


def test_a_dataset_that_is_made_anew_meanwhile_is_not_exported_by_halves(
    stored: tuple[Project, Workspace], tmp_path: Path
) -> None:
    project, workspace = stored

    class Meddling(dict[str, str]):
        """Sections' texts; the dataset is made anew when the first is looked up."""

        def get(self, key: str, default: Any = None) -> Any:
            save_reviewed(workspace, "helper", [item()], COUNTS)
            return super().get(key, default)

    with pytest.raises(DatasetError, match="made anew while it was exported"):
        write_folder(project, workspace, "helper", tmp_path / "out", "messages", SPLITS, sources=Meddling())
    assert list((tmp_path / "out").iterdir()) == []


def test_sources_are_only_those_that_all_roles_of_the_agent_may_read(
    stored: tuple[Project, Workspace], tmp_path: Path
) -> None:
    project, workspace = stored
    sources = readable_sources(project, workspace, "helper")
    done = write_folder(project, workspace, "helper", tmp_path / "out", "messages", ("train",), sources=sources)
    written = (tmp_path / "out" / "train.jsonl").read_text(encoding="utf-8")
    found = {row["metadata"]["document"]: row["metadata"]["context"] for row in lines(tmp_path / "out" / "train.jsonl")}
    assert "Osprey" in found["shared/boats.md"] or "life vest" in found["shared/boats.md"]
    assert (found["board/plan.md"], found[""]) == (None, None)
    assert "Bluefin" not in written
    by_document = Counter(row["metadata"]["document"] for row in lines(tmp_path / "out" / "train.jsonl"))
    assert done.without_context == by_document["board/plan.md"] > 0


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            lambda name, words, readers: item(name=name, question=words, readers=frozenset(readers)),
            texts,
            texts,
            st.lists(st.sampled_from(["a", "b", "č"])),
        ),
        max_size=6,
    )
)
def test_the_hash_of_stored_items_is_that_of_the_items_in_memory(tmp_path: Path, items: list[Item]) -> None:
    workspace = Workspace(tmp_path)
    save_reviewed(workspace, "helper", items, COUNTS)
    assert stored_hash(workspace, "helper") == dataset_hash(items)


def front_matter(card: str) -> dict[str, Any]:
    _, fields, _ = card.split("---\n", 2)
    return dict(yaml.safe_load(fields))


def rows_under(card: str, heading: str) -> list[list[str]]:
    """Cells of the table whose first column is ``heading``, its head left out."""
    _, _, rest = card.partition(f"\n| {heading} |")
    table = rest.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table]


def test_the_cards_front_matter_says_what_a_hub_asks_for(stored: tuple[Project, Workspace], tmp_path: Path) -> None:
    project, workspace = stored
    write_folder(project, workspace, "helper", tmp_path / "out", "messages", SPLITS)
    fields = front_matter((tmp_path / "out" / "README.md").read_text(encoding="utf-8"))
    assert (fields["license"], fields["language"], fields["size_categories"]) == ("other", ["cs", "en"], ["n<1K"])
    assert (fields["pretty_name"], fields["task_categories"][0]) == ("Test: helper", "question-answering")
    (config,) = fields["configs"]
    assert config["config_name"] == "default"
    assert {entry["split"]: entry["path"] for entry in config["data_files"]} == {
        "train": "train.jsonl",
        "validation": "validation.jsonl",
        "held_out": "held_out.jsonl",
    }


def test_the_hubs_own_loader_reads_the_folder_by_its_card(
    stored: tuple[Project, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    project, workspace = stored
    write_folder(project, workspace, "helper", tmp_path / "out", "messages", SPLITS)
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: part.num_rows for name, part in found.items()} == {"train": 6, "validation": 2, "held_out": 3}


def test_the_cards_figures_are_those_of_the_counts(stored: tuple[Project, Workspace], tmp_path: Path) -> None:
    project, workspace = stored
    write_folder(project, workspace, "helper", tmp_path / "out", "messages", SPLITS)
    card, counts = (tmp_path / "out" / "README.md").read_text(encoding="utf-8"), stats(workspace, "helper")
    assert [row[:2] for row in rows_under(card, "split")] == [
        ["train", str(counts.train)],
        ["validation", str(counts.validation)],
        ["held_out", str(counts.held_out)],
    ]
    assert rows_under(card, "asked for") == [["question", "9", "5", "3", "1"], ["all", "9", "5", "3", "1"]]
    assert rows_under(card, "what became of it") == [
        ["rejected", "copy", "2"],
        ["rejected", "length", "1"],
        ["failed", "cut-off", "1"],
    ]
    by_kind = {row[0]: sum(map(int, row[1:])) for row in rows_under(card, "kind")}
    assert by_kind == counts.items
    by_language = {row[0]: sum(map(int, row[1:])) for row in rows_under(card, "language")}
    assert by_language == {"cs": 1, "en": 10}


def test_the_card_seals_documents_prompts_and_dataset(stored: tuple[Project, Workspace]) -> None:
    project, workspace = stored
    items = of_every_split()
    items = [replace(made, document="shared/boats.md") for made in items]
    requests = [
        {"prompt_tokens": 1_000_000, "completion_tokens": 500_000},
        {"kind": "judge", "prompt_tokens": 10, "completion_tokens": 5},
        {"state": "failed"},
        {"model": "other", "prompt_tokens": 7, "completion_tokens": 3},
    ]
    teacher = project.models.teacher
    prompts = {"question": "Ask this. ```never``` leave the block", "rewrite": "Tell it anew."}
    judged = project.model_copy(update={"dataset": project.dataset.model_copy(update={"judge": "judge-model"})})

    def made() -> str:
        return dataset_card(
            judged,
            "helper",
            items,
            COUNTS,
            dataset_sha256=dataset_hash(items),
            documents=load_documents(workspace),
            requests=requests,
            prompt_version="9",
            prompts=prompts,
            prices={teacher: ModelPrice(input=1.0, output=4.0, as_of=date(2026, 11, 1))},
            date="2026-11-25",
        )

    card = made()
    seal = next(record.sha256 for record in load_documents(workspace) if record.path == "shared/boats.md")
    assert rows_under(card, "document") == [["shared/boats.md", "10", "boss, staff", f"`{seal}`"]]
    assert rows_under(card, "model") == [
        ["`judge-model`", "1", "10", "5", "unknown", "-"],
        ["`other`", "1", "7", "3", "unknown", "-"],
        [f"`{teacher}`", "2", "1000000", "500000", "3.0000", "2026-11-01"],
    ]
    assert dataset_hash(items) in card and hash_json(prompts) in card and "| made on | 2026-11-25 |" in card
    assert f"````text\n{prompts['question']}\n````" in card
    assert made() == card


def test_the_clearance_on_the_card_is_what_all_items_share(stored: tuple[Project, Workspace]) -> None:
    project, _ = stored
    items = [item(), item(name="j", readers=frozenset({"boss", "guest"}))]
    card = dataset_card(project, "helper", items, COUNTS, dataset_sha256="x", documents=[])
    assert "everything in it: `boss`." in card
    nobody = [item(), item(name="j", readers=frozenset({"guest"}))]
    assert "everything in it: nobody." in dataset_card(
        project, "helper", nobody, COUNTS, dataset_sha256="x", documents=[]
    )


@pytest.mark.parametrize(("count", "size"), [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (12_000, "10K<n<100K")])
def test_the_card_says_the_size_in_the_hubs_steps(stored: tuple[Project, Workspace], count: int, size: str) -> None:
    project, _ = stored
    items = itertools.repeat(item(), count)
    card = dataset_card(project, "helper", items, COUNTS, dataset_sha256="x", documents=[])
    assert front_matter(card)["size_categories"] == [size]


@given(st.text(min_size=1, max_size=40))
def test_no_document_name_breaks_the_cards_table(name: str) -> None:
    project = Project.model_validate(
        {
            "root": "/x",
            "name": "Any | name",
            "roles": {"staff": "", "boss": ""},
            "documents": {"d": {"path": "d", "readers": ["staff", "boss"]}},
            "agents": {"helper": {"roles": ["staff"], "documents": ["d"]}},
        }
    )
    card = dataset_card(project, "helper", [item(document=name)], COUNTS, dataset_sha256="x", documents=[])
    (row,) = rows_under(card, "document")
    assert row[-3:] == ["1", "-", "not in the last ingest"]
