"""The trained classifier: two rows of weights over hashed n-grams, read from plain arrays whose hash is checked.

``classifier.npz`` holds the weights, ``classifier.json`` is its card: what it was trained on and under which licences,
hashes, calibration, thresholds. Neither can carry code.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.errors import IntegrityError, MissingPartError
from allotment.guards._features import VERSION, features

HEADS = ("injection", "impersonation")
"""What a text is scored for, one row of weights each."""
WHOLE = 384
"""Characters of the longest text that is scored as one."""
WINDOW = 128
STEP = 64
"""A longer text is scored by windows of this many characters, begun this far apart; its length alone says nothing."""
ARRAYS = "classifier.npz"
CARD = "classifier.json"


@dataclass(frozen=True)
class Score:
    """How surely a text is an attack, 0 to 1, and the part of it that says so most."""

    probability: float
    part: str


@dataclass(frozen=True)
class Model:
    """Weights and calibration. ``score`` is pure and linear in the text."""

    weights: NDArray[np.float32]
    """One row a head, ``2**bits`` columns."""
    calibration: tuple[tuple[float, float], ...]
    """Slope and intercept of each head: the probability is the logistic of slope * margin + intercept."""
    thresholds: tuple[float, ...]
    """Probability from which a text is refused, one a head, fixed on validation data."""
    spread: tuple[float, ...]
    """What a long text's best window has to be better by, one a head, times the logarithm of how many there are: the
    best of many pieces of harmless prose looks more like an attack than one piece does."""

    def scores(self, text: str) -> tuple[Score, ...]:
        """One score a head for a folded text (``Form.whole``)."""
        margins, starts = self.margins(text)
        found = []
        for margin, start, (slope, intercept) in zip(margins, starts, self.calibration, strict=True):
            part = text if start < 0 else text[start : start + WINDOW]
            found.append(Score(_logistic(slope * margin + intercept), part.strip()))
        return tuple(found)

    def margins(self, text: str) -> tuple[list[float], list[int]]:
        """Largest sum of weights over the root of their number, and where its window begins (-1: the whole)."""
        bits = int(self.weights.shape[1]).bit_length() - 1
        found = features(text, bits)
        if not len(found.indices):
            return [0.0] * len(self.weights), [-1] * len(self.weights)
        if found.length <= WHOLE:
            root = math.sqrt(len(found.indices))
            return [float(row[found.indices].sum()) / root for row in self.weights], [-1] * len(self.weights)
        return self._by_window(found.positions, found.indices, found.length)

    def _by_window(
        self, positions: NDArray[np.int64], indices: NDArray[np.int64], length: int
    ) -> tuple[list[float], list[int]]:
        first = np.arange(0, length - WINDOW + STEP, STEP)
        last = np.minimum(first + WINDOW, length)
        counts = _running(np.bincount(positions, minlength=length))
        margins, starts, many = [], [], math.log(len(first))
        for row, spread in zip(self.weights, self.spread, strict=True):
            sums = _running(np.bincount(positions, weights=row[indices], minlength=length))
            parts = (sums[last] - sums[first]) / np.sqrt(np.maximum(counts[last] - counts[first], 1))
            best = int(parts.argmax())
            margins.append(float(parts[best]) - spread * many)
            starts.append(int(first[best]))
        return margins, starts


def load_model(folder: Path | None = None) -> Model:
    """The classifier of ``folder``; none loads the one that comes with the package.

    Raises:
        MissingPartError: a file is missing or cannot be read.
        IntegrityError: the arrays are not those the card was written for, or are not a classifier.
    """
    place = folder if folder is not None else Path(str(resources.files("allotment.guards") / "data"))
    raw, card = _read(place / ARRAYS), _read(place / CARD)
    return _parsed(raw, card, str(place))


@lru_cache(maxsize=4)
def _parsed(raw: bytes, card: bytes, place: str) -> Model:
    try:
        facts = json.loads(card)
        if hashlib.sha256(raw).hexdigest() != facts["sha256"]:
            raise ValueError("the arrays are not those of the card")
        return _checked(raw, facts)
    except Exception as error:  # whatever a damaged file makes of itself, nothing starts with it
        raise IntegrityError(
            f"the guard's classifier is not what was trained ({type(error).__name__}: {error}).",
            element=place,
            remedy="Install the package again, or train it: allotment guards train.",
        ) from error


def _checked(raw: bytes, facts: dict[str, Any]) -> Model:
    if facts["features"] != VERSION or tuple(facts["heads"]) != HEADS:
        raise ValueError("it was trained for another version")
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        weights = arrays["weights"].astype(np.float32) * np.float32(facts["scale"])
    columns = int(weights.shape[1])
    if weights.shape != (len(HEADS), columns) or columns & (columns - 1) or not np.isfinite(weights).all():
        raise ValueError("its weights have another shape")
    calibration = tuple((float(facts["calibration"][head][0]), float(facts["calibration"][head][1])) for head in HEADS)
    thresholds = tuple(float(facts["thresholds"][head]) for head in HEADS)
    if not all(slope > 0 and math.isfinite(intercept) for slope, intercept in calibration):
        raise ValueError("its calibration is no calibration")
    if not all(0 < threshold < 1 for threshold in thresholds):
        raise ValueError("a threshold is not between 0 and 1")
    spread = tuple(float(facts["spread"][head]) for head in HEADS)
    if not all(0 <= one < 2 for one in spread):
        raise ValueError("what many windows cost is not between 0 and 2")
    return Model(weights, calibration, thresholds, spread)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingPartError(
            f"the guard's classifier cannot be read ({error.strerror}).",
            element=str(path),
            remedy="Install the package again, or train it: allotment guards train.",
        ) from error


def _running(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.concatenate((np.zeros(1), np.cumsum(values, dtype=np.float64)))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 60.0), -60.0)))
