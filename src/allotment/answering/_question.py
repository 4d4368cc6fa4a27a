"""The guard in front: over the question, and over everything else a program sends around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allotment.access import Principal
from allotment.guards import MAX_CHARACTERS, Guards, Part, refused

_TURNS = 8
_TOGETHER = 2_000
"""Last turns, and last characters of them, that are read as one text."""
_OVERLAP = 500
"""Characters two windows of a long text share, so that no cut hides a sentence."""


def check_conversation(
    guards: Guards, question: str, context: Sequence[str], principal: Principal, agent: str | None = None
) -> dict[str, str]:
    """Checks that refuse, with what they found; empty where nothing speaks against answering.

    Args:
        guards: the project's checks.
        question: the user's words.
        context: earlier turns and texts that a program calls instructions: all of it is the user's words as well.
        principal: who asks.
        agent: the one that will answer: only what it checks besides is carried out, the project's checks having been.
    """
    besides = agent is not None
    for part, text in _texts(question, context):
        if part != "question" and not guards.reads(part, agent, besides=besides):
            continue
        findings = guards.check(text, principal, agent, part=part, earlier=context, besides=besides)
        if refused(findings):
            return {finding.check: finding.evidence for finding in findings if finding.outcome == "refuse"}
    return {}


def _texts(question: str, context: Sequence[str]) -> Iterator[tuple[Part, str]]:
    yield "question", question
    yield from (("context", text) for text in _windows(context))
    yield from (("conversation", text) for text in _together(question, context))


def _together(question: str, context: Sequence[str]) -> Iterator[str]:
    """The end of the conversation as one text: what is split over turns is read in one piece."""
    if context:
        yield "\n".join([*context[-_TURNS:], question])[-_TOGETHER:]


def _windows(context: Sequence[str]) -> Iterator[str]:
    """Texts that say something, once each, the long ones in overlapping pieces."""
    for text in dict.fromkeys(context):
        for start in range(0, max(len(text) - _OVERLAP, 1), MAX_CHARACTERS - _OVERLAP):
            window = text[start : start + MAX_CHARACTERS]
            if window.strip():
                yield window
