"""What is learnt from the examples of one set of agents: whose a question is, with a probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from allotment.routing._calibration import Calibration, fit_calibration
from allotment.routing._closest import Closest
from allotment.routing._features import Features, Vector
from allotment.routing._model import Labels, LinearModel
from allotment.routing._types import Candidate, Examples
from allotment.routing._words import fold

_FOLDS = 3


@cache
def outside_questions() -> tuple[str, ...]:
    """The questions that ship with the router and are nobody's work."""
    lines = (files("allotment.routing") / "outside.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class HeldOut:
    """Examples that were not learnt, and what they scored."""

    scores: Vector
    near: Vector
    labels: Labels

    def calibration(self) -> Calibration:
        """The numbers they ask for."""
        return fit_calibration(self.scores, self.near, self.labels)


@dataclass(frozen=True)
class Ranked:
    """A candidate, and the probability that a question is its."""

    candidate: Candidate
    probability: float

    @property
    def name(self) -> str:
        """``agent/means``."""
        return "/".join(self.candidate)


class Compared:
    """One question beside what was learnt."""

    def __init__(self, learned: Learned, question: str) -> None:
        self._closest = learned.closest
        scores, self._vector = learned.score(question), learned.closest.vector(question)
        near = self.nearest(learned.candidates[int(scores[:-1].argmax())])[0]
        self.measured = (scores, near)
        *own, self.nobody = learned.calibration.probabilities(scores, near).tolist()
        ranked = (Ranked(*one) for one in zip(learned.candidates, own, strict=True))
        self.ranked: list[Ranked] = sorted(ranked, key=lambda one: (-one.probability, one.candidate))
        """The likeliest first."""
        self.outside: bool = self.nobody > learned.calibration.threshold
        """Whether it is nobody's."""

    def nearest(self, candidate: Candidate) -> tuple[float, str]:
        """How near the candidate's examples are, 0 to 1, and the nearest one."""
        return self._closest.nearest(self._vector, candidate)

    def quote(self, candidate: Candidate) -> str:
        """In words, why it is the candidate's."""
        return f"closest to what {candidate[0]} answers from its {candidate[1]}: {self.nearest(candidate)[1]!r}"


class Learned:
    """The candidates of some agents, and what no agent answers; knows nothing of any other agent."""

    def __init__(
        self,
        examples: Examples,
        calibration: Calibration | None = None,
        outside: Sequence[str] | None = None,
        marked: Examples | None = None,
    ) -> None:
        """
        Args:
            examples: at least one, each with words.
            calibration: numbers fitted for them; none takes the usual ones.
            outside: questions nobody answers; none takes ``outside_questions``.
            marked: questions that people said are a candidate's. They are learnt like examples, and never quoted.
        """
        more = {owner: tuple(texts) for owner, texts in (marked or {}).items() if owner in examples}
        self._texts = {owner: (*texts, *more.get(owner, ())) for owner, texts in sorted(examples.items())}
        self._outside = outside_questions() if outside is None else tuple(outside)
        self.candidates: tuple[Candidate, ...] = tuple(self._texts)
        self.calibration = calibration or Calibration()
        groups = [*self._texts.values(), self._outside]
        labels = np.array([label for label, group in enumerate(groups) for _ in group], dtype=np.intp)
        self._features = Features([fold(text) for group in groups for text in group])
        self._model = LinearModel(self._features.matrix, labels, len(groups))
        self.closest = Closest(self._texts, {owner: len(texts) for owner, texts in more.items()})

    def score(self, question: str) -> Vector:
        """Distances from the border of each of ``candidates`` and, last, of nobody."""
        return self._model.score(*self._features.weigh(fold(question)))

    def held_out(self) -> HeldOut:
        """What its examples score where they are not learnt.

        The texts of a class are dealt to three folds in turn: the paraphrases of a question, which follow each other,
        stay learnt, as they are when somebody asks about a known thing in words of his own. A class with fewer texts
        than folds is learnt always.
        """
        scores: list[Vector] = []
        near: list[float] = []
        labels: list[int] = []
        groups = [*self._texts.values(), self._outside]
        for fold_number in range(_FOLDS):
            kept = [_dealt(group, fold_number, kept=True) for group in groups]
            learnt = Learned(dict(zip(self.candidates, kept, strict=False)), None, kept[-1])
            for label, group in enumerate(groups):
                for text in _dealt(group, fold_number, kept=False):
                    found = Compared(learnt, text).measured
                    scores.append(found[0])
                    near.append(found[1])
                    labels.append(label)
        if not scores:
            return HeldOut(np.empty((0, len(groups))), np.empty(0), np.empty(0, dtype=np.intp))
        return HeldOut(np.stack(scores), np.array(near), np.array(labels, dtype=np.intp))


def _dealt(group: Sequence[str], fold_number: int, *, kept: bool) -> list[str]:
    if len(group) < _FOLDS:
        return list(group) if kept else []
    return [text for number, text in enumerate(group) if (number % _FOLDS != fold_number) is kept]
