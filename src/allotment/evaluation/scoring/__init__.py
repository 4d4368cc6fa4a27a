"""Scoring: whether an answer is right, how near it is, and how sure a share is."""

from allotment.evaluation.scoring._expectation import Answered, Verdict, expect_answer
from allotment.evaluation.scoring._score import is_right, token_f1, wilson_interval

__all__ = ["Answered", "Verdict", "expect_answer", "is_right", "token_f1", "wilson_interval"]
