"""Does it know, does it leak, does it hold: evaluations that end in a report anyone can run again and read."""

from allotment.evaluation.knowledge import (
    EVALUATION_USER,
    Ask,
    Comparison,
    Evaluated,
    Options,
    Parts,
    RecallReport,
    WrongAnswer,
    compare,
    evaluate_agent,
    keep_comparison,
    measure_agent,
    recall,
)
from allotment.evaluation.scoring import (
    Answered,
    Verdict,
    expect_answer,
    is_right,
    is_right_leniently,
    token_f1,
    wilson_interval,
)

__all__ = [
    "EVALUATION_USER",
    "Answered",
    "Ask",
    "Comparison",
    "Evaluated",
    "Options",
    "Parts",
    "RecallReport",
    "Verdict",
    "WrongAnswer",
    "compare",
    "evaluate_agent",
    "expect_answer",
    "is_right",
    "is_right_leniently",
    "keep_comparison",
    "measure_agent",
    "recall",
    "token_f1",
    "wilson_interval",
]
