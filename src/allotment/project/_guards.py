"""Which checks stand in front of the models, and how strict they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from allotment.project._base import Name, Strict

SHIPPED = (
    "length",
    "impersonation",
    "override",
    "system_prompt",
    "injection_model",
    "impersonation_model",
)
"""Checks of questions that come with the package, in the order they are carried out."""
SCORED = ("injection_model", "impersonation_model")
"""Those of them that give a probability."""

Threshold = Annotated[float, Field(gt=0, lt=1)]


def check_phrase(value: str) -> str:
    """``value``, if each of its words has a letter or digit, and ``*`` stands at words' ends alone."""
    words = value.split()
    if not words or not all(any(map(str.isalnum, word)) and "*" not in word[:-1] for word in words):
        raise ValueError(f"{value!r} is no phrase: write words of letters or digits, * only at the end of a word")
    return value


Phrase = Annotated[str, AfterValidator(check_phrase)]


class AgentGuards(Strict):
    """What is checked besides, before one agent answers. An agent can only be stricter than the project."""

    checks: tuple[Name, ...] = ()
    """Checks besides the project's."""
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    """Check → probability from which a question to this agent is refused; not above the project's."""
    forbidden_topics: dict[Name, tuple[Phrase, ...]] = Field(default_factory=dict)
    """Topic → phrases, besides the project's."""


class GuardsConfig(Strict):
    """The checks of questions. Without this section all that come with the package are carried out."""

    checks: tuple[Name, ...] = Field(default=SHIPPED, min_length=1)
    """Names, in the order they are carried out: those of the package, and entry points of the group `allotment.guards`.
    One that is not there stops every command that answers or checks."""
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    """Check → probability from which a question is refused. None: as the classifier's card or the check says."""
    forbidden_topics: dict[Name, tuple[Phrase, ...]] = Field(default_factory=dict)
    """Topic → phrases that are not to be asked about. Case and diacritics do not count; a word may end in `*`."""
    classifier: Path | None = None
    """Folder with a classifier of your own training (`allotment guards train`). None: the one of the package."""
    check_s: float = Field(default=1.0, gt=0, le=60)
    """Seconds an entry point's check may take; one that takes longer has refused."""
    agents: dict[Name, AgentGuards] = Field(default_factory=dict)
    """Agent → what is checked besides, before it answers."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.checks)) != len(self.checks):
            raise ValueError("guards.checks: a check is named twice")
        places: list[tuple[str, GuardsConfig | AgentGuards]] = [("guards", self)]
        places += [(f"guards.agents.{name}", one) for name, one in self.agents.items()]
        for place, own in places:
            known = {*self.checks, *own.checks}
            for check in own.thresholds:
                if check not in known:
                    raise ValueError(f"{place}.thresholds: the check {check!r} is not carried out")
                if check in SHIPPED and check not in SCORED:
                    raise ValueError(f"{place}.thresholds: the check {check!r} is a rule and has no threshold")
                base = self.thresholds.get(check)
                if base is not None and own.thresholds[check] > base:
                    raise ValueError(
                        f"{place}.thresholds.{check}: {own.thresholds[check]} is above the project's {base}"
                    )
        return self
