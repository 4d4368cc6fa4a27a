"""Does it know: right answers counted the same way everywhere, for datasets, adapters and the demo."""

from allotment.evaluation._agent import EVALUATION_USER, keep_comparison, measure_agent
from allotment.evaluation._expectation import Answered, Verdict, expect_answer
from allotment.evaluation._recall import Ask, Comparison, RecallReport, WrongAnswer, compare, recall
from allotment.evaluation._score import is_right, token_f1, wilson_interval

__all__ = [
    "EVALUATION_USER",
    "Answered",
    "Ask",
    "Comparison",
    "RecallReport",
    "Verdict",
    "WrongAnswer",
    "compare",
    "expect_answer",
    "is_right",
    "keep_comparison",
    "measure_agent",
    "recall",
    "token_f1",
    "wilson_interval",
]
