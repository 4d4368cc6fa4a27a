"""Languages and sentences."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.documents import detect_language, split_sentences
from allotment.documents._sentences import sentence_spans


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where do we keep the handheld scanners?", "en"),
        ("Kdo vydává záchranné vesty?", "cs"),
        ("V jaké aplikaci si zarezervuji parkovací místo?", "cs"),
        ("Kde sa rezervuje parkovacie miesto a kto je na recepcii?", "sk"),
        ("Wo werden die Scanner aufbewahrt?", "de"),
        ("Où sont gardés ses scanners portables ?", "und"),
        ("", "und"),
        ("12 345", "und"),
    ],
)
def test_a_language_is_told_from_its_small_words_and_letters(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_too_little_to_tell_gives_the_default() -> None:
    assert detect_language("Gate D9", "cs") == "cs"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is 3.5 EUR. Ask Dr. Novak.", ["It is 3.5 EUR.", "Ask Dr. Novak."]),
        ("Otevře se 3. května 2027. Škola začne.", ["Otevře se 3. května 2027.", "Škola začne."]),
        ("Drží 3,5 °C. Klíč visí.", ["Drží 3,5 °C.", "Klíč visí."]),
        ("- one\n- two\n  more\n\nEnd", ["- one", "- two\n  more", "End"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(alphabet="aB.!? \n-|1Č", max_size=80))
def test_sentence_spans_cover_everything_but_white_space_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
