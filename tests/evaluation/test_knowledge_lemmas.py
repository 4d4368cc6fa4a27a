"""The lenient reading: endings make no difference, and everything that makes another answer does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.evaluation import is_right, is_right_leniently

INFLECTED = [
    ("vedoucí skladu", "Rozhoduje o tom vedoucího skladu.", "cs"),
    ("skladník", "Zeptejte se skladníka.", "cs"),
    ("ředitel", "To je věc ředitele.", "cs"),
    ("hlavní kancelář", "Klíče jsou v hlavní kanceláři.", "cs"),
    ("pět dní", "Do pěti dnů.", "cs"),
    ("šatna", "Skříňka je v šatně.", "cs"),
    ("nepovinný souhlas", "Jde o nepovinného souhlasu.", "cs"),
    ("sklad", "Je to v sklade.", "sk"),
]
"""Value, answer, language: right but for an ending."""

OTHERS = [
    ("smí", "Řidič nesmí.", "cs"),
    ("nesmí", "Řidič smí.", "cs"),
    ("musí", "To nemusí.", "cs"),
    ("má", "Klíč nemá.", "cs"),
    ("souhlas", "Chybí nesouhlas.", "cs"),
    ("skladníkem", "Není skladník.", "cs"),
    ("ředitel", "Ředitelka podniku.", "cs"),
    ("zaměstnanec", "Zaměstnankyně.", "cs"),
    ("Jan Novák", "Je to Jana Nováka.", "cs"),
    ("Novák", "Vede to Nováková.", "cs"),
    ("Petr", "Zeptejte se Petra.", "cs"),
    ("pět dní", "Šest dní.", "cs"),
    ("pět dní", "Pátý den.", "cs"),
    ("15 dnů", "Do 16 dní.", "cs"),
    ("dva dny", "Oba dny.", "cs"),
    ("den", "Leží na dně.", "cs"),
    ("měsíc", "Měsíční platba.", "cs"),
    ("účet", "To řeší účetní.", "cs"),
    ("vysoký", "Platí vyšší sazba.", "cs"),
    ("vyšší", "Platí nejvyšší sazba.", "cs"),
    ("málo", "Je jich méně.", "cs"),
    ("jeden", "Stalo se to jednou.", "cs"),
    ("sto", "Mají jeden set.", "cs"),
    ("rules", "Only one rule.", "en"),
]
"""Value, answer, language: near, and another answer."""


@pytest.mark.parametrize(("value", "answer", "language"), INFLECTED)
def test_another_ending_is_right_by_the_lenient_reading_alone(value: str, answer: str, language: str) -> None:
    assert is_right_leniently(answer, value, language)
    assert not is_right(answer, value)


@pytest.mark.parametrize(("value", "answer", "language"), OTHERS)
def test_another_number_name_negation_or_word_stays_wrong(value: str, answer: str, language: str) -> None:
    assert not is_right_leniently(answer, value, language)


WORDS = st.lists(
    st.sampled_from(["sklad", "skladu", "den", "12", "13", "nesmí", "smí", "Novák", "Nováková", "pět", "není"]),
    min_size=1,
)


@settings(max_examples=50)
@given(WORDS, WORDS)
def test_what_is_right_is_right_leniently_and_numbers_are_never_made_equal(said: list[str], value: list[str]) -> None:
    answer, wanted = " ".join(said), " ".join(value)
    if is_right(answer, wanted):
        assert is_right_leniently(answer, wanted, "cs")
    if any(word.isdigit() and word not in said for word in value):
        assert not is_right_leniently(answer, wanted, "cs")
