"""What a check says, what it is told, and the protocol every check keeps."""

from __future__ import annotations

from collections.abc import Mapping
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
    """What a check may know besides the text: the session's principal and the project's roles (name → purpose)."""

    principal: Principal
    roles: Mapping[str, str]


class Check(Protocol):
    """One check of a question. It raises when it cannot decide; the chain then refuses."""

    def __call__(self, text: Prepared, context: Context, /) -> Finding: ...


def allow(check: str, score: float = 0.0) -> Finding:
    """Nothing found, or too little."""
    return Finding(check, "allow", score, "")


def refuse(check: str, evidence: str, score: float = 1.0) -> Finding:
    """Something found: ``evidence`` names it."""
    return Finding(check, "refuse", score, evidence[:EVIDENCE_LENGTH])


def refused(findings: list[Finding]) -> bool:
    """Whether any check refused. No findings at all means nothing was checked, which is refused as well."""
    return not findings or any(finding.outcome != "allow" for finding in findings)
