"""What a check says, what it is told, and the protocol every check keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from allotment.access import Principal
from allotment.guards._normalise import Prepared

EVIDENCE_LENGTH = 160
"""Longest evidence in characters; the rest of a match is cut."""


@dataclass(frozen=True)
class Finding:
    """What one check found: for the audit record, never for the user."""

    check: str
    outcome: Literal["allow", "refuse"]
    score: float
    """Certainty of an attack, 0 to 1; rules give 0 or 1."""
    evidence: str
    """The part of the scanned text that made the check refuse, or why it could not be carried out."""


@dataclass(frozen=True)
class Context:
    """What a check may know besides the text."""

    principal: Principal
    """Of the session: who asks."""
    roles: Mapping[str, str]
    """The project's roles, name → purpose."""
    agent: str | None = None
    """The agent that will answer; none before one was chosen."""
    earlier: tuple[str, ...] = ()
    """Earlier texts of the conversation, oldest first."""


@dataclass(frozen=True)
class AnswerContext:
    """What a check of an answer may know besides its text."""

    foreign_terms: Collection[str] = ()
    """Values the user's role may not read, as ``foreign_terms()`` gives them."""
    canaries: Collection[str] = ()
    """Strings planted in documents the role may not read."""
    hosts: Collection[str] = ()
    """Hosts an answer may name: those in documents the role may read."""


class Check(Protocol):
    """One check of a question. It raises when it cannot decide; the chain then refuses."""

    def __call__(self, text: Prepared, context: Context, /) -> Finding: ...


class AnswerCheck(Protocol):
    """One check of an answer, likewise; it is given the text as it would be shown."""

    def __call__(self, text: str, context: AnswerContext, /) -> Finding: ...


def allow(check: str, score: float = 0.0) -> Finding:
    """Nothing found, or too little."""
    return Finding(check, "allow", score, "")


def refuse(check: str, evidence: str, score: float = 1.0) -> Finding:
    """Something found: ``evidence`` names it."""
    return Finding(check, "refuse", score, evidence[:EVIDENCE_LENGTH])


def refused(findings: list[Finding]) -> bool:
    """Whether any check refused. No findings at all means nothing was checked, which is refused as well."""
    return not findings or any(finding.outcome != "allow" for finding in findings)


def failed(check: str, error: Exception) -> Finding:
    """A check that could not be carried out: it has refused."""
    return refuse(check, f"the check could not be carried out: {type(error).__name__}: {error}")
