"""Training: a dataset becomes an adapter with a sealed manifest, exported for the embedded engine."""

from allotment.training._gate import UNGATED, Gate, Passed, held_back, passed_before
from allotment.training._inputs import training_inputs
from allotment.training._manifest import (
    Manifest,
    ManifestFile,
    adapter_versions,
    current_adapter,
    current_version,
    load_manifest,
)
from allotment.training._origin import ExperimentOrigin
from allotment.training._run import TrainingResult, run
from allotment.training._verdict import GateVerdict, read_verdict
from allotment.training._versions import Rollback, rollback
from allotment.training.estimation._cards import Card, priced, shipped_cards
from allotment.training.estimation._estimate import TrainingEstimate, estimate
from allotment.training.estimation._estimate_rows import EstimateRow
from allotment.training.estimation._price_lists import read_price_list
from allotment.training.record._prediction import Comparison, PredictionErrors, prediction_errors
from allotment.training.serving._export import Exported, export_version
from allotment.training.serving._merge import Merged, merge

__all__ = [
    "UNGATED",
    "Card",
    "Comparison",
    "EstimateRow",
    "ExperimentOrigin",
    "Exported",
    "Gate",
    "GateVerdict",
    "Manifest",
    "ManifestFile",
    "Merged",
    "Passed",
    "PredictionErrors",
    "Rollback",
    "TrainingEstimate",
    "TrainingResult",
    "adapter_versions",
    "current_adapter",
    "current_version",
    "estimate",
    "export_version",
    "held_back",
    "load_manifest",
    "merge",
    "passed_before",
    "prediction_errors",
    "priced",
    "read_price_list",
    "read_verdict",
    "rollback",
    "run",
    "shipped_cards",
    "training_inputs",
]
