"""How the classifier is made and measured. Nothing here runs while questions are answered."""

from allotment.guards.training._corpus import (
    OWN,
    PUBLIC,
    SEED,
    TEXTS,
    Item,
    Source,
    feedback_source,
    impersonation_source,
    own_sources,
    public_sources,
    read_items,
    sentences_of,
)
from allotment.guards.training._evaluate import (
    Judged,
    SetFigures,
    by_set,
    curves_by_check,
    curves_of,
    evaluate,
    judge,
)
from allotment.guards.training._every_check import CheckFile, every_check
from allotment.guards.training._figures import Curve, Point, Share
from allotment.guards.training._mutations import MUTATIONS, TRAINED
from allotment.guards.training._plot import curves_svg
from allotment.guards.training._train import Trained, train

__all__ = [
    "MUTATIONS",
    "OWN",
    "PUBLIC",
    "SEED",
    "TEXTS",
    "TRAINED",
    "CheckFile",
    "Curve",
    "Item",
    "Judged",
    "Point",
    "SetFigures",
    "Share",
    "Source",
    "Trained",
    "by_set",
    "curves_by_check",
    "curves_of",
    "curves_svg",
    "evaluate",
    "every_check",
    "feedback_source",
    "impersonation_source",
    "judge",
    "own_sources",
    "public_sources",
    "read_items",
    "sentences_of",
    "train",
]
