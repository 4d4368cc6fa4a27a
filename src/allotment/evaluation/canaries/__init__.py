"""Canaries: values that only certain roles may know, found in documents and tables or invented on purpose."""

from allotment.evaluation.canaries._declared import FILE as DECLARED
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._find import find_canaries
from allotment.evaluation.canaries._misplaced import misplaced
from allotment.evaluation.canaries._plant import Planted, plant, planted_canary, planted_rows, uproot
from allotment.evaluation.canaries._set import CanarySet, forbidden_to, own_of, spread
from allotment.evaluation.canaries._told import told
from allotment.evaluation.canaries._types import BY_HAND, Canary, Origin

__all__ = [
    "BY_HAND",
    "DECLARED",
    "Canary",
    "CanarySet",
    "Detector",
    "Origin",
    "Planted",
    "find_canaries",
    "forbidden_to",
    "misplaced",
    "own_of",
    "plant",
    "planted_canary",
    "planted_rows",
    "spread",
    "told",
    "uproot",
]
