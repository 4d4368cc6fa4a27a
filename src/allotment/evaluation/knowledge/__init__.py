"""Knowledge: what an agent answers rightly, by which means, and whether it says what it does not know."""

from allotment.evaluation.knowledge._agent import EVALUATION_USER, keep_comparison, measure_agent
from allotment.evaluation.knowledge._recall import Ask, Comparison, RecallReport, WrongAnswer, compare, recall

__all__ = [
    "EVALUATION_USER",
    "Ask",
    "Comparison",
    "RecallReport",
    "WrongAnswer",
    "compare",
    "keep_comparison",
    "measure_agent",
    "recall",
]
