"""Does it know, does it leak, does it hold: evaluations that end in a report anyone can run again and read."""

from allotment.evaluation.knowledge import (
    EVALUATION_USER,
    Ask,
    Comparison,
    RecallReport,
    WrongAnswer,
    compare,
    keep_comparison,
    measure_agent,
    recall,
)
from allotment.evaluation.scoring import Answered, Verdict, expect_answer, is_right, token_f1, wilson_interval

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
