"""What users marked and a person approved: labelled questions in a file, and who may learn which of them."""

from allotment.feedback._file import FeedbackLedger
from allotment.feedback._learners import for_dataset, for_guards, for_router
from allotment.feedback._types import (
    LABELS,
    USES,
    VERDICTS,
    Decided,
    Label,
    LabelledItem,
    Means,
    Use,
    Verdict,
)

__all__ = [
    "LABELS",
    "USES",
    "VERDICTS",
    "Decided",
    "FeedbackLedger",
    "Label",
    "LabelledItem",
    "Means",
    "Use",
    "Verdict",
    "for_dataset",
    "for_guards",
    "for_router",
]
