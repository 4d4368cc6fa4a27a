"""Every file ends somewhere, and the counts add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.documents import DocumentRecord, IngestReport, WorkerPool, ingest, load_documents, load_sections
from allotment.errors import IntegrityError, MissingPartError, ProjectError
from allotment.project import Project, load_project
from allotment.workspace import Workspace

GOOD = "# Boats\n\nThe ferry Osprey leaves the north pier at 6:40 and nobody waits for late guests at all.\n"
MakeProject = Callable[..., Project]
Run = Callable[[Project], tuple[IngestReport, dict[str, DocumentRecord]]]


def test_a_section_knows_its_document_its_place_its_language_and_its_readers(
    run: Run, make_project: MakeProject
) -> None:
    project = make_project({"shared/sub/boats.md": GOOD})
    report, records = run(project)
    (section,) = load_sections(Workspace(project.root))
    assert report == IngestReport(done=1, skipped=0, failed=0, sections=1)
    assert records["shared/sub/boats.md"].state == "done"
    assert (section.document, section.document_set, section.heading_path) == (
        "shared/sub/boats.md",
        "shared",
        ("Boats",),
    )
    assert GOOD[section.start : section.end] == section.text
    assert (section.language, section.readers) == ("en", frozenset({"staff", "boss"}))


BROKEN: dict[str, tuple[str | bytes, str, str]] = {
    "latin.md": (
        "Příliš žluťoučký".encode("cp1250"),
        "failed",
        "is not UTF-8, and its encoding cannot be told with certainty; save it as UTF-8",
    ),
    "nul.txt": ("a\0b", "failed", "has NUL characters; it is no text file, or UTF-16 without a byte order mark"),
    "empty.md": ("", "skipped", "is empty"),
    "spaces.md": (" \n\n", "skipped", "is empty"),
    "short.md": ("# A\n\nToo short.", "skipped", "has too little text to ask about"),
    "open.md": ("---\nreaders: [boss]\n" + GOOD, "failed", "front matter is not closed by a line ---"),
    "list.md": ("---\n- a\n---\n" + GOOD, "failed", "front matter is not a mapping of keys and values"),
    "yaml.md": ("---\nreaders: [boss\n---\n" + GOOD, "failed", "front matter is not YAML (ParserError)"),
    "twice.md": ("---\nreaders: [boss]\nreaders: [staff]\n---\n" + GOOD, "failed", "front matter has a key twice"),
    "unknown.md": ("---\nreaders: [king]\n---\n" + GOOD, "failed", "front matter: unknown role king in readers"),
    "nobody.md": (
        "---\nreaders: []\n---\n" + GOOD,
        "failed",
        "front matter has readers that are not one list of roles",
    ),
    "json.ipynb": ('{"cells": [', "failed", "is not a notebook: its JSON is broken, or of an unknown format"),
    "cells.ipynb": ("{}", "failed", "is not a notebook of format 4: its content is wrong"),
    "source.ipynb": ('{"cells": [{"source": 3}]}', "failed", "is not a notebook of format 4: its content is wrong"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_used_says_why_and_the_rest_goes_on(
    run: Run, make_project: MakeProject, name: str
) -> None:
    content, state, reason = BROKEN[name]
    report, records = run(make_project({f"shared/{name}": content, "shared/good.md": GOOD}))
    record = records[f"shared/{name}"]
    assert (record.state, record.reason, record.sections, record.readers) == (state, reason, 0, frozenset())
    assert (report.done, report.skipped + report.failed, report.sections) == (1, 1, 1)


def test_links_out_of_the_folder_loops_and_pipes_are_not_opened(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/good.md": GOOD, "elsewhere/secret.md": GOOD})
    shared = project.root / "shared"
    (shared / "out.md").symlink_to(project.root / "elsewhere" / "secret.md")
    (shared / "loop.md").symlink_to(shared / "loop.md")
    (shared / "gone.md").symlink_to(shared / "nothing.md")
    (shared / "inside.md").symlink_to(shared / "good.md")
    os.mkfifo(shared / "pipe.md")
    report, records = run(project)
    assert records["shared/out.md"].reason == "is a link that leads out of its folder"
    assert records["shared/pipe.md"].reason == "is not a regular file"
    assert records["shared/gone.md"].reason == "cannot be read (No such file or directory)"
    assert records["shared/loop.md"].state == "failed"
    assert (report.done, report.failed) == (2, 4)


INGEST = """
import sys
from pathlib import Path
from allotment.documents import ingest
from allotment.project import load_project
from allotment.workspace import Workspace
ingest(load_project(Path(sys.argv[1])), Workspace(Path(sys.argv[1])))
"""


def test_a_file_without_read_permission_fails_alone(make_project: MakeProject) -> None:
    project = make_project({"shared/good.md": GOOD, "shared/closed.md": GOOD})
    (project.root / "shared" / "closed.md").chmod(0)
    # The superuser may read everything, unless he gives that up.
    plain = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    subprocess.run([*plain, sys.executable, "-c", INGEST, str(project.root)], check=True)
    records = {record.path: record for record in load_documents(Workspace(project.root))}
    assert records["shared/closed.md"].reason == "cannot be read (Permission denied)"
    assert records["shared/good.md"].state == "done"


def test_front_matter_narrows_the_readers_and_is_no_text(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": f"---\nReaders: boss\ntitle: x\n---\n{GOOD}"})
    run(project)
    (section,) = load_sections(Workspace(project.root))
    assert section.readers == {"boss"}
    assert "title" not in section.text


TWO_SETS = """
name: Test
roles: {staff: all, boss: few}
documents:
  shared: {path: shared, readers: [staff, boss]}
  board: {path: board, readers: [boss]}
agents:
  helper: {roles: [staff], documents: [shared]}
"""


def test_front_matter_cannot_widen_the_readers(run: Run, make_project: MakeProject) -> None:
    project = make_project({"board/a.md": f"---\nreaders: [staff, boss]\n---\n{GOOD}"}, TWO_SETS)
    record = run(project)[1]["board/a.md"]
    assert (record.state, record.readers) == ("failed", frozenset())
    assert record.reason == "front matter: staff may not read board; readers only narrow"


def test_a_file_in_two_sets_is_refused_because_its_readers_are_ambiguous(run: Run, make_project: MakeProject) -> None:
    declaration = TWO_SETS.replace("path: board", "path: shared/board")
    report, records = run(make_project({"shared/board/a.md": GOOD, "shared/b.md": GOOD}, declaration))
    assert records["shared/board/a.md"].reason == "is declared in two document sets (board and shared)"
    assert (report.done, report.failed) == (1, 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(["a", "b", "c"]), min_size=1), st.one_of(st.none(), st.sets(st.sampled_from("abcx"))))
def test_a_section_never_has_a_reader_its_set_does_not_have(
    run: Run, tmp_path: Path, declared: set[str], named: set[str] | None
) -> None:
    front = "" if named is None else f"---\nreaders: {json.dumps(sorted(named))}\n---\n"
    (tmp_path / "d.md").write_text(front + GOOD, encoding="utf-8")
    roles = "roles: {a: x, b: x, c: x}"
    documents = f"documents: {{d: {{path: d.md, readers: {json.dumps(sorted(declared))}}}}}"
    agents = f"agents: {{g: {{roles: [{min(declared)}], documents: [d]}}}}"
    (tmp_path / "allotment.yaml").write_text(f"name: T\n{roles}\n{documents}\n{agents}\n", encoding="utf-8")
    _, records = run(load_project(tmp_path))
    sections = load_sections(Workspace(tmp_path))
    assert all(section.readers and section.readers <= declared for section in sections)
    assert bool(sections) == (named is None or (bool(named) and named <= declared))
    assert records["d.md"].state == ("done" if sections else "failed")


def test_an_unchanged_file_is_not_read_again_and_a_removed_one_disappears(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.md": GOOD, "shared/c.md": "too short"})
    run(project)
    before = load_sections(Workspace(project.root))
    (project.root / "shared" / "b.md").unlink()
    report, records = run(project)
    assert report == IngestReport(done=1, skipped=1, failed=0, sections=1, unchanged=2, removed=1)
    assert set(records) == {"shared/a.md", "shared/c.md"}
    assert load_sections(Workspace(project.root)) == before[:1]


def test_a_changed_file_is_read_again_and_changed_readers_label_it_anew(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.md": GOOD})
    run(project)
    (project.root / "shared" / "a.md").write_text(GOOD + "\nOne sentence more.\n", encoding="utf-8")
    assert run(project)[0].unchanged == 1
    text = (project.root / "allotment.yaml").read_text(encoding="utf-8")
    narrowed = text.replace("readers: [staff, boss]", "readers: [staff]")
    (project.root / "allotment.yaml").write_text(narrowed, encoding="utf-8")
    report = run(load_project(project.root))[0]
    assert (report.unchanged, report.relabelled) == (2, 2)
    assert {section.readers for section in load_sections(Workspace(project.root))} == {frozenset({"staff"})}


def test_a_renamed_file_is_noticed_and_is_neither_removed_nor_lost(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.md": GOOD + GOOD, "shared/c.md": GOOD + "x"})
    run(project)
    (project.root / "shared" / "a.md").rename(project.root / "shared" / "moved.md")
    (project.root / "shared" / "c.md").unlink()
    report, records = run(project)
    assert (report.done, report.unchanged, report.renamed, report.removed) == (2, 1, 1, 1)
    assert set(records) == {"shared/b.md", "shared/moved.md"}


def test_other_section_sizes_are_read_again(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": "# A\n\n" + f"{GOOD.splitlines()[2]}\n\n" * 12})
    assert run(project)[0].sections == 1
    text = (project.root / "allotment.yaml").read_text(encoding="utf-8")
    (project.root / "allotment.yaml").write_text(text + "sections: {ceiling_tokens: 64}\n", encoding="utf-8")
    report, _ = run(load_project(project.root))
    assert (report.unchanged, report.sections > 4) == (0, True)


def test_a_file_of_a_kind_nobody_named_is_skipped_with_a_reason_and_one_that_was_named_is_read(
    run: Run, make_project: MakeProject
) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.rst": GOOD, "shared/.git/c.md": GOOD})
    report, records = run(project)
    assert (report.done, report.skipped) == (1, 1)
    assert records["shared/b.rst"].reason.startswith("is of a kind that is not read (.rst)")
    named = TWO_SETS.replace("path: shared,", "path: shared, include: ['**/*.rst'],").replace(
        "  board: {path: board, readers: [boss]}\n", ""
    )
    assert set(run(make_project({}, named))[1]) == {"shared/b.rst"}


def test_an_id_survives_edits_elsewhere_in_the_file_and_equal_sections_have_ids_of_their_own(
    run: Run,
    make_project: MakeProject,
) -> None:
    project = make_project({"shared/a.md": GOOD * 2})
    run(project)
    first, second = load_sections(Workspace(project.root))
    assert first.id != second.id
    (project.root / "shared" / "a.md").write_text("# New\n\n" + "word " * 20 + "\n\n" + GOOD, encoding="utf-8")
    run(project)
    assert load_sections(Workspace(project.root))[1].id == first.id


def test_sections_left_by_a_run_that_died_between_the_two_files_are_not_reused(
    run: Run, make_project: MakeProject
) -> None:
    project = make_project({"shared/a.md": GOOD})
    workspace = Workspace(project.root)
    run(project)
    records = workspace.documents_file.read_bytes()
    (project.root / "shared" / "a.md").write_text(GOOD.replace("6:40", "7:50"), encoding="utf-8")
    run(project)
    workspace.documents_file.write_bytes(records)
    (project.root / "shared" / "a.md").write_text(GOOD, encoding="utf-8")
    run(project)
    assert "6:40" in load_sections(workspace)[0].text


def test_a_declared_path_that_does_not_exist_is_an_error_that_names_it(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD})
    (project.root / "shared" / "a.md").unlink()
    (project.root / "shared").rmdir()
    with pytest.raises(ProjectError, match=r"documents\.shared: the path shared does not exist"):
        run(project)


def test_reading_sections_before_anything_was_ingested_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="allotment documents ingest"):
        load_sections(Workspace(tmp_path))


def test_a_broken_sections_file_is_an_error_and_the_next_ingest_mends_it(
    run: Run,
    make_project: MakeProject,
) -> None:
    project = make_project({"shared/a.md": GOOD})
    workspace = Workspace(project.root)
    run(project)
    workspace.sections_file.write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"sections\.jsonl: the sections of shared/a\.md were edited"):
        load_sections(workspace)
    workspace.sections_file.unlink()
    with pytest.raises(IntegrityError, match=r"sections\.jsonl: is missing"):
        load_sections(workspace)
    assert run(project)[0].sections == len(load_sections(workspace)) == 1


def test_reading_again_what_is_unchanged_changes_no_byte(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.md": GOOD})
    workspace = Workspace(project.root)
    run(project)
    before = workspace.sections_file.read_bytes(), workspace.documents_file.read_bytes()
    run(project)
    assert (workspace.sections_file.read_bytes(), workspace.documents_file.read_bytes()) == before


def test_a_section_somebody_edited_is_an_error_and_the_next_ingest_reads_that_document_again(
    run: Run, make_project: MakeProject
) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.md": GOOD})
    workspace = Workspace(project.root)
    run(project)
    whole = workspace.sections_file.read_bytes()
    workspace.sections_file.write_bytes(whole.replace(b"6:40", b"9:99", 1))
    with pytest.raises(IntegrityError, match=r"the sections of shared/a\.md were edited"):
        load_sections(workspace)
    assert run(project)[0].unchanged == 1
    assert [section.text.count("6:40") for section in load_sections(workspace)] == [1, 1]


def test_a_document_that_takes_too_long_fails_alone_and_its_process_is_replaced(make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/slow.md": "*a **b " * 400_000, "shared/z.md": GOOD})
    with WorkerPool(1, limit_s=2.0) as pool:
        report = ingest(project, Workspace(project.root), workers=pool)
    records = {record.path: record for record in load_documents(Workspace(project.root))}
    assert records["shared/slow.md"].reason == "took longer than 2 s to read; cut it into smaller files"
    assert (report.done, report.failed) == (2, 1)


def test_a_document_that_needs_too_much_memory_fails_alone(make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/large.md": "* a\n" * 4_000_000, "shared/z.md": GOOD})
    with WorkerPool(1, limit_bytes=700 * 1024**2) as pool:
        report = ingest(project, Workspace(project.root), workers=pool)
    records = {record.path: record for record in load_documents(Workspace(project.root))}
    assert "memory" in records["shared/large.md"].reason
    assert (report.done, report.failed) == (2, 1)


def test_a_file_above_the_size_that_is_read_fails_without_being_held_whole(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/big.html": ""})
    with (project.root / "shared" / "big.html").open("wb") as file:
        file.truncate(200 * 1024**2)
    report, records = run(project)
    assert records["shared/big.html"].reason == "is larger than 64 MiB; split it"
    assert (report.done, report.failed) == (1, 1)


def test_a_reader_that_is_not_installed_stops_before_anything_is_read(make_project: MakeProject) -> None:
    declaration = TWO_SETS.replace("{path: shared,", "{path: shared, reader: docling,").replace(
        "  board: {path: board, readers: [boss]}\n", ""
    )
    project = make_project({"shared/a.md": GOOD}, declaration)
    if find_spec("docling") is not None:
        pytest.skip("docling is installed")
    with pytest.raises(MissingPartError, match=r"pip install 'allotment\[docling\]'"):
        ingest(project, Workspace(project.root))
    assert not Workspace(project.root).sections_file.exists()


def test_what_was_there_stays_when_the_result_cannot_be_written(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD})
    workspace = Workspace(project.root)
    run(project)
    (project.root / "shared" / "b.md").write_text(GOOD, encoding="utf-8")

    def stop(path: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = workspace.sections_file.read_bytes(), workspace.documents_file.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        ingest(project, workspace, stop)
    assert (workspace.sections_file.read_bytes(), workspace.documents_file.read_bytes()) == before
    assert sorted(path.name for path in workspace.home.glob("*jsonl*")) == ["documents.jsonl", "sections.jsonl"]
    assert run(project)[0].done == 2


def test_a_notebook_gives_its_prose_and_its_code_as_fenced_blocks(run: Run, make_project: MakeProject) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Boats\n", "\n", "```\n", "never closed by its author"]},
        {
            "cell_type": "code",
            "source": "print('```')\n# no heading",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "secret output"}],
            "execution_count": None,
        },
        {"cell_type": "markdown", "source": f"## Times\n\n{GOOD.splitlines()[2]}"},
    ]
    named = [{**cell, "metadata": {}, "id": f"cell{n}"} for n, cell in enumerate(cells)]
    metadata = {"language_info": {"name": "python"}}
    notebook = {"cells": named, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    project = make_project({"shared/a.ipynb": json.dumps(notebook)})
    run(project)
    (section,) = load_sections(Workspace(project.root))
    assert "````python\nprint('```')\n# no heading\n````" in section.text
    assert section.heading_path == ("Boats", "Times")
    assert "secret output" not in section.text


def test_progress_counts_every_file_once(make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": GOOD, "shared/b.md": ""})
    calls: list[tuple[str, int, int]] = []
    ingest(project, Workspace(project.root), lambda path, done, total: calls.append((path, done, total)))
    assert calls == [("shared/a.md", 1, 2), ("shared/b.md", 2, 2)]
