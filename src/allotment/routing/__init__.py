"""Which entitled agent answers a question, learnt from the questions each agent is there to answer."""

from allotment.routing._account_examples import account_examples
from allotment.routing._drift import Period, Recorded, RoleDrift, recorded, role_drift
from allotment.routing._evaluation import Asked, Evaluation, Missed, evaluate_router
from allotment.routing._router import Router
from allotment.routing._standalone import standalone
from allotment.routing._trained import Drift, Trained, load_trained, save_trained
from allotment.routing._types import Candidate, Decider, Examples, Means, Outcome, Route, Routed, Unclear

__all__ = [
    "Asked",
    "Candidate",
    "Decider",
    "Drift",
    "Evaluation",
    "Examples",
    "Means",
    "Missed",
    "Outcome",
    "Period",
    "Recorded",
    "RoleDrift",
    "Route",
    "Routed",
    "Router",
    "Trained",
    "Unclear",
    "account_examples",
    "evaluate_router",
    "load_trained",
    "recorded",
    "role_drift",
    "save_trained",
    "standalone",
]
