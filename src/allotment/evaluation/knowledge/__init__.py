"""Knowledge: what an agent answers rightly, by which means, and whether it says what it does not know."""

from allotment.evaluation.knowledge._agent import keep_comparison, measure_agent
from allotment.evaluation.knowledge._evaluate import Evaluated, Options, evaluate_agent
from allotment.evaluation.knowledge._means import EVALUATION_USER, Parts
from allotment.evaluation.knowledge._questions import QUICK
from allotment.evaluation.knowledge._recall import Ask, Comparison, RecallReport, WrongAnswer, compare, recall

__all__ = [
    "EVALUATION_USER",
    "QUICK",
    "Ask",
    "Comparison",
    "Evaluated",
    "Options",
    "Parts",
    "RecallReport",
    "WrongAnswer",
    "compare",
    "evaluate_agent",
    "keep_comparison",
    "measure_agent",
    "recall",
]
