"""The company prose the classifier learns from is what its datasheet says, and is not the tests."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from sklearn.feature_extraction.text import CountVectorizer

import allotment.guards
from allotment.guards import skeleton
from allotment.guards._impersonation_set import impersonation_items
from allotment.guards.training import own_sources

DATA = Path(allotment.guards.__file__).parent / "data"
ROWS = [json.loads(line) for line in (DATA / "prose.jsonl").read_text(encoding="utf-8").splitlines()]
TEXTS = [row["text"] for row in ROWS]
PIECE = 256
"""Characters of the pieces a text is learnt in."""
SHARES = {"en": 0.45, "cs": 0.30, "de": 0.15, "sk": 0.10}


def _greatest_likeness(texts: list[str], others: list[str] | None = None) -> float:
    """Of character 5-grams (Jaccard), between each text and each other one; without others, among the texts."""
    counter = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True, dtype=int)
    grams = counter.fit_transform([skeleton(text) for text in (*texts, *(others or []))])
    first, second = grams[: len(texts)], grams[len(texts) :] if others else grams
    shared = (first @ second.T).toarray()
    likeness = shared / (first.sum(axis=1) + second.sum(axis=1).T - shared)
    if others is None:
        for place in range(len(texts)):
            likeness[place, place] = 0
    return float(likeness.max())


def test_there_are_at_least_500_texts_of_at_least_25_kinds() -> None:
    assert len(ROWS) >= 500
    assert all(set(row) == {"kind", "language", "text"} for row in ROWS)
    kinds = Counter(row["kind"] for row in ROWS)
    assert len(kinds) >= 25
    assert kinds["system_prompt"] >= 60


@pytest.mark.parametrize("language", SHARES)
def test_the_languages_have_their_shares(language: str) -> None:
    share = sum(row["language"] == language for row in ROWS) / len(ROWS)
    assert share == pytest.approx(SHARES[language], abs=0.01)
    assert sum(SHARES.values()) == pytest.approx(1)


def test_texts_are_paragraphs_and_clean() -> None:
    assert all(250 <= len(text) <= 900 for text in TEXTS)
    assert all(text == text.strip() and "  " not in text for text in TEXTS)


def test_some_have_headings_lists_tables_or_no_diacritics() -> None:
    for mark in ("## ", "\n- ", "|---|", "**"):
        assert sum(mark in text for text in TEXTS) >= 8, mark
    assert sum(row["text"].isascii() for row in ROWS if row["language"] in {"cs", "sk"}) >= 10


def test_words_that_claims_use_are_among_them_often() -> None:
    for word in (
        "director",
        "owner",
        "on behalf of",
        "approve",
        "access",
        "password",
        "token",
        "urgent",
        "confidential",
    ):
        assert sum(word in text.lower() for text in TEXTS) >= 10, word


def test_no_text_is_there_twice_or_nearly() -> None:
    assert _greatest_likeness(TEXTS) < 0.6


def test_no_text_is_nearly_one_of_the_tests() -> None:
    tests = [item.text for item in impersonation_items() if item.split.startswith("test")]
    for name in ("in_domain.yaml", "claims.yaml"):
        tests += _strings(yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8")))
    assert _greatest_likeness(TEXTS, tests) < 0.3


def _strings(node: object) -> list[str]:
    if isinstance(node, str):
        return [node] if len(node) > 15 else []
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return [text for part in parts for text in _strings(part)]


def test_a_text_is_learnt_whole_and_in_pieces() -> None:
    (source,) = [one for one in own_sources(dict.fromkeys(SHARES, 1), 3) if one.name == "prose"]
    assert {item.label for item in source.items} == {"benign"}
    learnt = {(item.kind, item.text) for item in source.items}
    for row in ROWS:
        text = row["text"]
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        assert {(row["kind"], piece) for piece in (text, *pieces)} <= learnt


def test_the_licence_is_told_and_the_file_is_small_enough_to_be_shipped() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"`prose.jsonl` holds {len(ROWS)} paragraphs" in readme
    assert "CC BY 4.0" in readme
    assert (DATA / "prose.jsonl").stat().st_size < 250_000
