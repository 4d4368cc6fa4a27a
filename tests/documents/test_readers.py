"""Who may read a document, and where it says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.documents import DocumentRecord, IngestReport, load_sections
from allotment.project import Project, load_project
from allotment.training._manifest import Manifest, ManifestFile, _changes
from allotment.workspace import Workspace

GOOD = "# Boats\n\nThe ferry Osprey leaves the north pier at 6:40 and nobody waits for late guests at all.\n"
MakeProject = Callable[..., Project]
Run = Callable[[Project], tuple[IngestReport, dict[str, DocumentRecord]]]


def test_a_folder_narrows_the_readers_of_everything_below_it_and_the_origin_is_kept(
    run: Run, make_project: MakeProject
) -> None:
    project = make_project(
        {
            "shared/open.md": GOOD,
            "shared/closed/readers.yaml": "readers: [boss]\n",
            "shared/closed/a.md": GOOD,
            "shared/closed/deep/b.md": GOOD,
        }
    )
    _, records = run(project)
    assert records["shared/open.md"].readers == {"staff", "boss"}
    for name in ("shared/closed/a.md", "shared/closed/deep/b.md"):
        assert records[name].readers == {"boss"}
        assert [label.origin for label in records[name].labels] == ["documents.shared", "shared/closed/readers.yaml"]
    assert "shared/closed/readers.yaml" not in records


def test_a_folder_above_the_set_but_inside_the_project_counts_too(run: Run, make_project: MakeProject) -> None:
    declaration = """
name: Test
roles: {staff: all, boss: few}
documents:
  shared: {path: shared/inner, readers: [staff, boss]}
agents:
  helper: {roles: [boss], documents: [shared]}
"""
    project = make_project({"shared/readers.yaml": "readers: [boss]\n", "shared/inner/a.md": GOOD}, declaration)
    assert run(project)[1]["shared/inner/a.md"].readers == {"boss"}


BROKEN = {
    "unknown": ("readers.yaml", "readers: [king]\n", "shared/c/readers.yaml: unknown role king in readers"),
    "empty": ("readers.yaml", "readers: []\n", "shared/c/readers.yaml: has readers that are not one list of roles"),
    "no key": ("readers.yaml", "reader: [boss]\n", "shared/c/readers.yaml: has no key readers"),
    "twice": ("readers.yaml", "readers: [boss]\nreaders: [staff]\n", "shared/c/readers.yaml: has a key twice"),
    "not a mapping": ("readers.yaml", "- boss\n", "shared/c/readers.yaml: is not a mapping of keys and values"),
    "no YAML": ("readers.yaml", "readers: [boss\n", "shared/c/readers.yaml: is not YAML (ParserError)"),
    "another ending": (
        "Readers.yml",
        "readers: [boss]\n",
        "shared/c/readers.yaml: there is a file Readers.yml; name it readers.yaml, or it would be overlooked",
    ),
    "wider than the folder above": (
        "d/readers.yaml",
        "readers: [staff]\n",
        "",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_folder_rule_that_cannot_be_followed_fails_its_documents_and_no_other(
    run: Run, make_project: MakeProject, fault: str
) -> None:
    name, content, reason = BROKEN[fault]
    files = {f"shared/c/{name}": content, "shared/c/d/a.md": GOOD, "shared/b.md": GOOD}
    if not reason:
        files["shared/c/readers.yaml"] = "readers: [boss]\n"
        reason = "shared/c/d/readers.yaml: staff may not read what shared/c/readers.yaml covers; readers only narrow"
    report, records = run(make_project(files))
    assert (records["shared/c/d/a.md"].state, records["shared/c/d/a.md"].reason) == ("failed", reason)
    assert records["shared/c/d/a.md"].readers == frozenset()
    assert (report.done, report.failed) == (1, 1)


def test_front_matter_inside_a_narrowed_folder_may_not_name_a_role_the_folder_left_out(
    run: Run,
    make_project: MakeProject,
) -> None:
    files = {"shared/readers.yaml": "readers: [boss]\n", "shared/a.md": f"---\nreaders: [staff]\n---\n{GOOD}"}
    record = run(make_project(files))[1]["shared/a.md"]
    reason = "front matter: staff may not read what shared/readers.yaml covers; readers only narrow"
    assert (record.state, record.reason) == ("failed", reason)


def test_new_rules_label_documents_anew_without_reading_them_again(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/a.md": f"---\nreaders: [boss, staff]\n---\n{GOOD}", "shared/b.md": GOOD})
    run(project)
    rows = (Workspace(project.root).sections_file).read_bytes()
    (project.root / "shared" / "readers.yaml").write_text("readers: [boss, staff]\n", encoding="utf-8")
    report, _ = run(project)
    assert (report.unchanged, report.relabelled) == (2, 0)
    text = (project.root / "allotment.yaml").read_text(encoding="utf-8")
    (project.root / "shared" / "readers.yaml").write_text("readers: [staff]\n", encoding="utf-8")
    report, records = run(project)
    assert (report.done, report.failed, report.unchanged, report.relabelled) == (1, 1, 1, 1)
    assert records["shared/b.md"].readers == {"staff"}
    assert records["shared/a.md"].reason.startswith("front matter: boss may not read")
    (project.root / "shared" / "readers.yaml").unlink()
    assert run(load_project(project.root))[0].done == 2
    assert (Workspace(project.root).sections_file).read_bytes() == rows
    assert text == (project.root / "allotment.yaml").read_text(encoding="utf-8")


ROLES = ["a", "b", "c"]
RULE = st.one_of(st.none(), st.sets(st.sampled_from([*ROLES, "x"])))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(ROLES), min_size=1), RULE, RULE, RULE)
def test_a_section_never_has_a_reader_that_any_rule_above_it_leaves_out(
    run: Run,
    tmp_path_factory: pytest.TempPathFactory,
    declared: set[str],
    outer: set[str] | None,
    inner: set[str] | None,
    named: set[str] | None,
) -> None:
    root = tmp_path_factory.mktemp("rules")
    (root / "d" / "e").mkdir(parents=True)
    front = "" if named is None else f"---\nreaders: {json.dumps(sorted(named))}\n---\n"
    (root / "d" / "e" / "f.md").write_text(front + GOOD, encoding="utf-8")
    for folder, rule in ((root / "d", outer), (root / "d" / "e", inner)):
        if rule is not None:
            (folder / "readers.yaml").write_text(f"readers: {json.dumps(sorted(rule))}\n", encoding="utf-8")
    documents = f"documents: {{d: {{path: d, readers: {json.dumps(sorted(declared))}}}}}"
    agents = f"agents: {{g: {{roles: [{min(declared)}], documents: [d]}}}}"
    (root / "allotment.yaml").write_text(
        f"name: T\nroles: {{a: x, b: x, c: x}}\n{documents}\n{agents}\n", encoding="utf-8"
    )
    _, records = run(load_project(root))
    rules = [declared, *(rule for rule in (outer, inner, named) if rule is not None)]
    nested = all(rules) and all(low <= high for high, low in pairwise(rules))
    sections = load_sections(Workspace(root))
    assert records["d/e/f.md"].state == ("done" if nested else "failed")
    assert {section.readers for section in sections} == ({frozenset(rules[-1])} if nested else set())


def test_an_adapter_that_learnt_a_document_is_stale_as_soon_as_a_rule_labels_it_anew(
    run: Run, make_project: MakeProject
) -> None:
    project = make_project({"shared/a.md": GOOD})
    workspace = Workspace(project.root)
    record = run(project)[1]["shared/a.md"]
    learnt = ManifestFile(path=record.path, sha256=record.sha256, readers=tuple(sorted(record.readers)))
    manifest = Manifest.model_construct(agent="helper", documents=(learnt,), clearance=("boss", "staff"))
    assert _changes(project, workspace, manifest) == []
    rule = project.root / "shared" / "readers.yaml"
    for broken in ("readers: [boss]\n", "readers: [king]\n", "readers: ["):
        rule.write_text(broken, encoding="utf-8")
        assert _changes(project, workspace, manifest) == ["shared/a.md"]
    rule.unlink()
    assert _changes(project, workspace, manifest) == []
    rule.write_text("readers: [boss]\n", encoding="utf-8")
    assert run(project)[0].relabelled == 1
    assert _changes(project, workspace, manifest) == ["shared/a.md"]


def test_the_files_of_readers_are_no_documents(run: Run, make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project({"shared/readers.yaml": "readers: [boss]\n", "shared/.hidden.md": GOOD, "shared/a.md": GOOD})
    assert set(run(project)[1]) == {"shared/a.md"}
