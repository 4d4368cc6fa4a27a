"""What was predicted of a run, what its probe measured, and what it took: the figures an estimate is judged by.

Estimate and probe speak of every epoch that is asked for. Where a run ended earlier, because it had learnt enough,
their minutes and dollars are taken for the epochs that were done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from allotment.training._manifest import Manifest
from allotment.training.record._figures import UNKNOWN, number


@dataclass(frozen=True)
class Comparison:
    """One quantity before, at the beginning of, and after a run. None is unknown."""

    predicted: float | None
    """By the estimate, before anything ran."""
    probed: float | None
    """By the probe, from its first steps."""
    actual: float | None
    error_percent: float | None
    """Of the prediction; above zero it was too much."""
    probe_error_percent: float | None


@dataclass(frozen=True)
class PredictionErrors:
    """How well one run was predicted."""

    id: str
    created: str
    method: str
    base_model: str
    device: str
    epochs_done: float
    """Share of the epochs asked for; 1 unless the run ended earlier."""
    peak_gib: Comparison
    minutes: Comparison
    usd: Comparison


def prediction_errors(manifests: Iterable[Manifest]) -> tuple[PredictionErrors, ...]:
    """Predicted and actual memory, time and price of each run, in the given order."""
    return tuple(_errors(manifest) for manifest in manifests)


def minutes_of(manifest: Manifest) -> float | None:
    """How long the training took."""
    seconds = number(manifest.measured, "seconds")
    return None if seconds is None else seconds / 60


def _errors(manifest: Manifest) -> PredictionErrors:
    asked, done = number(manifest.training, "epochs"), number(manifest.measured, "epochs")
    share = min(1.0, done / asked) if asked and done else 1.0
    return PredictionErrors(
        manifest.key,
        manifest.created,
        manifest.method,
        manifest.base_model,
        str(manifest.hardware.get("device") or UNKNOWN),
        share,
        _compare(manifest, "peak_gib", number(manifest.measured, "peak_gib"), 1.0),
        _compare(manifest, "minutes", minutes_of(manifest), share),
        _compare(manifest, "usd", number(manifest.measured, "usd"), share),
    )


def _compare(manifest: Manifest, key: str, actual: float | None, share: float) -> Comparison:
    predicted = _times(number(manifest.predicted, key), share)
    probed = _times(number(manifest.measured.get("probe"), key), share)
    return Comparison(predicted, probed, actual, _error(predicted, actual), _error(probed, actual))


def _times(value: float | None, share: float) -> float | None:
    return None if value is None else value * share


def _error(predicted: float | None, actual: float | None) -> float | None:
    return (predicted - actual) / actual * 100 if predicted is not None and actual else None
