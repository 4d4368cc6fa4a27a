"""Training: a dataset becomes an adapter with a sealed manifest, exported for the embedded engine."""

from allotment.training._cards import Card, priced, shipped_cards
from allotment.training._estimate import TrainingEstimate, estimate
from allotment.training._estimate_rows import EstimateRow
from allotment.training._inputs import training_inputs
from allotment.training._manifest import (
    Manifest,
    ManifestFile,
    adapter_versions,
    current_adapter,
    current_version,
    load_manifest,
)
from allotment.training._prediction import Comparison, PredictionErrors, prediction_errors
from allotment.training._price_lists import read_price_list
from allotment.training._run import TrainingResult, run

__all__ = [
    "Card",
    "Comparison",
    "EstimateRow",
    "Manifest",
    "ManifestFile",
    "PredictionErrors",
    "TrainingEstimate",
    "TrainingResult",
    "adapter_versions",
    "current_adapter",
    "current_version",
    "estimate",
    "load_manifest",
    "prediction_errors",
    "priced",
    "read_price_list",
    "run",
    "shipped_cards",
    "training_inputs",
]
