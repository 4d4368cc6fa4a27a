"""Personal data never leaves the reading of a document where its set says so."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from allotment.documents import DocumentRecord, IngestReport, load_sections
from allotment.errors import ProjectError
from allotment.project import Project, load_project
from allotment.workspace import Workspace

MakeProject = Callable[..., Project]
Run = Callable[[Project], tuple[IngestReport, dict[str, DocumentRecord]]]
DECLARATION = """
name: Test
roles: {staff: all}
documents:
  shared: {path: shared, readers: [staff], scrub: [emails, phones, ibans, national-ids, names]}
  plain: {path: plain, readers: [staff]}
personal_data: {names: names.txt}
agents:
  helper: {roles: [staff], documents: [shared]}
"""
SECRETS = ("jana.mala@example.com", "+420 777 123 456", "CZ65 0800 0000 1920 0014 5399", "736028/5163", "Jana Malá")
TEXT = (
    "# Write to jana.mala@example.com\n\nThe harbour office is run by Jana Malá, telephone +420 777 123 456, born"
    " 736028/5163. Bills are paid to CZ65 0800 0000 1920 0014 5399 within a week.\n\n"
    "| person | mail |\n|---|---|\n| Janou Malou | jana.mala@example.com |\n"
)


@pytest.fixture
def scrubbed(make_project: MakeProject) -> Project:
    """Two documents with the same person in a set that is scrubbed, and one in a set that is not."""
    files = {"shared/a.md": TEXT, "shared/b.md": TEXT.replace("Bills", "Invoices"), "plain/c.md": TEXT}
    return make_project({**files, "names.txt": "Jana Malá\n"}, DECLARATION)


def test_nothing_kept_of_a_scrubbed_set_holds_personal_data(run: Run, scrubbed: Project) -> None:
    run(scrubbed)
    workspace = Workspace(scrubbed.root)
    rows = [section for section in load_sections(workspace) if section.document_set == "shared"]
    kept = json.dumps([[s.text, s.heading_path, s.table_header] for s in rows], ensure_ascii=False)
    assert len(rows) == 2
    assert [secret for secret in (*SECRETS, "Malou") if secret in kept] == []
    assert all(label in kept for label in ("EMAIL-", "PHONE-", "IBAN-", "ID-", "PERSON-"))
    assert "The harbour office is run by PERSON-" in kept


def test_a_heading_that_is_personal_data_by_the_line_before_it_is_replaced_in_heading_paths_too(
    run: Run, make_project: MakeProject
) -> None:
    text = f"Telephone:\n## 777 123 456\n\n{TEXT.split(chr(10))[2]}\n"
    project = make_project({"shared/a.md": text, "plain/c.md": text, "names.txt": "Jana Malá\n"}, DECLARATION)
    run(project)
    kept = {s.document_set: " ".join((*s.heading_path, s.text)) for s in load_sections(Workspace(project.root))}
    assert "777 123 456" in kept["plain"]
    assert "777 123 456" not in kept["shared"]


def test_a_repeated_table_header_holds_no_personal_data_either(run: Run, make_project: MakeProject) -> None:
    rows = "".join(f"| Gate {n} | opens at {n % 24}:00 for drivers and their guests |\n" for n in range(80))
    text = f"# Gates\n\n| ask jana.mala@example.com | when |\n|---|---|\n{rows}"
    project = make_project({"shared/a.md": text, "plain/c.md": TEXT, "names.txt": "Jana Malá\n"}, DECLARATION)
    run(project)
    headers = {s.table_header for s in load_sections(Workspace(project.root)) if s.document_set == "shared"}
    assert any("EMAIL-" in header for header in headers)
    assert not any("jana" in header for header in headers)


def test_a_set_that_asks_for_nothing_is_kept_as_it_is(run: Run, scrubbed: Project) -> None:
    run(scrubbed)
    (section,) = [s for s in load_sections(Workspace(scrubbed.root)) if s.document_set == "plain"]
    assert all(secret in " ".join((*section.heading_path, section.text)) for secret in SECRETS)


def test_one_person_has_one_pseudonym_in_all_documents_and_the_report_names_it_alone(
    run: Run, scrubbed: Project
) -> None:
    report, records = run(scrubbed)
    first, second = records["shared/a.md"].replaced, records["shared/b.md"].replaced
    assert first == second
    assert {(item.kind, item.count) for item in first} == {
        ("emails", 2),
        ("ibans", 1),
        ("names", 2),
        ("national-ids", 1),
        ("phones", 1),
    }
    assert report.replaced == 14
    assert not any(secret in Workspace(scrubbed.root).documents_file.read_text("utf-8") for secret in SECRETS)


def test_the_spans_hold_in_the_text_with_pseudonyms(run: Run, scrubbed: Project) -> None:
    run(scrubbed)
    for section in load_sections(Workspace(scrubbed.root)):
        assert section.end - section.start == len(section.text)


def test_a_set_that_is_scrubbed_from_now_on_is_read_again(run: Run, scrubbed: Project) -> None:
    text = (scrubbed.root / "allotment.yaml").read_text(encoding="utf-8")
    without = text.replace(", scrub: [emails, phones, ibans, national-ids, names]", "")
    (scrubbed.root / "allotment.yaml").write_text(without, encoding="utf-8")
    run(load_project(scrubbed.root))
    (scrubbed.root / "allotment.yaml").write_text(text, encoding="utf-8")
    report, _ = run(load_project(scrubbed.root))
    assert (report.unchanged, report.replaced) == (1, 14)


def test_names_without_anything_that_finds_them_are_an_error_of_the_declaration(make_project: MakeProject) -> None:
    with pytest.raises(ProjectError, match=r"documents\.shared\.scrub: names need personal_data\.names"):
        make_project({"shared/a.md": TEXT}, DECLARATION.replace("personal_data: {names: names.txt}\n", ""))


def test_a_missing_file_of_names_stops_before_anything_is_read(run: Run, scrubbed: Project) -> None:
    (scrubbed.root / "names.txt").unlink()
    with pytest.raises(ProjectError, match=r"personal_data\.names: the file of names names\.txt cannot be read"):
        run(scrubbed)
    assert not Workspace(scrubbed.root).sections_file.exists()
