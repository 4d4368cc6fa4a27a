"""Pseudonyms are the same everywhere in a project, and nobody else's."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.documents.personal import KINDS, DeclaredNames, Pseudonyms, new_secret, report, scrub
from allotment.errors import ProjectError

SECRET = "00112233445566778899aabbccddeeff"


@given(st.sampled_from(KINDS), st.text())
def test_the_same_value_gets_the_same_pseudonym_in_every_run(kind: str, value: str) -> None:
    assert Pseudonyms(SECRET).of(kind, value) == Pseudonyms(SECRET).of(kind, value)


@given(st.sampled_from(KINDS), st.text())
def test_another_secret_gives_another_pseudonym(kind: str, value: str) -> None:
    assert Pseudonyms(SECRET).of(kind, value) != Pseudonyms(SECRET[::-1]).of(kind, value)


@given(st.sampled_from(KINDS), st.text())
def test_a_pseudonym_is_a_label_and_letters_that_show_nothing_of_the_value(kind: str, value: str) -> None:
    assert re.fullmatch(r"(EMAIL|PHONE|IBAN|CARD|ID|PERSON)-[A-Z2-7]{8}", Pseudonyms(SECRET).of(kind, value))


def test_ten_thousand_values_share_no_pseudonym() -> None:
    pseudonyms = Pseudonyms(SECRET)
    assert len({pseudonyms.of("phones", f"+420{number}") for number in range(777_000_000, 777_010_000)}) == 10_000


def test_a_value_of_two_kinds_gets_unrelated_codes() -> None:
    pseudonyms = Pseudonyms(SECRET)
    assert pseudonyms.of("phones", "1").split("-")[1] != pseudonyms.of("cards", "1").split("-")[1]


@pytest.mark.parametrize("secret", ["", "abcd", "not hexadecimal at all, but long enough", SECRET[:-2]])
def test_a_short_or_unreadable_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Pseudonyms(secret)
    assert not secret or secret not in str(caught.value)


def test_a_new_secret_is_accepted_and_different_each_time() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert Pseudonyms(first).of("names", "x") != Pseudonyms(second).of("names", "x")


def test_the_secret_is_not_printed() -> None:
    assert SECRET not in repr(Pseudonyms(SECRET))
    assert str(bytes.fromhex(SECRET)) not in repr(Pseudonyms(SECRET))


def test_the_report_counts_by_document_and_kind_and_holds_no_value() -> None:
    names = DeclaredNames(["Jan Novák"])
    texts = {"a.md": "Jan Novák, jan@firma.cz, Jan@firma.cz", "b.md": "s Novákem", "c.md": "nikdo"}
    edits = {path: scrub(text, KINDS, Pseudonyms(SECRET), names).edits for path, text in texts.items()}
    made = report(edits)
    assert made.by_kind == {"emails": 2, "names": 2}
    assert made.by_document == {"a.md": 3, "b.md": 1}
    assert [(row.document, row.kind, row.count) for row in made.replacements] == [
        ("a.md", "emails", 2),
        ("a.md", "names", 1),
        ("b.md", "names", 1),
    ]
    written = json.dumps(made.as_json(), ensure_ascii=False)
    assert json.loads(written)["replaced"] == 4
    assert not re.search(r"nov[aá]k|firma", written, re.IGNORECASE)


def test_one_person_has_one_pseudonym_in_all_documents() -> None:
    names = DeclaredNames(["Jan Novák"])
    made = report({path: scrub(path, ["names"], Pseudonyms(SECRET), names).edits for path in ("Novákovi", "J. Novák")})
    assert len({row.pseudonym for row in made.replacements}) == 1
