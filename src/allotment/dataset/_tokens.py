"""Tokens of a request before it is sent, by its length."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.dataset._requests import Request
from allotment.models import Message

CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_PHRASING = 18
"""Mean over questions in English and Czech, quotes and comma included."""
_TOKENS_PER_ANSWER = 26
_TOKENS_PER_FREE_FACT = 45
"""Value, answer and their keys."""
_REWRITTEN = {"summary": 0.5, "explanation": 1.0, "dialogue": 1.6}
"""Length of a rewrite as a share of its section's."""


def prompt_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a conversation at four characters each."""
    return sum(len(message.content) for message in messages) // CHARACTERS_PER_TOKEN


def completion_tokens(request: Request) -> int:
    """Tokens of a request's answer."""
    if request.form is not None:
        return round(_REWRITTEN[request.form] * len(request.section.with_header) / CHARACTERS_PER_TOKEN) + 8
    free = 0 if request.given else _TOKENS_PER_FREE_FACT
    each = request.phrasings * _TOKENS_PER_PHRASING + request.answers * _TOKENS_PER_ANSWER + free
    return request.asked * each
