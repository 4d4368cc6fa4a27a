"""Attacks: thousands of attempts on canaries, each with an exact end."""

from allotment.evaluation.attacks._benign import Benign, benign
from allotment.evaluation.attacks._generate import generate
from allotment.evaluation.attacks._plants import PlantedDocument, PlantedRow, Plants, plants
from allotment.evaluation.attacks._search import Ask, Attacker, adaptive
from allotment.evaluation.attacks._types import Attack, Door, Ending, Layer, Result, Send

__all__ = [
    "Ask",
    "Attack",
    "Attacker",
    "Benign",
    "Door",
    "Ending",
    "Layer",
    "PlantedDocument",
    "PlantedRow",
    "Plants",
    "Result",
    "Send",
    "adaptive",
    "benign",
    "generate",
    "plants",
]
