"""Attacks: thousands of attempts on canaries, each with an exact end."""

from allotment.evaluation.attacks._attackers import Attacker
from allotment.evaluation.attacks._benign import Benign, benign
from allotment.evaluation.attacks._endpoint import Endpoint, attack_endpoint
from allotment.evaluation.attacks._found import Found, Settings
from allotment.evaluation.attacks._generate import generate
from allotment.evaluation.attacks._plants import PlantedDocument, PlantedRow, Plants, plants
from allotment.evaluation.attacks._report import report_of
from allotment.evaluation.attacks._run import run_attacks
from allotment.evaluation.attacks._search import Ask, adaptive
from allotment.evaluation.attacks._types import Attack, Door, Ending, Layer, Result, Send

__all__ = [
    "Ask",
    "Attack",
    "Attacker",
    "Benign",
    "Door",
    "Ending",
    "Endpoint",
    "Found",
    "Layer",
    "PlantedDocument",
    "PlantedRow",
    "Plants",
    "Result",
    "Send",
    "Settings",
    "adaptive",
    "attack_endpoint",
    "benign",
    "generate",
    "plants",
    "report_of",
    "run_attacks",
]
