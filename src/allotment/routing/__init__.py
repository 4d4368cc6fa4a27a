"""Which entitled agent answers a question, learnt from the questions each agent is there to answer."""

from allotment.routing._account_examples import account_examples
from allotment.routing._router import THRESHOLD, TIE, Router
from allotment.routing._types import Candidate, Examples, Means, Route

__all__ = ["THRESHOLD", "TIE", "Candidate", "Examples", "Means", "Route", "Router", "account_examples"]
