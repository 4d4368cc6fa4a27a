"""Check ``off_topic``: a question that no agent the role is entitled to could answer.

What agents know is learnt elsewhere and handed in: guards know no agent. A follow-up question is judged with what it
follows, so that "and last year?" is about the subject before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from allotment.access import Principal
from allotment.guards._finding import Check, Context, Finding, allow, refuse
from allotment.guards._normalise import Prepared

NAME = "off_topic"


@dataclass(frozen=True)
class Outside:
    """How surely a question is nobody's, 0 to 1, and from where that is sure enough."""

    probability: float
    threshold: float


class Scope(Protocol):
    """Says how surely a question is no entitled agent's, or not that of ``agent``. None: nothing is learnt yet."""

    def __call__(
        self, question: str, principal: Principal, earlier: Sequence[str], agent: str | None, /
    ) -> Outside | None: ...


def off_topic_check(scope: Scope, threshold: float | None, *, by_agent: bool) -> Check:
    """A check by ``scope``.

    Args:
        scope: what knows the agents' subjects.
        threshold: probability from which a question is refused; none takes what ``scope`` says.
        by_agent: whether the chosen agent alone counts; else all the role is entitled to.
    """

    def check(text: Prepared, context: Context) -> Finding:
        found = scope(text.clean, context.principal, context.earlier, context.agent if by_agent else None)
        if found is None:
            raise LookupError("no agent of this role has learnt anything to compare with")
        limit = found.threshold if threshold is None else threshold
        if found.probability < limit:
            return allow(NAME, found.probability)
        return refuse(NAME, f"{found.probability:.2f} of {limit:.2f} that no agent answers this", found.probability)

    return check
