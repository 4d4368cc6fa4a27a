"""``Router``: which entitled agent answers a question, and by what means.

A role's routes are made from the examples of the agents that role is entitled to and from nothing else: what
other agents know changes no probability, no word weight and no reason a user can see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from allotment.access import Policy, Principal
from allotment.feedback import LabelledItem
from allotment.routing._classifiers import Classifiers
from allotment.routing._follow import conversation, leans, standing
from allotment.routing._learned import Compared, Ranked
from allotment.routing._standalone import standalone
from allotment.routing._trained import Trained
from allotment.routing._types import Candidate, Examples, Outcome, Route, Routed, Unclear
from allotment.routing._words import content_words

NEAR = 0.65
"""The role's default agent gets a question if its closest example is at least this share as near as the best one's."""
CLEAR = 0.5
"""A candidate this probable clearly answers; below it the user is asked, or the role's default agent gets it."""
EVEN = {"ask": 0.5, "default": 0.9}
"""Agents at least this share as likely as the best may be meant as well."""

WhenUnclear = Literal["ask", "default"]
_NAMED = "the agent was named by the user"


class Router(Classifiers):
    """Learnt from the questions each agent is there to answer. Rebuilt from them in memory, never stored."""

    def __init__(
        self,
        policy: Policy,
        examples: Examples,
        descriptions: Mapping[str, str],
        *,
        unclear: WhenUnclear = "default",
        trained: Collection[Trained] = (),
        outside: Sequence[str] | None = None,
        marked: Sequence[LabelledItem] = (),
    ) -> None:
        """
        Args:
            policy: who is entitled to which agent.
            examples: candidate (agent, means) → its training questions, or ``account_examples`` of its account.
            descriptions: agent → what it is for; counts as one more example of each of its candidates.
            unclear: what happens to a question that several agents may be meant by.
            trained: numbers fitted for sets of entitled agents; they hold where the examples are still the same.
            outside: questions nobody answers; none takes those that ship.
            marked: approved items. A role's router learns those its role may read, and quotes none of them.
        """
        super().__init__(_learnable(examples, descriptions), trained, outside, marked)
        self._policy = policy
        self._unclear: WhenUnclear = unclear

    def make_all(self) -> None:
        """Learn now what the first questions of every role would wait for."""
        for role in sorted(self._policy.roles):
            agents = self._policy.entitled(role)
            self.learned(agents, role)
            for agent in agents:
                if len(self._of((agent,))) > 1:  # else there is nothing to choose
                    self.learned((agent,), role)

    def route(
        self, question: str, principal: Principal, context: Sequence[str] = (), earlier: Sequence[str] = ()
    ) -> Outcome:
        """Who answers, an unclear choice, or none where nothing clearly matches. Arguments as ``routed``."""
        return self.routed(question, principal, context, earlier).outcome

    def routed(
        self, question: str, principal: Principal, context: Sequence[str] = (), earlier: Sequence[str] = ()
    ) -> Routed:
        """Who answers, and what that rests on.

        Args:
            question: the user's words.
            principal: who asks; his role and his key decide which agents there are.
            context: earlier texts of the conversation, oldest first. A question that only makes sense after them
                stays with the agent they were about, unless it is clearly another's.
            earlier: earlier questions of this user himself, oldest first; such a question is then answered as one
                with the one it follows.
        """
        entitled, role = self._policy.agents_of(principal), principal.role
        if len(entitled) == 1:
            after = next(_before(question, earlier), None)
            why = f"{entitled[0]} is the only agent of this role"
            return Routed(self._by_agent(_joined(after, question), entitled[0], role, why), "role", after=after)
        alone, ours = self._learnt_route(question, principal, entitled)
        own = standing(earlier)
        texts = [*(text for text in context if text not in earlier), *own]
        for before in conversation(question, texts, clear=_is_clear(alone)):
            route = self._learnt_route(before, principal, entitled)[0]
            if isinstance(route, Route):
                after = before if before in own and leans(question) else None
                return Routed(self._stay(_joined(after, question), route, role), "conversation", ours, after)
        after = self._of_the_same(question, alone, principal, earlier)
        return Routed(alone, "examples", ours, after)

    def _of_the_same(self, question: str, route: Outcome, principal: Principal, earlier: Sequence[str]) -> str | None:
        """The earlier question a question leans on, if the agent it leads to by itself is that one's as well."""
        if not isinstance(route, Route):
            return None
        return next((text for text in _before(question, earlier) if self._is_of(text, route.agent, principal)), None)

    def route_to(self, question: str, agent: str, role: str = "") -> Route:
        """The means by which an agent the user named answers; ``role``: whose approved marks count."""
        named = self._by_agent(question, agent, role, _NAMED)
        return named or Route(agent, "adapter", 1.0, _NAMED, None)

    def routed_to(self, question: str, agent: str, principal: Principal, earlier: Sequence[str] = ()) -> Routed:
        """As ``route_to``, with the user's own earlier question it follows, if that one was the same agent's."""
        found = _before(question, earlier)
        after = next((text for text in found if self._is_of(text, agent, principal)), None)
        return Routed(self.route_to(_joined(after, question), agent, principal.role), "user", after=after)

    def _is_of(self, question: str, agent: str, principal: Principal) -> bool:
        route = self.route(question, principal)
        return isinstance(route, Route) and route.agent == agent

    def _by_agent(self, question: str, agent: str, role: str, why: str) -> Route | None:
        candidates = sorted(self._of((agent,)))
        if len(candidates) == 1:
            return Route(*candidates[0], 1.0, why, None)
        learned = self.learned((agent,), role)
        if learned is None:
            return None
        found = Compared(learned, question)
        # What is nobody's is the adapter's, which says that it does not know; a database would be asked in vain.
        best = next(one for one in found.ranked if one.candidate[1] == "adapter" or not found.outside)
        other = next(one for one in found.ranked if one is not best)
        said = f"{why}; {found.quote(best.candidate)}"
        return Route(*best.candidate, best.probability, said, other.name, other.probability)

    def _stay(self, question: str, before: Route, role: str) -> Route:
        return replace(
            self.route_to(question, before.agent, role),
            why=f"the question follows an earlier one, which {before.agent} answers",
        )

    def _learnt_route(
        self, question: str, principal: Principal, entitled: tuple[str, ...]
    ) -> tuple[Outcome, float | None]:
        """The route of a question alone, and the probability that it is any of these agents'."""
        learned = self.learned(entitled, principal.role)
        if learned is None or not content_words(question):
            return None, None
        found = Compared(learned, question)
        ours = round(1 - found.nobody, 4)
        if found.outside:
            return None, ours
        best, default = found.ranked[0], self._policy.defaults.get(principal.role)
        near = _near_default(found, default)
        if near is not None:
            return _route(found, near, "; the role's default agent knows the subject too"), ours
        clear = best.probability >= CLEAR
        return (_route(found, best) if clear else self._unclear_route(found, default, entitled)), ours

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


def _before(question: str, earlier: Sequence[str]) -> Iterator[str]:
    """The user's own earlier questions that this one may lean on, newest first; none where it stands for itself."""
    return conversation(question, standing(earlier), clear=False) if leans(question) else iter(())


def _joined(after: str | None, question: str) -> str:
    return question if after is None else standalone(after, question)


def _is_clear(outcome: Outcome) -> bool:
    return isinstance(outcome, Route) and max(outcome.score, outcome.runner_up_score or 0.0) >= CLEAR


def _learnable(examples: Examples, descriptions: Mapping[str, str]) -> dict[Candidate, tuple[str, ...]]:
    """What says anything, with the descriptions; a description alone is no candidate."""
    told = {owner: [*texts, descriptions.get(owner[0], "")] for owner, texts in examples.items() if any(texts)}
    mine = {owner: tuple(text for text in texts if content_words(text)) for owner, texts in told.items()}
    return {owner: texts for owner, texts in mine.items() if texts}
