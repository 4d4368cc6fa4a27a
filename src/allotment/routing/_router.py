"""``Router``: which entitled agent answers a question, and by what means.

A role's routes are made from the examples of the agents that role is entitled to and from nothing else: what
other agents know changes no probability, no word weight and no reason a user can see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Literal

from allotment.access import Policy, Principal
from allotment.routing._follow import conversation
from allotment.routing._learned import Compared, Learned, Ranked
from allotment.routing._trained import Trained, summarise
from allotment.routing._types import Candidate, Examples, Route, Unclear
from allotment.routing._words import content_words
from allotment.workspace import hash_json

NEAR = 0.65
"""The role's default agent gets a question if its closest example is at least this share as near as the best one's."""
CLEAR = 0.5
"""A candidate this probable clearly answers; below it the user is asked, or the role's default agent gets it."""
EVEN = {"ask": 0.5, "default": 0.9}
"""Agents at least this share as likely as the best may be meant as well."""

WhenUnclear = Literal["ask", "default"]
Outcome = Route | Unclear | None


class Router:
    """Learnt from the questions each agent is there to answer. Rebuilt from them in memory, never stored."""

    def __init__(
        self,
        policy: Policy,
        examples: Examples,
        descriptions: Mapping[str, str],
        *,
        unclear: WhenUnclear = "default",
        trained: Mapping[tuple[str, ...], Trained] | None = None,
        outside: Sequence[str] | None = None,
    ) -> None:
        """
        Args:
            policy: who is entitled to which agent.
            examples: candidate (agent, means) → its training questions, or ``account_examples`` of its account.
            descriptions: agent → what it is for; counts as one more example of each of its candidates.
            unclear: what happens to a question that several agents may be meant by.
            trained: entitled agents → numbers fitted for them; they hold where the examples are still the same.
            outside: questions nobody answers; none takes those that ship.
        """
        self._policy = policy
        self._examples = _learnable(examples, descriptions)
        self._unclear: WhenUnclear = unclear
        self._trained = trained or {}
        self._outside = outside
        self._learned: dict[tuple[str, ...], Learned | None] = {}
        self._making = Lock()
        """Held while something is learnt, so that many first questions do not each learn it."""

    def make_all(self) -> None:
        """Learn now what the first questions of every role would wait for."""
        for role in sorted(self._policy.roles):
            self.learned(self._policy.entitled(role))
        for agent in sorted(self._policy.agents):
            if len(self._of((agent,))) > 1:  # else there is nothing to choose
                self.learned((agent,))

    def route(self, question: str, principal: Principal, context: Sequence[str] = ()) -> Outcome:
        """The entitled candidate whose question it is; none if it is nobody's.

        Where a role has one agent, the role alone decides, and only the means is chosen. An agent the principal is not
        entitled to has no part in the result.

        Args:
            question: the user's words.
            principal: who asks.
            context: earlier texts of the conversation, oldest first. A question that only makes sense after them
                stays with the agent they were about, unless it is clearly another's.
        """
        entitled = self._policy.agents_of(principal)
        if len(entitled) == 1:
            return self._by_agent(question, entitled[0], f"{entitled[0]} is the only agent of this role")
        alone = self._learnt_route(question, principal, entitled)
        for earlier in conversation(question, context, clear=_is_clear(alone)):
            before = self._learnt_route(earlier, principal, entitled)
            if isinstance(before, Route):
                return self._stay(question, before)
        return alone

    def outside(
        self, question: str, principal: Principal, context: Sequence[str] = (), agent: str | None = None
    ) -> tuple[float, float] | None:
        """Probability that a question is nobody's among the entitled agents, and from where that is sure enough.

        A follow-up has the least of its own and that of what it follows. None where nothing is learnt.

        Args:
            question: the user's words.
            principal: who asks.
            context: earlier texts of the conversation, oldest first.
            agent: one entitled agent that counts alone; one that is not entitled knows nothing.
        """
        entitled = self._policy.agents_of(principal)
        learned = self.learned(tuple(name for name in entitled if agent in (None, name)))
        if learned is None:
            return None
        threshold = learned.calibration.threshold
        alone = Compared(learned, question)
        clear = not alone.outside and alone.ranked[0].probability >= CLEAR
        earlier = conversation(question, context, clear=clear)
        return min([alone.nobody, *(Compared(learned, text).nobody for text in earlier)]), threshold

    def route_to(self, question: str, agent: str) -> Route:
        """The means by which an agent the user named answers."""
        named = self._by_agent(question, agent, "the agent was named by the user")
        return named or Route(agent, "adapter", 1.0, "the agent was named by the user", None)

    def learned(self, agents: tuple[str, ...]) -> Learned | None:
        """What is learnt from these agents' examples alone; none where they have none."""
        if agents not in self._learned:
            with self._making:
                if agents not in self._learned:
                    self._learned[agents] = self._learn(agents)
        return self._learned[agents]

    def _learn(self, agents: tuple[str, ...]) -> Learned | None:
        mine = self._of(agents)
        fitted = self._trained[agents].calibration if self.is_trained(agents) else None
        return Learned(mine, fitted, self._outside) if mine else None

    def is_trained(self, agents: tuple[str, ...]) -> bool:
        """Whether numbers were fitted for exactly what these agents have to learn from."""
        known = self._trained.get(agents)
        return known is not None and known.examples == self._seal(agents)

    def train(self, agents: tuple[str, ...]) -> Trained | None:
        """Fit the numbers on these agents' own questions, each where it is not learnt; none where they have none."""
        learned = self.learned(agents)
        return None if learned is None else summarise(agents, self._seal(agents), learned.held_out())

    def _of(self, agents: tuple[str, ...]) -> dict[Candidate, tuple[str, ...]]:
        return {candidate: texts for candidate, texts in self._examples.items() if candidate[0] in agents}

    def _seal(self, agents: tuple[str, ...]) -> str:
        mine = [[*candidate, *texts] for candidate, texts in sorted(self._of(agents).items())]
        return hash_json([mine, self._outside if self._outside is None else list(self._outside)])

    def _by_agent(self, question: str, agent: str, why: str) -> Route | None:
        candidates = sorted(self._of((agent,)))
        if len(candidates) == 1:
            return Route(*candidates[0], 1.0, why, None)
        learned = self.learned((agent,))
        if learned is None:
            return None
        found = Compared(learned, question)
        # What is nobody's is the adapter's, which says that it does not know; a database would be asked in vain.
        best = next(one for one in found.ranked if one.candidate[1] == "adapter" or not found.outside)
        other = next(one for one in found.ranked if one is not best)
        said = f"{why}; {found.quote(best.candidate)}"
        return Route(*best.candidate, best.probability, said, other.name, other.probability)

    def _stay(self, question: str, before: Route) -> Route:
        return replace(
            self.route_to(question, before.agent),
            why=f"the question follows an earlier one, which {before.agent} answers",
        )

    def _learnt_route(self, question: str, principal: Principal, entitled: tuple[str, ...]) -> Outcome:
        learned = self.learned(entitled)
        if learned is None or not content_words(question):
            return None
        found = Compared(learned, question)
        if found.outside:
            return None
        best, default = found.ranked[0], self._policy.defaults.get(principal.role)
        near = _near_default(found, default)
        if near is not None:
            return _route(found, near, "; the role's default agent knows the subject too")
        return _route(found, best) if best.probability >= CLEAR else self._unclear_route(found, default, entitled)

    def _unclear_route(self, found: Compared, default: str | None, entitled: Sequence[str]) -> Route | Unclear:
        best = found.ranked[0]
        even = [one for one in found.ranked if one.probability >= EVEN[self._unclear] * best.probability]
        agents = tuple(dict.fromkeys(one.candidate[0] for one in even))
        if self._unclear == "ask" and len(agents) > 1:
            return Unclear(agents, f"{' and '.join(agents)} are about as likely")
        its = next((one for one in found.ranked if one.candidate[0] == default), None)
        if self._unclear == "default" and its is not None:
            return _route(found, its, "" if its is best else "; nothing clearly matches, so the default agent is asked")
        if len(agents) == 1:
            return _route(found, best)
        specific = min(even, key=lambda one: (entitled.index(one.candidate[0]), -one.probability))
        return _route(found, specific, f" ({' and '.join(agents)} are about as likely; this is the most specific)")


def _near_default(found: Compared, default: str | None) -> Ranked | None:
    """The default agent's nearest candidate, if another agent is likelier but hardly nearer."""
    best = found.ranked[0].candidate
    mine = [one for one in found.ranked if one.candidate[0] == default]
    if not mine or best[0] == default:
        return None
    nearest = max(mine, key=lambda one: found.nearest(one.candidate)[0])
    near = found.nearest(nearest.candidate)[0]
    return nearest if near > 0 and near >= NEAR * found.nearest(best)[0] else None


def _route(found: Compared, chosen: Ranked, note: str = "") -> Route:
    other = next((one for one in found.ranked if one is not chosen), None)
    why = found.quote(chosen.candidate) + note
    runner_up, its_score = (other.name, other.probability) if other else (None, None)
    return Route(*chosen.candidate, chosen.probability, why, runner_up, its_score)


def _is_clear(outcome: Outcome) -> bool:
    return isinstance(outcome, Route) and max(outcome.score, outcome.runner_up_score or 0.0) >= CLEAR


def _learnable(examples: Examples, descriptions: Mapping[str, str]) -> dict[Candidate, tuple[str, ...]]:
    """What says anything, with the descriptions; a description alone is no candidate."""
    told = {owner: [*texts, descriptions.get(owner[0], "")] for owner, texts in examples.items() if any(texts)}
    mine = {owner: tuple(text for text in texts if content_words(text)) for owner, texts in told.items()}
    return {owner: texts for owner, texts in mine.items() if texts}
