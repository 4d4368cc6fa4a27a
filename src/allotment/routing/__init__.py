"""Which entitled agent answers a question, learnt from the questions each agent is there to answer."""

from allotment.routing._account_examples import account_examples
from allotment.routing._evaluation import Asked, Evaluation, Missed, evaluate_router
from allotment.routing._router import Outcome, Router
from allotment.routing._trained import Drift, Trained, load_trained, save_trained
from allotment.routing._types import Candidate, Examples, Means, Route, Unclear

__all__ = [
    "Asked",
    "Candidate",
    "Drift",
    "Evaluation",
    "Examples",
    "Means",
    "Missed",
    "Outcome",
    "Route",
    "Router",
    "Trained",
    "Unclear",
    "account_examples",
    "evaluate_router",
    "load_trained",
    "save_trained",
]
