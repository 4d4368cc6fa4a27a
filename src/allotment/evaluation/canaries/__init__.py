"""Canaries: values that only certain roles may know, found in documents and tables or invented on purpose."""

from allotment.evaluation.canaries._plant import Planted, plant, planted_canary, planted_rows, uproot
from allotment.evaluation.canaries._types import Canary, Origin

__all__ = ["Canary", "Origin", "Planted", "plant", "planted_canary", "planted_rows", "uproot"]
