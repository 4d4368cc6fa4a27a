"""Checks in front of and behind the model: one check a file, one protocol.

Guards are a filter, not the fence: nothing that access control must hold rests on them.
"""

from allotment.guards._answer import check_answer
from allotment.guards._chain import QUESTION_CHECKS, check_question
from allotment.guards._finding import Check, Context, Finding, allow, refuse, refused
from allotment.guards._guards import Guards
from allotment.guards._length import MAX_CHARACTERS
from allotment.guards._model import Model, load_model
from allotment.guards._normalise import Form, Prepared, normalise, prepare, skeleton
from allotment.guards._refusal import language_of, refusal_text
from allotment.guards._terms import Fact, foreign_terms

__all__ = [
    "MAX_CHARACTERS",
    "QUESTION_CHECKS",
    "Check",
    "Context",
    "Fact",
    "Finding",
    "Form",
    "Guards",
    "Model",
    "Prepared",
    "allow",
    "check_answer",
    "check_question",
    "foreign_terms",
    "language_of",
    "load_model",
    "normalise",
    "prepare",
    "refusal_text",
    "refuse",
    "refused",
    "skeleton",
]
