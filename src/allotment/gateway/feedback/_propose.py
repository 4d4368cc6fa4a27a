"""What a mark would teach, if a person approves it as it is."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.feedback import Label, Means, Use
from allotment.gateway.feedback._asked import Asked
from allotment.gateway.feedback._store import Mark


@dataclass(frozen=True)
class Proposal:
    """Who would learn what from a mark."""

    use: Use | None
    """None: nobody learns from it."""
    why: str
    """In words, for whoever reviews."""
    agent: str | None = None
    means: Means | None = None
    label: Label | None = None


def propose(mark: Mark, asked: Asked) -> Proposal:
    """Who would learn from a mark, by what the user says and what the record says became of his question."""
    match mark.verdict, asked.became:
        case _, "denied":
            return Proposal(None, "access is decided by allotment.yaml, and learnt by nobody")
        case "wrongly_refused", "guard-refused":
            fired = ", ".join(sorted(asked.checks)) or "a check"
            return Proposal("guards", f"{fired} refused a question that is harmless", label="allow")
        case "wrong_agent", _:
            return Proposal("routing", "another agent should have answered", agent=mark.agent, means=None)
        case "wrongly_refused", "no-agent":
            return Proposal("routing", "no agent was asked, and one knows it; name it", agent=mark.agent)
        case (("wrong_answer" | "wrongly_refused"), "answered"):
            return Proposal("dataset", "the agent did not answer it, or answered it wrongly", agent=asked.agent)
        case "useful", "answered":
            return Proposal("routing", "the right agent was asked", agent=asked.agent, means=asked.means)
        case _:
            return Proposal(None, "nothing can be learnt from it as it is")
