"""``allotment documents`` as a person meets it."""

from __future__ import annotations

from pathlib import Path

from cli_call import Call

from allotment.project import Project


def test_show_says_who_may_read_a_document_and_where_that_stands(call: Call, small: Path) -> None:
    (small / "documents" / "rules" / "readers.yaml").write_text("readers: [boss]\n", encoding="utf-8")
    call("-C", small, "documents", "ingest")
    shown = call("-C", small, "documents", "show", "documents/rules/day.md", "--json").json()
    assert shown["document"]["readers"] == ["boss"]
    assert shown["document"]["labels"] == [
        {"origin": "documents.rules", "readers": ["boss", "clerk"]},
        {"origin": "documents/rules/readers.yaml", "readers": ["boss"]},
    ]
    text = call("-C", small, "documents", "show", "documents/rules/day.md").out
    assert "readers: boss, from" in text
    assert "documents/rules/readers.yaml" in text


def test_ingest_names_what_failed_and_what_was_labelled_anew(call: Call, small: Path) -> None:
    call("-C", small, "documents", "ingest")
    (small / "documents" / "rules" / "readers.yaml").write_text("readers: [boss]\n", encoding="utf-8")
    (small / "documents" / "rules" / "broken.md").write_bytes(b"a\0b")
    outcome = call("-C", small, "documents", "ingest")
    assert outcome.code == 1
    assert "2 read (2 unchanged), 0 skipped, 1 failed" in outcome.out
    assert "1 with other readers than before" in outcome.out
    assert "failed: documents/rules/broken.md has NUL characters" in outcome.out


def test_show_of_a_failed_document_says_why(call: Call, small: Path) -> None:
    (small / "documents" / "rules" / "broken.md").write_bytes(b"a\0b")
    call("-C", small, "documents", "ingest")
    outcome = call("-C", small, "documents", "show", "documents/rules/broken.md")
    assert outcome.code == 0
    assert outcome.out.startswith("documents/rules/broken.md: failed, has NUL characters")


def test_show_gives_the_pages_or_cues_of_a_section(call: Call, small: Path) -> None:
    cues = "".join(
        f"{n}\n00:00:{n * 5:02},000 --> 00:00:{n * 5 + 4:02},000\nWork begins in hall {n} and everybody signs.\n\n"
        for n in range(1, 6)
    )
    (small / "documents" / "rules" / "talk.srt").write_text(cues, encoding="utf-8")
    call("-C", small, "documents", "ingest")
    shown = call("-C", small, "documents", "show", "documents/rules/talk.srt", "--json").json()
    assert shown["sections"][0]["place"] == {"unit": "cue", "first": 1, "last": 5}
    assert "cue 1 to 5" in call("-C", small, "documents", "show", "documents/rules/talk.srt").out


def test_a_search_shows_sections_of_the_agent_and_is_on_record(call: Call, taught: Project) -> None:
    folder = str(taught.root)
    found = call("-C", folder, "documents", "search", "--agent", "handbook", "spending limit business dinner", "--json")
    assert found.code == 0
    assert "38 EUR" in found.json()[0]["quote"]
    assert set(found.json()[0]) == {"section_id", "document", "heading", "quote", "score", "coverage"}
    newest = call("-C", folder, "audit", "list", "--limit", "1", "--json").json()[0]["event"]
    assert (newest["agent"], newest["search"], newest["question"]) == (
        "handbook",
        True,
        "spending limit business dinner",
    )
    shown = call("-C", folder, "documents", "search", "--agent", "handbook", "--user", "eva", "business dinner")
    assert "38 EUR" in shown.out


def test_a_search_on_the_account_of_an_agent_that_does_not_serve_the_user_is_exit_code_3(
    call: Call, taught: Project
) -> None:
    outcome = call("-C", str(taught.root), "documents", "search", "--agent", "board", "--user", "eva", "dinner")
    assert (outcome.code, outcome.out) == (3, "")
