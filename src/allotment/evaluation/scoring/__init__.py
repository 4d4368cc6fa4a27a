"""Scoring: whether an answer is right, how near it is, and how sure a share is."""

from allotment.evaluation.scoring._expectation import Answered, Verdict, expect_answer
from allotment.evaluation.scoring._lemmas import is_right_leniently
from allotment.evaluation.scoring._resample import (
    agreement_intervals,
    cluster_interval,
    holm,
    kappa,
    mcnemar,
    share_interval,
)
from allotment.evaluation.scoring._score import is_right, token_f1, wilson_interval
from allotment.evaluation.scoring._unknown import says_unknown

__all__ = [
    "Answered",
    "Verdict",
    "agreement_intervals",
    "cluster_interval",
    "expect_answer",
    "holm",
    "is_right",
    "is_right_leniently",
    "kappa",
    "mcnemar",
    "says_unknown",
    "share_interval",
    "token_f1",
    "wilson_interval",
]
