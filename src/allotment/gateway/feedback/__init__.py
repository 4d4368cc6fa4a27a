"""What users say of their answers, and how a person turns it into items that may be learnt."""

from allotment.gateway.feedback._asked import Asked, asked_of
from allotment.gateway.feedback._labelling import Approval, Reviewed, State
from allotment.gateway.feedback._marking import Feedback
from allotment.gateway.feedback._propose import Proposal, propose
from allotment.gateway.feedback._review import FeedbackReview
from allotment.gateway.feedback._routes import feedback_api_routes, feedback_routes
from allotment.gateway.feedback._store import Mark, Marking, MarkStore

__all__ = [
    "Approval",
    "Asked",
    "Feedback",
    "FeedbackReview",
    "Mark",
    "MarkStore",
    "Marking",
    "Proposal",
    "Reviewed",
    "State",
    "asked_of",
    "feedback_api_routes",
    "feedback_routes",
    "propose",
]
