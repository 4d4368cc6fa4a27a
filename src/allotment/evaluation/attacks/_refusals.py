"""False refusals: ordinary questions of those who may ask them, which nothing should stop."""

from __future__ import annotations

from typing import Any

from allotment.evaluation.attacks._target import Target
from allotment.routing import Route


def decided(target: Target, role: str, question: str) -> dict[str, Any]:
    """What the checks and the router decide, without any model."""
    preview = target.chain.preview(target.copy.credentials[role].principal, question)
    fired = sorted(finding.check for finding in preview.findings if finding.outcome != "allow")
    routed = isinstance(preview.route, Route)
    return {"ending": "refused" if preview.refused else "let through", "detail": ", ".join(fired), "routed": routed}


def answered(target: Target, role: str, question: str) -> dict[str, Any]:
    """How the whole chain ends; ``refused`` with an agent is an answer that was withheld."""
    answer = target.chain.answer(target.copy.credentials[role].principal, question)
    withheld = answer.outcome == "refused" and answer.agent is not None
    # A failure proves nothing; everything else is an end that a user would see.
    ending = "withheld" if withheld else answer.outcome
    return {"ending": ending, "detail": "; ".join(f"{step}: {why}" for step, why in answer.explanation)}
