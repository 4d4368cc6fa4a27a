"""Checks in front of and behind the model: one check a file, one protocol.

Guards are a filter, not the fence: nothing that access control must hold rests on them.
"""

from allotment.guards._answer import ANSWER_CHECKS, check_answer
from allotment.guards._chain import QUESTION_CHECKS, check_question
from allotment.guards._declared import Means
from allotment.guards._finding import AnswerCheck, AnswerContext, Check, Context, Finding, allow, refuse, refused
from allotment.guards._folder_seal import folder_seal
from allotment.guards._guards import Guards, Part
from allotment.guards._length import MAX_CHARACTERS
from allotment.guards._model import Model, load_model
from allotment.guards._normalise import Form, Prepared, normalise, prepare, skeleton
from allotment.guards._off_topic import Outside, Scope
from allotment.guards._refusal import language_of, refusal_text
from allotment.guards._remote_content import hosts_of, without_addresses
from allotment.guards._terms import Fact, foreign_identifiers, foreign_terms

__all__ = [
    "ANSWER_CHECKS",
    "MAX_CHARACTERS",
    "QUESTION_CHECKS",
    "AnswerCheck",
    "AnswerContext",
    "Check",
    "Context",
    "Fact",
    "Finding",
    "Form",
    "Guards",
    "Means",
    "Model",
    "Outside",
    "Part",
    "Prepared",
    "Scope",
    "allow",
    "check_answer",
    "check_question",
    "folder_seal",
    "foreign_identifiers",
    "foreign_terms",
    "hosts_of",
    "language_of",
    "load_model",
    "normalise",
    "prepare",
    "refusal_text",
    "refuse",
    "refused",
    "skeleton",
    "without_addresses",
]
