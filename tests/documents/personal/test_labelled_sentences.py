"""How much of the labelled sentences' personal data is found, and how much else is taken for it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from allotment.documents.personal import KINDS, DeclaredNames, Kind, Pseudonyms, scrub

LABELLED = Path(__file__).with_name("labelled.yaml")
MARK = re.compile(r"«(?P<kind>[a-z-]+):(?P<value>.*?)»", re.DOTALL)
FLOORS: dict[Kind, tuple[float, float]] = {
    "emails": (1.0, 0.95),
    "phones": (0.98, 0.98),
    "ibans": (1.0, 1.0),
    "cards": (1.0, 1.0),
    "national-ids": (1.0, 1.0),
    "names": (0.9, 0.98),
}
"""Precision and recall, of exact spans, that must not be fallen short of."""
Span = tuple[int, int, str]


def _read(sentence: str) -> tuple[str, set[Span]]:
    """The sentence without marks, and the marked spans of it."""
    text, spans, position = "", set(), 0
    for mark in MARK.finditer(sentence):
        text += sentence[position : mark.start()]
        spans.add((len(text), len(text) + len(mark["value"]), mark["kind"]))
        text += mark["value"]
        position = mark.end()
    return text + sentence[position:], spans


@pytest.fixture(scope="module")
def labelled() -> dict[str, Any]:
    return yaml.safe_load(LABELLED.read_text("utf-8"))


def test_there_are_enough_sentences_of_every_language_with_and_without_personal_data(labelled: dict[str, Any]) -> None:
    languages = Counter(row["lang"] for row in labelled["sentences"])
    clean = sum(not MARK.search(row["text"]) for row in labelled["sentences"])
    assert set(languages) == {"en", "cs", "sk", "de"}
    assert min(languages.values()) >= 20
    assert clean >= 60
    assert len(labelled["sentences"]) - clean >= 120


def test_precision_and_recall_of_every_kind_are_at_their_floors(labelled: dict[str, Any]) -> None:
    pseudonyms, names = Pseudonyms("5e" * 32), DeclaredNames(labelled["names"])
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for row in labelled["sentences"]:
        text, expected = _read(row["text"])
        found = {(edit.start, edit.end, edit.kind) for edit in scrub(text, KINDS, pseudonyms, names).edits}
        right.update(kind for *_, kind in found & expected)
        wrong.update(kind for *_, kind in found - expected)
        missed.update(kind for *_, kind in expected - found)
    scores = {kind: (_ratio(right[kind], wrong[kind]), _ratio(right[kind], missed[kind])) for kind in KINDS}
    assert {kind: scores[kind] for kind in KINDS if _is_short(scores[kind], FLOORS[kind])} == {}


def _is_short(score: tuple[float, float], floor: tuple[float, float]) -> bool:
    return score[0] < floor[0] or score[1] < floor[1]


def _ratio(good: int, bad: int) -> float:
    return good / (good + bad)
