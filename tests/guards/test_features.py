"""Features are the same everywhere, complete, and linear to compute."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allotment.guards import skeleton
from allotment.guards._features import CHARACTERS, WORDS, features, first_word

BITS = 18


def test_the_same_text_gives_these_features_on_every_machine() -> None:
    found = features("cat dog cat", BITS)
    assert found.indices[-6:].tolist() == [184845, 205097, 184845, 193993, 192669, 239418]
    assert found.positions[-6:].tolist() == [1, 5, 9, 1, 5, 1]


@given(st.text(max_size=200))
def test_every_text_has_all_its_character_n_grams(text: str) -> None:
    folded = skeleton(text)
    found = features(folded, BITS)
    framed = len(folded) + 2
    characters = sum(max(framed - size + 1, 0) for size in CHARACTERS)
    assert len(found.indices) == len(found.positions) >= characters
    assert ((found.indices >= 0) & (found.indices < 2**BITS)).all()
    assert ((found.positions >= 0) & (found.positions < framed)).all()


@given(st.lists(st.text(alphabet="abcdefghij0123", min_size=1, max_size=8), min_size=1, max_size=30))
def test_words_give_n_grams_of_one_to_three_words(words: list[str]) -> None:
    found = features(" ".join(words), BITS)
    framed = len(" ".join(words)) + 2
    characters = sum(max(framed - size + 1, 0) for size in CHARACTERS)
    assert (found.indices[characters:] >= first_word(BITS)).all()
    assert (found.indices[:characters] < first_word(BITS)).all()
    assert len(found.indices) - characters == sum(max(len(words) - size + 1, 0) for size in WORDS)


@given(st.lists(st.text(alphabet="abcdefghij", min_size=1, max_size=8), min_size=3, max_size=12))
def test_a_word_has_the_same_hash_wherever_it_stands(words: list[str]) -> None:
    one = features(words[0], BITS).indices[-1]
    moved = features(" ".join([*words[1:], words[0]]), BITS)
    place = len(" ".join(words[1:])) + 2
    assert one in moved.indices[moved.positions == place]


def test_other_texts_seldom_share_a_feature() -> None:
    one, two = features("holiday", BITS).indices, features("printer", BITS).indices
    assert len(np.intersect1d(one, two)) == 0
