"""The search finds what the granted agent's roles may read, in every language, whatever the question holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from library import grant_for, made, make_project, write_sections
from search_server import BOTH, CHIEF, SearchServer

from allotment.access import Policy, Principal, Request
from allotment.audit import RecordedDenial, authorize
from allotment.databases import Hit
from allotment.databases.sections._hit import best_sentence
from allotment.dataset._embedders import HashedEmbedder
from allotment.errors import IntegrityError, NotGranted, ProjectError
from allotment.project import Project

ODD_TEXTS = {
    "quotes": """O'Hare's "quoted" text; DROP TABLE section; -- zebra""",
    "NUL": "before\x00after zebra",
    "half a character": "half \ud83d zebra",
    "emoji": "🦓 zebra 🦓",
    "right to left": "זברה zebra الحمار الوحشي",
    "a megabyte": " ".join(f"word{number}" for number in range(120_000)) + " zebra",
    "one long word": "x" * 200_000 + " zebra",
    "a format": "%s %(word)s {} zebra \\",
}
ODD_SIGNS = ["'", '"', "\\", "' OR 1=1 --", "a & | ! b", "zanzibar:*", "<->", "(((", "%s", "\x00", "$1", "\ud83d"]


def _quotes(hits: list[Hit]) -> list[str]:
    return [hit.quote for hit in hits]


def test_a_search_finds_the_sentence_and_says_where_it_stands(server: SearchServer, library: Project) -> None:
    grant = grant_for(server.log, library, "desk", "clerk")
    best = server.search(library).search(grant, "How many days of holiday do I have?")[0]
    assert (best.document, best.heading) == ("documents/all/rules.md", "Rules › Holidays")
    assert best.quote == "Everybody has 25 days off a year."
    assert 0 < best.coverage <= 1 and best.score > 0


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("badges opening gates", "A badge opens the gate from six in the morning."),
        ("priplatky nocnich smen", "Příplatek za noční směnu činí 30 Kč za hodinu."),
        ("Mitarbeiterin Schlussel", "Die Mitarbeiter erhalten den Schlüssel beim Pförtner."),
    ],
    ids=["English endings", "Czech endings without accents", "German endings without umlauts"],
)
def test_endings_and_accents_do_not_matter(server: SearchServer, library: Project, question: str, quote: str) -> None:
    grant = grant_for(server.log, library, "desk", "clerk")
    assert _quotes(server.search(library).search(grant, question))[0] == quote


def test_a_section_one_of_the_agents_roles_may_not_read_is_not_found_even_by_the_other_role(
    server: SearchServer, library: Project
) -> None:
    search = server.search(library)
    assert search.search(grant_for(server.log, library, "desk", "chief"), "zanzibar merger") == []
    assert "zanzibar" in search.search(grant_for(server.log, library, "board", "chief"), "zanzibar merger")[0].quote


def test_hidden_sections_change_no_score(server: SearchServer, library: Project) -> None:
    grant = grant_for(server.log, library, "desk", "clerk")
    before = server.search(library).search(grant, "holidays badge manager")
    plans = [made("documents/secret/more.md", n, f"holidays badge manager {n}") for n in range(50)]
    rules = "documents/all/rules.md"
    texts = [made(rules, 0, "Everybody has 25 days off a year. Ask your manager first.", heading=("Rules", "Holidays"))]
    texts.append(made(rules, 1, "A badge opens the gate from six in the morning.", heading=("Rules", "Badges")))
    write_sections(library, {rules: ("all", texts)})
    alone = server.search(library).search(grant, "holidays badge manager")
    write_sections(library, {rules: ("all", texts), "documents/secret/more.md": ("secret", plans)})
    assert server.search(library).search(grant, "holidays badge manager") == alone
    assert _quotes(before) == _quotes(alone)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_whatever_a_section_holds_it_is_found(server: SearchServer, library: Project, text: str) -> None:
    write_sections(library, {"documents/all/odd.md": ("all", [made("documents/all/odd.md", 0, text)])})
    (hit,) = server.search(library).search(grant_for(server.log, library, "desk", "clerk"), "zebra?")
    assert hit.document == "documents/all/odd.md" and len(hit.quote) <= 300


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.tuples(st.just("zanzibar"), st.sampled_from(ODD_SIGNS), st.text(max_size=20)).map(" ".join))
def test_a_question_is_only_words(server: SearchServer, library: Project, question: str) -> None:
    grant = grant_for(server.log, library, "desk", "clerk")
    hits = server.search(library).search(grant, question)
    assert all(hit.document == "documents/all/rules.md" for hit in hits)


def test_nobody_searches_without_a_grant_for_a_search(server: SearchServer, library: Project) -> None:
    search = server.search(library)
    for nothing in (None, "desk", object()):
        with pytest.raises(NotGranted):
            search.search(nothing, "badge")  # type: ignore[arg-type]
    other = make_project(server.root, {"all": BOTH}, {"elsewhere": BOTH})
    foreign = grant_for(server.log, other, "elsewhere", "clerk")
    with pytest.raises(NotGranted, match="no agent"):
        search.search(foreign, "badge")


def test_a_grant_for_an_account_is_none_for_a_search(server: SearchServer, northwind: Project) -> None:
    request = Request("sales", account="northwind_sales")
    grant = authorize(server.log, Policy.of(northwind), Principal("sofia", "sales"), request, question="badge")
    with pytest.raises(NotGranted, match="not for a search"):
        server.search(northwind).search(grant, "badge")


def test_a_role_the_agent_does_not_serve_is_refused_and_on_record(server: SearchServer, library: Project) -> None:
    with pytest.raises(RecordedDenial):
        grant_for(server.log, library, "board", "clerk", "zanzibar")
    event = server.log.records(1)[0].event
    assert (event["outcome"], event["search"], event["question"]) == ("deny", True, "zanzibar")


def test_a_row_that_must_not_show_makes_the_whole_search_fail(server: SearchServer, library: Project) -> None:
    search = server.search(library)
    grant = grant_for(server.log, library, "desk", "clerk")
    assert search.search(grant, "badge")
    with server.owner() as owner:
        owner.execute("ALTER TABLE section DISABLE ROW LEVEL SECURITY")
        owner.execute("SET session_replication_role = replica")  # past the foreign key
        owner.execute("UPDATE section SET readers = '/chief/' WHERE body LIKE 'A badge%'")
    with pytest.raises(IntegrityError, match="may not read"):
        search.search(grant, "badge")
    with server.owner() as owner:
        owner.execute("DROP TABLE posting, section, reader_set; COMMENT ON SCHEMA public IS NULL")


def test_todays_rules_count_not_those_of_the_last_ingest(server: SearchServer, library: Project) -> None:
    search = server.search(library)
    grant = grant_for(server.log, library, "desk", "clerk")
    assert search.search(grant, "badge")
    narrowing = server.root / "documents" / "all" / "readers.yaml"
    narrowing.write_text("readers: [chief]\n", encoding="utf-8")
    try:
        assert search.search(grant, "badge") == []
    finally:
        narrowing.unlink()
    assert search.search(grant, "badge")


def test_a_document_that_was_changed_or_removed_since_it_was_read_is_left_out(
    server: SearchServer, library: Project
) -> None:
    search = server.search(library)
    grant = grant_for(server.log, library, "desk", "clerk")
    document = server.root / "documents" / "all" / "rules.md"
    assert search.search(grant, "badge")
    document.write_text("---\nreaders: [chief]\n---\nA badge.", encoding="utf-8")
    assert search.search(grant, "badge") == []
    document.unlink()
    assert search.search(grant, "badge") == []


def test_vectors_find_what_has_no_word_in_common_and_stay_behind_the_fence(
    server: SearchServer, library: Project
) -> None:
    search = server.search(library, embedder=HashedEmbedder())
    grant = grant_for(server.log, library, "desk", "clerk")
    asked = "thegate frommorning abadge"
    assert server.search(library).search(grant, asked) == []
    hits = search.search(grant, asked)
    assert hits[0].quote == "A badge opens the gate from six in the morning."
    hidden = search.search(grant, "The zanzibar merger closes in May")
    assert hidden and all(hit.document == "documents/all/rules.md" for hit in hidden)
    assert server.search(library).search(grant, asked) == []


def test_nothing_is_found_before_anything_was_read(server: SearchServer, tmp_path: Path) -> None:
    project = make_project(tmp_path, {"all": BOTH, "secret": CHIEF}, {"desk": BOTH})
    with pytest.raises(ProjectError, match="ingest"):
        server.search(project).search(grant_for(server.log, project, "desk", "clerk"), "badge")


def test_a_long_sentence_is_cut_and_the_first_of_equals_is_quoted() -> None:
    assert best_sentence("One badge. Two badges.", "badge") == "One badge."
    cut = best_sentence("badge " * 100, "badge")
    assert len(cut) <= 300 and cut.endswith("…")
