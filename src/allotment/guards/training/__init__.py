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
from allotment.guards.training._evaluate import SetFigures, evaluate
from allotment.guards.training._mutations import MUTATIONS, TRAINED
from allotment.guards.training._train import Trained, train

__all__ = [
    "MUTATIONS",
    "OWN",
    "PUBLIC",
    "SEED",
    "TEXTS",
    "TRAINED",
    "Item",
    "SetFigures",
    "Source",
    "Trained",
    "evaluate",
    "feedback_source",
    "impersonation_source",
    "own_sources",
    "public_sources",
    "read_items",
    "sentences_of",
    "train",
]
