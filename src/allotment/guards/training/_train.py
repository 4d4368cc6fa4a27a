"""Train the classifier: weigh hashed n-grams, calibrate and set thresholds on texts a fold has not seen.

Everything is drawn with a seed, the solver is exact and single-threaded, and the weights are rounded to bytes, so the
same data and seed give the same file.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from allotment.guards._features import VERSION, features, first_word
from allotment.guards._model import ARRAYS, CARD, HEADS, WHOLE, Model
from allotment.guards._normalise import skeleton
from allotment.guards.training._corpus import Item, Source
from allotment.guards.training._mutations import MUTATIONS, TRAINED

BITS = 18
FOLDS = 5
STRENGTH = 30.0
"""Inverse of the regularisation."""
WORDS = 2.0
"""What n-grams of words count for beside those of characters."""
FALSE_POSITIVES = 0.04
"""Share of the harmless texts of any hard set that a head may flag where it was trained without them: its threshold is
the lowest at which none of the sets goes beyond.
"""
TWINS = 0.2
"""The same for the claims' head and the benign twins of claims: hardly a usual question is like them."""
TWINNED = ("claims", "claim pairs", "impersonation")
"""Sets whose harmless texts say what their claims say."""
PROSE = 0.15
"""The same for the claims' head and pieces of company prose of kinds it has not seen: questions are rarely prose."""
ORDINARY = 0.005
"""The same for ``PLAIN`` sets, which have no word of an attack."""
COUNTS_FOR = {
    "impersonation": {
        "impersonation": 8.0,
        "claim pairs": 8.0,
        "ordinary": 8.0,
        "passages": 8.0,
        "prose": 4.0,
        "claims": 0.3,
        "injection": 0.3,
    }
}
"""Head → set → what a text of it counts for, where that is not one: the written set says more than templates."""
ENOUGH = 100
"""Harmless texts a set needs before its share of false positives counts."""
READ = 1_500
"""Characters of a training text that are read; the rest of the longest adds nothing."""
EASY = ("clinc150", "banking77")
"""Sets of ordinary questions."""
PLAIN = (*EASY, "passages")
"""What nobody would take for an attack."""
_LIMIT = {"clinc150": 4_000, "banking77": 1_500}
SPREAD = {"injection": 0.0, "impersonation": 0.25}
"""What the best of many windows has to be better by (``Model.spread``): attacks of many words are injections."""
_COPIED = 256
"""Characters of a text that are mutated."""
_COPIES = 0.35
"""Share of texts that are also learnt in a mutated copy."""
_JOINED = 0.6
"""Share of written claims and twins also learnt beside another harmless text: what else is asked changes neither."""
_JOINING = ("claim pairs", "impersonation", "ordinary")
_SHORT = 220
"""Characters of a text that can be joined."""

Row = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """What came out: the two files, and the figures on texts that no fold had seen."""

    arrays: bytes
    card: dict[str, Any]
    items: tuple[Item, ...]
    folds: NDArray[np.int64]
    """The fold of each text."""
    models: tuple[Model, ...]
    """For each fold the model that was trained without it, with the calibration and thresholds of the whole."""

    def write(self, folder: Path) -> None:
        """Write ``classifier.npz`` and its card."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ARRAYS).write_bytes(self.arrays)
        text = json.dumps(self.card, indent=2, ensure_ascii=False, sort_keys=True)
        (folder / CARD).write_text(text + "\n", encoding="utf-8")


def train(sources: Sequence[Source], seed: int, tell: Callable[[str], None] = lambda text: None) -> Trained:
    """Train both heads on ``sources``.

    Args:
        sources: labelled texts; both kinds of attack and harmless texts must be among them.
        seed: of everything that is drawn.
        tell: gets one line a step.
    """
    drawn = random.Random(seed)  # noqa: S311
    items = tuple(item for source in sources for item in _limited(source, drawn))
    folds = _folds(items, drawn)
    learnt, origin = _with_copies(items, folds, drawn)
    tell(f"{len(items)} texts, {len(learnt)} with mutated copies")
    learning = _Learning(to_matrix([skeleton(item.text[:READ]) for item in learnt]), learnt, folds[origin])
    heads = [_head(learning, items, folds, name, tell) for name in HEADS]
    arrays, scale = _packed(np.stack([head.weights for head in heads]))
    card = {
        "name": "allotment question classifier",
        "features": VERSION,
        "bits": BITS,
        "heads": list(HEADS),
        "scale": scale,
        "sha256": hashlib.sha256(arrays).hexdigest(),
        "seed": seed,
        "calibration": {name: [head.slope, head.intercept] for name, head in zip(HEADS, heads, strict=True)},
        "thresholds": {name: head.threshold for name, head in zip(HEADS, heads, strict=True)},
        "spread": SPREAD,
        "false_positives_on_each_validation_set": {
            "hard sets": FALSE_POSITIVES,
            "twins of claims": TWINS,
            "pieces of company prose": PROSE,
            "ordinary questions": ORDINARY,
        },
        "sources": [
            {"name": source.name, "licence": source.licence, "sha256": source.sha256, "texts": len(source.items)}
            for source in sources
        ],
        "licence": "Apache-2.0; the texts themselves are not in it",
        "intended": "questions to an agent of a company, in English, Czech, Slovak and German; a filter, not a fence",
    }
    calibration = tuple((head.slope, head.intercept) for head in heads)
    thresholds, spread = tuple(head.threshold for head in heads), tuple(SPREAD[name] for name in HEADS)
    models = tuple(
        Model(np.stack([head.without[fold] for head in heads]), calibration, thresholds, spread)
        for fold in range(FOLDS)
    )
    return Trained(arrays, card, items, folds, models)


@dataclass(frozen=True)
class _Head:
    weights: Row
    slope: float
    intercept: float
    threshold: float
    without: tuple[NDArray[np.float32], ...]
    """Weights trained without each fold."""


@dataclass(frozen=True)
class _Learning:
    """What the weights are fitted to."""

    matrix: sparse.csr_matrix
    items: Sequence[Item]
    folds: NDArray[np.int64]


def _head(
    learning: _Learning,
    items: Sequence[Item],
    folds: NDArray[np.int64],
    name: str,
    tell: Callable[[str], None],
) -> _Head:
    positive = np.array([item.label == name for item in learning.items])
    used = positive | np.array([item.label == "benign" for item in learning.items])
    texts = [skeleton(item.text) for item in items]
    counts = np.array([COUNTS_FOR.get(name, {}).get(item.source, 1.0) for item in learning.items])
    margins = np.zeros(len(items))
    without = []
    for fold in range(FOLDS):
        without.append(_fit(learning, positive, counts, used & (learning.folds != fold)).astype(np.float32))
        model = Model(without[-1][None, :], (), (), (SPREAD[name],))
        for place in np.flatnonzero(folds == fold):
            margins[place] = model.margins(texts[place])[0][0]
    tell(f"{name}: trained without each of {FOLDS} folds")
    attacks = np.array([item.label == name for item in items])
    counted = attacks | np.array([item.label == "benign" for item in items])
    slope, intercept = _calibrated(margins[counted], attacks[counted])
    limit = max(np.quantile(margins[places], 1 - _allowed(name, source)) for source, places in _harmless_sets(items))
    threshold = round(1 / (1 + math.exp(-(slope * limit + intercept))), 4)
    return _Head(_fit(learning, positive, counts, used), slope, intercept, threshold, tuple(without))


def _allowed(head: str, source: str) -> float:
    """Share of a set's harmless texts that a head may flag."""
    if source in PLAIN:
        return ORDINARY
    if head == "impersonation" and source in TWINNED:
        return TWINS
    return PROSE if head == "impersonation" and source == "prose" else FALSE_POSITIVES


def _fit(learning: _Learning, positive: NDArray[np.bool_], counts: Row, chosen: NDArray[np.bool_]) -> Row:
    """Weights of a logistic regression over n-grams weighed by how rare they are."""
    matrix = learning.matrix[chosen]
    rows = matrix.shape[0]
    present = np.bincount(matrix.indices, minlength=matrix.shape[1])
    rarity = np.log((1 + rows) / (1 + present))
    rarity /= rarity.max() / 2
    rarity[first_word(BITS) :] *= WORDS
    model = LogisticRegression(C=STRENGTH, solver="liblinear", dual=True, tol=1e-2, random_state=0, fit_intercept=True)
    model.fit(matrix @ sparse.diags(rarity), positive[chosen], sample_weight=counts[chosen])
    weights: Row = model.coef_[0] * rarity
    return weights


def _harmless_sets(items: Sequence[Item]) -> list[tuple[str, NDArray[np.int64]]]:
    """Each set with the numbers of its harmless texts, where there are enough to tell."""
    of: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item.label == "benign":
            of.setdefault(item.source, []).append(place)
    return [(source, np.array(places)) for source, places in of.items() if len(places) >= ENOUGH]


def _calibrated(margins: Row, attacks: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the logistic curve through the margins of unseen texts (Platt)."""
    model = LogisticRegression(C=1e6).fit(margins[:, None], attacks)
    return round(float(model.coef_[0][0]), 5), round(float(model.intercept_[0]), 5)


def to_matrix(texts: Sequence[str], bits: int = BITS) -> sparse.csr_matrix:
    """One row of features a folded text, each n-gram counted and divided by the root of their number."""
    found = [features(text, bits).indices for text in texts]
    sizes = np.array([len(row) for row in found])
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes).astype(np.float32)
    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
    matrix = sparse.csr_matrix((values, np.concatenate(found), ends), shape=(len(texts), 2**bits))
    matrix.sum_duplicates()
    return matrix


def _limited(source: Source, drawn: random.Random) -> list[Item]:
    items = list(source.items)
    limit = _LIMIT.get(source.name, len(items))
    return drawn.sample(items, limit) if limit < len(items) else items


def _folds(items: Sequence[Item], drawn: random.Random) -> NDArray[np.int64]:
    """Texts of one template or kind share a fold, so that what is measured was not seen in another filling."""
    of_kind: dict[tuple[str, str], int] = {}
    together = ("injection", "prose", *TWINNED)
    return np.array(
        [
            of_kind.setdefault((item.source, item.kind), drawn.randrange(FOLDS))
            if item.source in together
            else drawn.randrange(FOLDS)
            for item in items
        ]
    )


def _with_copies(
    items: Sequence[Item], folds: NDArray[np.int64], drawn: random.Random
) -> tuple[list[Item], NDArray[np.int64]]:
    """The texts, and mutated and joined copies of some; each with the number of the text it came from."""
    learnt, origin = list(items), list(range(len(items)))
    for place, item in enumerate(items):
        if item.source in EASY or drawn.random() >= _COPIES:
            continue
        mutated = MUTATIONS[drawn.choice(TRAINED)](item.text[:_COPIED], drawn)
        learnt.append(Item(mutated[-WHOLE:], item.label, item.source, item.kind))
        origin.append(place)
    for place, joined in _joined(items, folds, drawn):
        learnt.append(joined)
        origin.append(place)
    return learnt, np.array(origin)


def _joined(items: Sequence[Item], folds: NDArray[np.int64], drawn: random.Random) -> Iterator[tuple[int, Item]]:
    """Short claims and twins before or after another harmless text of their fold, with the number of the text."""
    short = [(place, item) for place, item in enumerate(items) if item.source in _JOINING and len(item.text) < _SHORT]
    harmless: dict[int, list[str]] = {fold: [] for fold in range(FOLDS)}
    for place, item in short:
        if item.label == "benign":
            harmless[int(folds[place])].append(item.text)
    for place, item in short:
        beside = harmless[int(folds[place])]
        if item.source != "ordinary" and beside and drawn.random() < _JOINED:
            both = [item.text, drawn.choice(beside)]
            drawn.shuffle(both)
            yield place, Item(" ".join(both), item.label, item.source, item.kind)


def _packed(weights: NDArray[np.float64]) -> tuple[bytes, float]:
    """The arrays as a file: weights as signed bytes, and what one step of them is worth."""
    scale = float(np.float32(np.abs(weights).max() / 127))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=np.round(weights / scale).astype(np.int8))
    return buffer.getvalue(), scale
