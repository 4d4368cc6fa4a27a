"""Declared people are found in every case and order; a spaCy pipeline finds others."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.documents.personal import DeclaredNames, SpacyNames
from allotment.documents.personal._inflection import inflected
from allotment.errors import MissingPartError, ProjectError

PARADIGMS = {
    "Novák": "Nováka Novákovi Nováku Novákem Nováků Novákům Nováky Novákové Nováková Novákovou Novákův Novákovo",
    "Hájek": "Hájka Hájkovi Hájku Hájkem Hájkové Hájková Hájkův",
    "Němec": "Němce Němcovi Němci Němcem Němcová",
    "Zdeněk": "Zdeňka Zdeňkovi Zdeňkem Zdeňku",
    "Pavel": "Pavla Pavlovi Pavlem Pavle",
    "Petr": "Petra Petrovi Petrem Petře",
    "Tomáš": "Tomáše Tomášovi Tomáši Tomášem",
    "Svoboda": "Svobody Svobodovi Svobodu Svobodo Svobodou Svobodové Svobodová Svobodů",
    "Černý": "Černého Černému Černém Černým Černá Černé Černou Černí Černých Černými",
    "Krejčí": "Krejčího Krejčímu Krejčím",
    "Jiří": "Jiřího Jiřímu Jiřím",
    "Nováková": "Novákové Novákovou Novákových Novákovej Novákovú",
    "Jana": "Jany Janě Janu Jano Janou Janina Janin",
    "Lenka": "Lenky Lence Lenku Lenko Lenkou Lenčin Lenčina",
    "Petra": "Petry Petře Petru Petrou Petřin",
    "Olga": "Olgy Olze Olgu Olgou Olžin",
    "Máša": "Máši Mášu Mášo Mášou",
    "Marie": "Marii Marií",
    "Mária": "Márie Márii Máriu Máriou",
    "Zuzana": "Zuzany Zuzane Zuzanu Zuzanou",
    "Otto": "Otta Ottovi Ottem",
    "Jozef": "Jozefa Jozefovi Jozefom Jozefov Jozefovia",
    "Harry": "Harryho Harrymu Harrym",
}


@pytest.mark.parametrize("name", PARADIGMS)
def test_every_case_of_a_name_is_among_its_forms(name: str) -> None:
    forms = inflected(name)
    assert [form for form in [name, *PARADIGMS[name].split()] if form.casefold() not in forms] == []


@given(st.text("abcdeéghíjklmnopqrřsštuůvxyýzž'", min_size=1, max_size=12))
def test_a_word_is_a_form_of_itself(word: str) -> None:
    assert word in inflected(word.upper()) or word in inflected(word)


def _people(text: str, *declared: str) -> list[tuple[str, str]]:
    return [(text[found.start : found.end], found.value) for found in DeclaredNames(declared).names(text)]


def test_a_surname_alone_is_the_person_who_alone_has_it() -> None:
    assert _people("Nováka", "Jan Novák") == [("Nováka", "jan novák")]
    assert _people("Nováka", "Jan Novák", "Petr Novák") == [("Nováka", "novák")]


def test_of_two_people_the_one_nearer_in_spelling_is_meant() -> None:
    declared = ("Jan Novák", "Jana Nováková")
    assert _people("Novákové", *declared) == [("Novákové", "jana nováková")]
    assert _people("Jana Nováka, Jana Nováková", *declared) == [
        ("Jana Nováka", "jan novák"),
        ("Jana Nováková", "jana nováková"),
    ]


def test_the_longest_name_is_taken() -> None:
    assert _people("Jan Karel Novák", "Jan Karel Novák", "Jan Novák") == [("Jan Karel Novák", "jan karel novák")]
    assert _people("Jan Novák", "Jan Karel Novák") == [("Jan Novák", "jan karel novák")]


def test_a_first_name_alone_is_found_only_if_it_is_declared_alone() -> None:
    assert _people("s Janou", "Jana Nováková") == []
    assert _people("s Janou", "Jana") == [("Janou", "jana")]


def test_words_in_small_letters_are_no_names_unless_declared_so() -> None:
    assert _people("černý novák", "Jan Černý") == []
    assert _people("Ludwig van Beethoven", "Ludwig van Beethoven") == [("Ludwig van Beethoven", "ludwig van beethoven")]


@pytest.mark.parametrize(
    "spelling", ["Jan Nova\u0301k", "JAN NOVÁK", "Novák, Jan", "Jan\nNovák", "Jan Novak", "J. Novák"]
)
def test_spellings_of_a_name_are_found_whole(spelling: str) -> None:
    assert _people(f"Pan {spelling} přišel.", "Jan Novák") == [(spelling, "jan novák")]


def test_a_declared_middle_initial_may_be_left_out() -> None:
    for spelling in ("John F. Kennedy", "John Kennedy"):
        assert _people(f"({spelling})", "John F. Kennedy") == [(spelling, "john f. kennedy")]


def test_titles_are_no_part_of_a_name() -> None:
    assert _people("Petr Svoboda", "prof. Ing. Petr Svoboda, Ph.D.") == [("Petr Svoboda", "petr svoboda")]


@pytest.mark.parametrize("name", ["", "  ", "42", "Ing.,"])
def test_what_has_no_letters_is_refused(name: str) -> None:
    with pytest.raises(ProjectError):
        DeclaredNames([name])


def test_many_declared_people_take_no_longer_than_few() -> None:
    text = "Jan Novák a Petr Svoboda pracují. " * 500
    few, many = (DeclaredNames([f"Jan P{'a' * i}r" for i in range(count)]) for count in (10, 200))
    assert _seconds(many, text) < 3 * _seconds(few, text) + 0.05


def _seconds(names: DeclaredNames, text: str) -> float:
    start = time.process_time()
    list(names.names(text))
    return time.process_time() - start


def test_without_spacy_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingPartError, match="pip install"):
        SpacyNames("en_core_web_sm")


def test_a_missing_pipeline_is_named_with_the_command_that_brings_it() -> None:
    pytest.importorskip("spacy")
    with pytest.raises(MissingPartError, match="spacy download no_such_pipeline"):
        SpacyNames("no_such_pipeline")


def test_a_pipeline_without_entities_is_refused(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    spacy.blank("cs").to_disk(tmp_path)
    with pytest.raises(MissingPartError, match="recognises no entities"):
        SpacyNames(str(tmp_path))


def test_a_spacy_pipeline_finds_people_and_nothing_else_in_a_long_text(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("cs")
    patterns = [{"label": "PERSON", "pattern": "Jan Novák"}, {"label": "GPE", "pattern": "Brno"}]
    pipeline.add_pipe("entity_ruler").add_patterns(patterns)
    pipeline.to_disk(tmp_path)
    text = "Jan Novák jede do města Brno a zpět.\n" * 2_000
    found = list(SpacyNames(str(tmp_path)).names(text))
    assert len(found) == 2_000
    assert {(text[name.start : name.end], name.value) for name in found} == {("Jan Novák", "jan novák")}
