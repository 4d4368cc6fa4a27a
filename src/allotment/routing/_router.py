"""``Router``: which entitled agent answers a question, and by what means.

A role's routes are made from the examples of the agents that role is entitled to and from nothing else: what
other agents know changes no score, no word weight and no reason a user can see.
"""

from __future__ import annotations

from collections.abc import Mapping

from allotment.access import Policy, Principal
from allotment.routing._index import Index, Scored
from allotment.routing._types import Candidate, Examples, Route

TIE = 0.78
"""Scores of at least this share of the best are a tie, which the role's default agent, then the most specific wins."""
THRESHOLD = 0.2
"""Below this score no agent is taken to know the question."""


class Router:
    """Routes by similarity to questions each agent is there to answer. Rebuilt from them in memory, never stored."""

    def __init__(self, policy: Policy, examples: Examples, descriptions: Mapping[str, str]) -> None:
        self._policy = policy
        self._examples = _with_descriptions(examples, descriptions)
        self._indexes: dict[tuple[str, ...], Index] = {}

    @classmethod
    def build(cls, policy: Policy, examples: Examples, descriptions: Mapping[str, str]) -> Router:
        """A router ready for every role.

        Args:
            policy: who is entitled to which agent.
            examples: candidate (agent, means) → its training questions, or ``account_examples`` of its account.
            descriptions: agent → what it is for; counts as one more example of each of its candidates.
        """
        router = cls(policy, examples, descriptions)
        for role in sorted(policy.roles):
            router._index(policy.entitled(role))
        return router

    def route(self, question: str, principal: Principal) -> Route | None:
        """The entitled candidate that clearly matches best; none if there is none.

        An agent the principal's role is not entitled to has no part in the result.
        """
        entitled = self._policy.agents_of(principal)
        scored = sorted(self._index(entitled).score(question), key=lambda one: (-one.score, one.candidate))
        if not scored or scored[0].score < THRESHOLD:
            return None
        ties = [one for one in scored if one.score >= scored[0].score * TIE]
        chosen = min(ties, key=lambda one: self._preference(one, entitled, principal.role))
        others = [one.candidate for one in scored if one.candidate != chosen.candidate]
        return _route(chosen, others[0] if others else None, len(ties))

    def _preference(self, one: Scored, entitled: tuple[str, ...], role: str) -> tuple[bool, int, float]:
        agent = one.candidate[0]
        return agent != self._policy.defaults.get(role), entitled.index(agent), -one.score

    def _index(self, agents: tuple[str, ...]) -> Index:
        if agents not in self._indexes:
            mine = {candidate: texts for candidate, texts in self._examples.items() if candidate[0] in agents}
            self._indexes[agents] = Index(mine)
        return self._indexes[agents]


def _with_descriptions(examples: Examples, descriptions: Mapping[str, str]) -> dict[Candidate, tuple[str, ...]]:
    return {
        candidate: (*texts, *([descriptions[candidate[0]]] if descriptions.get(candidate[0]) else []))
        for candidate, texts in examples.items()
        if texts
    }


def _route(chosen: Scored, runner_up: Candidate | None, ties: int) -> Route:
    agent, means = chosen.candidate
    near = "" if ties == 1 else f" ({ties} candidates are about as near; this one is preferred for the role)"
    why = f"closest to what {agent} answers from its {means}: {chosen.closest!r}{near}"
    return Route(agent, means, chosen.score, why, "/".join(runner_up) if runner_up else None)
