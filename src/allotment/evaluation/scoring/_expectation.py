"""Whether an answer of the chain is the one a file of asks expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from allotment.errors import ProjectError
from allotment.evaluation.scoring._score import is_right

_KEYS = frozenset({"outcome", "agent", "contains"})
_OUTCOMES = frozenset({"answered", "refused", "unknown", "failed"})


class Answered(Protocol):
    """What is needed of an answer."""

    @property
    def outcome(self) -> str: ...
    @property
    def agent(self) -> str | None: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class Verdict:
    """Whether the expectation is met, and what is not as expected."""

    met: bool
    problems: tuple[str, ...]


def expect_answer(answer: Answered, expect: Mapping[str, object]) -> Verdict:
    """Compare ``answer`` with ``expect``: ``outcome`` (required), ``agent``, ``contains`` (as a whole value).

    Raises:
        ProjectError: ``expect`` has no or an unknown outcome, or a key that is none of these.
    """
    _check(expect)
    problems = [
        f"{key} is {found!r}, expected {expect[key]!r}"
        for key, found in (("outcome", answer.outcome), ("agent", answer.agent))
        if key in expect and found != expect[key]
    ]
    if "contains" in expect and not is_right(answer.text, str(expect["contains"])):
        problems.append(f"the text does not hold {expect['contains']!r}")
    return Verdict(not problems, tuple(problems))


def _check(expect: Mapping[str, object]) -> None:
    unknown = sorted(set(expect) - _KEYS)
    if unknown:
        raise ProjectError(f"unknown key {', '.join(unknown)}.", element="expect", remedy=f"Use {sorted(_KEYS)}.")
    if expect.get("outcome") not in _OUTCOMES:
        raise ProjectError("outcome is missing or unknown.", element="expect", remedy=f"Use {sorted(_OUTCOMES)}.")
