"""Which checks stand in front of the models and behind them, and how strict they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from allotment.project._base import Name, Strict
from allotment.project._documents import PersonalKind
from allotment.project._guard_models import HubClassifierConfig, JudgeConfig

SHIPPED = (
    "length",
    "impersonation",
    "override",
    "system_prompt",
    "injection_model",
    "impersonation_model",
)
"""Checks of questions that are carried out unless a project says otherwise, in order."""
OPTIONAL = ("secrets", "personal_data", "hub_classifier", "judge", "off_topic")
"""Checks of questions that come with the package and are carried out where they are named."""
SHIPPED_ANSWERS = ("protected_terms", "canaries", "secrets", "sql", "error_text", "remote_content")
"""Checks of answers that are carried out unless a project says otherwise."""
OPTIONAL_ANSWERS = ("personal_data",)
"""Checks of answers that come with the package and are carried out where they are named."""
SCORED = ("injection_model", "impersonation_model", "hub_classifier", "judge", "off_topic")
"""Those of the package that give a probability, so that a threshold says something."""

SecretKind = Literal["keys", "tokens", "passwords"]
Threshold = Annotated[float, Field(gt=0, lt=1)]
_LEAST_CANARY = 8


def check_phrase(value: str) -> str:
    """``value``, if each of its words has a letter or digit, and ``*`` stands at words' ends alone."""
    words = value.split()
    if not words or not all(any(map(str.isalnum, word)) and "*" not in word[:-1] for word in words):
        raise ValueError(f"{value!r} is no phrase: write words of letters or digits, * only at the end of a word")
    return value


def check_canary(value: str) -> str:
    """``value``, if it is long enough not to stand in a text by chance."""
    if sum(map(str.isalnum, value)) < _LEAST_CANARY:
        raise ValueError(f"{value!r} is no canary: it needs at least {_LEAST_CANARY} letters or digits")
    return value


def check_host(value: str) -> str:
    """``value`` in lower case, if it is a host's name alone."""
    labels = value.lower().split(".")
    if not all(label.replace("-", "").isalnum() for label in labels):
        raise ValueError(f"{value!r} is no host: write its name alone, as intranet.example.com")
    return value.lower()


Phrase = Annotated[str, AfterValidator(check_phrase)]
Canary = Annotated[str, AfterValidator(check_canary)]
Host = Annotated[str, AfterValidator(check_host)]


class AgentGuards(Strict):
    """What is checked besides, before one agent answers and after. An agent can only be stricter than the project."""

    checks: tuple[Name, ...] = ()
    """Checks of questions besides the project's."""
    answer_checks: tuple[Name, ...] = ()
    """Checks of answers besides the project's."""
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    """Check → probability from which a question to this agent is refused; not above the project's."""
    forbidden_topics: dict[Name, tuple[Phrase, ...]] = Field(default_factory=dict)
    """Topic → phrases, besides the project's."""


class GuardsConfig(Strict):
    """The checks of questions and answers. Without this section the usual ones of the package are carried out."""

    checks: tuple[Name, ...] = Field(default=SHIPPED, min_length=1)
    """Checks of questions, in the order they are carried out: those of the package, and entry points of the group
    `allotment.guards`. One that is not there stops every command that answers or checks."""
    answer_checks: tuple[Name, ...] = Field(default=SHIPPED_ANSWERS, min_length=1)
    """Checks of answers: those of the package, and entry points of the group `allotment.answer_guards`."""
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    """Check → probability from which a question is refused. None: as the classifier's card or the check says."""
    forbidden_topics: dict[Name, tuple[Phrase, ...]] = Field(default_factory=dict)
    """Topic → phrases that are not to be asked about. Case and diacritics do not count; a word may end in `*`."""
    classifier: Path | None = None
    """Folder with a classifier of your own training (`allotment guards train`). None: the one of the package."""
    judge: JudgeConfig | None = None
    """The model of the check `judge`."""
    hub_classifier: HubClassifierConfig | None = None
    """The model of the check `hub_classifier`."""
    secrets: tuple[SecretKind, ...] = Field(default=("keys", "tokens"), min_length=1)
    """What the checks `secrets` look for. Passwords are known by the words before them alone."""
    personal_data: tuple[PersonalKind, ...] = Field(default=("cards", "ibans", "national-ids"), min_length=1)
    """What the checks `personal_data` look for; how names and telephone numbers are known says `personal_data` of the
    project."""
    canaries: dict[Name, tuple[Canary, ...]] = Field(default_factory=dict)
    """Document set → strings planted in it, which no answer to anybody else may hold."""
    hosts: tuple[Host, ...] = ()
    """Hosts an answer may name besides those in documents the user may read; their subdomains as well."""
    check_s: float = Field(default=1.0, gt=0, le=60)
    """Seconds an entry point's check may take; one that takes longer has refused."""
    agents: dict[Name, AgentGuards] = Field(default_factory=dict)
    """Agent → what is checked besides, before it answers and after."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for one in _problems(self):
            raise ValueError(one)
        return self


def _problems(config: GuardsConfig) -> Iterator[str]:
    for key, named in (("checks", config.checks), ("answer_checks", config.answer_checks)):
        if len(set(named)) != len(named):
            yield f"guards.{key}: a check is named twice"
    places: list[tuple[str, GuardsConfig | AgentGuards]] = [("guards", config)]
    places += [(f"guards.agents.{name}", one) for name, one in config.agents.items()]
    for place, own in places:
        yield from _threshold_problems(config, place, own)
    every = {*config.checks, *(check for one in config.agents.values() for check in one.checks)}
    for name, section in (("judge", config.judge), ("hub_classifier", config.hub_classifier)):
        if name in every and section is None:
            yield f"guards.{name}: the check is to be carried out, and nothing says by which model"
        if name not in every and section is not None:
            yield f"guards.{name}: the check is not carried out; name it in guards.checks"
    hub = config.hub_classifier
    if hub is not None and 2 * hub.overlap_tokens > hub.window_tokens:
        yield "guards.hub_classifier.overlap_tokens: at most half of window_tokens"


def _threshold_problems(config: GuardsConfig, place: str, own: GuardsConfig | AgentGuards) -> Iterator[str]:
    known = {*config.checks, *own.checks}
    for check, threshold in own.thresholds.items():
        if check not in known:
            yield f"{place}.thresholds: the check {check!r} is not carried out"
        if check in (*SHIPPED, *OPTIONAL) and check not in SCORED:
            yield f"{place}.thresholds: the check {check!r} is a rule and has no threshold"
        base = config.thresholds.get(check)
        if base is not None and threshold > base:
            yield f"{place}.thresholds.{check}: {threshold} is above the project's {base}"
