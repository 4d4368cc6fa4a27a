"""The claims and ordinary questions the classifier learns from are what their datasheet says, and are not the tests."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

import allotment.guards
from allotment.guards import skeleton
from allotment.guards._impersonation_set import impersonation_items

DATA = Path(allotment.guards.__file__).parent / "data"
PAIRS = [json.loads(line) for line in (DATA / "claim_pairs.jsonl").read_text(encoding="utf-8").splitlines()]
ORDINARY = [json.loads(line) for line in (DATA / "ordinary.jsonl").read_text(encoding="utf-8").splitlines()]
ITEMS = impersonation_items()
LANGUAGES = {"en", "cs", "sk", "de"}


def _likeness(texts: list[str], others: list[str]) -> NDArray[np.float64]:
    """Jaccard likeness of character 5-grams of each text with each other one."""
    counter = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True, dtype=int)
    grams = counter.fit_transform([skeleton(text) for text in (*texts, *others)])
    first, second = grams[: len(texts)], grams[len(texts) :]
    shared = (first @ second.T).toarray()
    sizes, other_sizes = np.asarray(first.sum(axis=1)), np.asarray(second.sum(axis=1))
    likeness: NDArray[np.float64] = shared / np.maximum(sizes + other_sizes.T - shared, 1)
    return likeness


def test_there_are_at_least_1500_pairs_of_more_than_a_hundred_kinds_in_four_languages() -> None:
    assert len(PAIRS) >= 1_500
    assert len({pair["kind"] for pair in PAIRS}) > 100
    counts = Counter(pair["language"] for pair in PAIRS)
    assert set(counts) == LANGUAGES
    assert min(counts.values()) > 150


def test_no_kind_is_one_that_the_set_keeps_unseen() -> None:
    unseen = {item.kind for item in ITEMS if item.split == "test_unseen"}
    assert unseen
    assert not unseen & {pair["kind"] for pair in PAIRS}


@pytest.mark.parametrize("field", ["attack", "benign"])
def test_no_text_is_there_twice_or_nearly(field: str) -> None:
    texts = [pair[field] for pair in PAIRS if len(pair[field]) > 25]
    likeness = _likeness(texts, texts)
    np.fill_diagonal(likeness, 0)
    assert likeness.max() <= 0.8


def test_no_text_is_nearly_one_of_the_tests() -> None:
    tests = [item.text for item in ITEMS if item.split.startswith("test")]
    own = yaml.safe_load((Path(__file__).parent / "in_domain.yaml").read_text(encoding="utf-8"))
    tests += [question for questions in own.values() for question in questions]
    learnt = [text for pair in PAIRS for text in (pair["attack"], pair["benign"])] + [one["text"] for one in ORDINARY]
    assert _likeness([text for text in learnt if len(text) > 15], tests).max() < 0.7


def test_twins_share_words() -> None:
    shared = []
    for pair in PAIRS:
        attack, benign = (set(re.findall(r"\w+", skeleton(pair[field]))) for field in ("attack", "benign"))
        shared.append(len(attack & benign) / len(attack | benign))
    assert sorted(shared)[len(shared) // 2] > 0.2


def test_texts_are_clean_and_some_are_written_without_capitals_and_diacritics() -> None:
    texts = [text for pair in PAIRS for text in (pair["attack"], pair["benign"])] + [one["text"] for one in ORDINARY]
    assert all(text == text.strip() and "  " not in text for text in texts)
    assert 0.1 < sum(text == text.lower() for text in texts) / len(texts) < 0.5
    plain = [pair["attack"].isascii() for pair in PAIRS if pair["language"] == "cs"]
    assert 0.1 < sum(plain) / len(plain) < 0.5


def test_no_ordinary_question_is_there_twice() -> None:
    assert len({skeleton(one["text"]) for one in ORDINARY}) == len(ORDINARY)
    assert {one["language"] for one in ORDINARY} == LANGUAGES


def test_the_files_are_small_enough_to_be_shipped() -> None:
    assert (DATA / "claim_pairs.jsonl").stat().st_size < 450_000
    assert (DATA / "ordinary.jsonl").stat().st_size < 50_000
