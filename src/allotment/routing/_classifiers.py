"""One classifier for each set of agents that somebody is entitled to, made when it is first needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from allotment.feedback import LabelledItem, for_router
from allotment.routing._learned import Learned
from allotment.routing._trained import Trained, summarise
from allotment.routing._types import Candidate
from allotment.routing._words import content_words
from allotment.workspace import hash_json


@dataclass(frozen=True)
class _Set:
    """What one classifier learns from: the examples of some agents, and approved marks of one role."""

    agents: tuple[str, ...]
    marked: tuple[LabelledItem, ...]


class Classifiers:
    """What is learnt for each set of agents, and each role whose approved marks are learnt with them. Thread-safe."""

    def __init__(
        self,
        examples: Mapping[Candidate, tuple[str, ...]],
        trained: Collection[Trained],
        outside: Sequence[str] | None,
        marked: Sequence[LabelledItem],
    ) -> None:
        self._examples = examples
        self._trained = {one.examples: one for one in trained}
        self._outside = outside
        self._marked = tuple(marked)
        self._learned: dict[_Set, Learned | None] = {}
        self._found: dict[tuple[tuple[str, ...], str], Learned | None] = {}
        """The same by agents and role: roles without marks share one."""
        self._making = Lock()
        """Held while something is learnt, so that many first questions do not each learn it."""

    def learned(self, agents: tuple[str, ...], role: str = "") -> Learned | None:
        """What is learnt from these agents' examples alone, and what people of ``role`` marked; none without any."""
        if (agents, role) not in self._found:
            with self._making:
                wanted = _Set(agents, self._items(agents, role))
                if wanted not in self._learned:
                    self._learned[wanted] = self._learn(wanted)
                self._found[agents, role] = self._learned[wanted]
        return self._found[agents, role]

    def _learn(self, wanted: _Set) -> Learned | None:
        mine, fitted = self._of(wanted.agents), self._trained.get(self._seal(wanted))
        calibration = fitted.calibration if fitted else None
        return Learned(mine, calibration, self._outside, _by_candidate(wanted.marked)) if mine else None

    def _items(self, agents: tuple[str, ...], role: str) -> tuple[LabelledItem, ...]:
        return tuple(for_router(self._marked, role, agents))

    def is_trained(self, agents: tuple[str, ...], role: str = "") -> bool:
        """Whether numbers were fitted for exactly what these agents have to learn from, and ``role`` marked."""
        return self.seal(agents, role) in self._trained

    def seal(self, agents: tuple[str, ...], role: str = "") -> str:
        """Hash of exactly what is learnt for these agents, and ``role``."""
        return self._seal(_Set(agents, self._items(agents, role)))

    def fitted(self, trained: Collection[Trained], agents: tuple[str, ...], role: str = "") -> Trained | None:
        """Of several fittings the one for these agents; one for what they knew before, if there is none for today."""
        seal = self.seal(agents, role)
        mine = sorted((one for one in trained if one.agents == agents), key=lambda one: one.examples != seal)
        return mine[0] if mine else None

    def train(self, agents: tuple[str, ...], role: str = "") -> Trained | None:
        """Fit the numbers on these agents' own questions, each where it is not learnt; none where they have none."""
        learned = self.learned(agents, role)
        return None if learned is None else summarise(agents, self.seal(agents, role), learned.held_out())

    def _of(self, agents: tuple[str, ...]) -> dict[Candidate, tuple[str, ...]]:
        return {candidate: texts for candidate, texts in self._examples.items() if candidate[0] in agents}

    def _seal(self, wanted: _Set) -> str:
        mine: list[object] = [[*candidate, *texts] for candidate, texts in sorted(self._of(wanted.agents).items())]
        marked = [[item.agent, item.means, item.text] for item in wanted.marked]
        outside = self._outside if self._outside is None else list(self._outside)
        return hash_json([mine, outside, marked] if marked else [mine, outside])


def _by_candidate(marked: Sequence[LabelledItem]) -> dict[Candidate, list[str]]:
    found: dict[Candidate, list[str]] = {}
    for item in marked:
        if item.agent is not None and item.means is not None and content_words(item.text):
            found.setdefault((item.agent, item.means), []).append(item.text)
    return found
