"""What an answer costs: its tokens at the price of the model that wrote it, or the time an embedded model worked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from allotment.answering import Answer
from allotment.errors import ProjectError
from allotment.models import is_server, price_of
from allotment.project import ModelPrice, Project


@dataclass(frozen=True)
class _Model:
    name: str
    price: ModelPrice | None
    """None of an embedded model."""


@dataclass(frozen=True)
class Costs:
    """The models that answer, with their prices."""

    base: _Model
    sql: _Model
    usd_per_hour: float
    """What an hour of an embedded model's work counts as."""
    tokens: int
    """Tokens reserved for an answer."""
    answer_s: float
    """Most seconds of an answer."""

    @classmethod
    def of(cls, project: Project) -> Self:
        """The costs a project declares.

        Raises:
            ProjectError: the price of a model that answers is not known.
        """
        limits = project.gateway.limits
        base, sql = _model(project, project.models.base), _model(project, project.models.sql)
        answer_s = project.gateway.timeouts.answer_s
        return cls(base, sql, limits.embedded_usd_per_hour, limits.tokens_reserved, answer_s)

    @property
    def most_usd(self) -> float:
        """What an answer of the reserved tokens costs at most, whichever model writes it."""
        return max(
            self._usd(model, prompt, self.tokens - prompt, self.answer_s)
            for model in (self.base, self.sql)
            for prompt in (0, self.tokens)
        )

    def usd(self, answer: Answer) -> float:
        """What an answer cost."""
        model = self.sql if answer.account is not None else self.base
        return self._usd(model, answer.prompt_tokens, answer.completion_tokens, answer.seconds)

    def _usd(self, model: _Model, prompt: int, completion: int, seconds: float) -> float:
        if model.price is not None:
            return model.price.usd(prompt, completion)
        return self.usd_per_hour * seconds / 3600


def _model(project: Project, name: str) -> _Model:
    if not is_server(name):
        return _Model(name, None)
    price = price_of(name, project.models)
    if price is None:
        raise ProjectError(
            "the price of its tokens is not known, so money could not be limited.",
            element=name,
            remedy=f"Declare models.prices.{name.partition('#')[2] or name} (input: 0, output: 0 if it costs nothing).",
        )
    return _Model(name, price)
