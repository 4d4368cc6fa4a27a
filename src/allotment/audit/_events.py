"""Kinds of events, and which of them may quote a question."""

from __future__ import annotations

from typing import Literal

EventKind = Literal[
    "guard-refused",
    "unknown",
    "answered",
    "failed",
    "logged-in",
    "login-refused",
    "logged-out",
    "session-ended",
    "set-up",
    "password-changed",
    "user-added",
    "user-disabled",
    "user-enabled",
    "role-changed",
    "claims-changed",
    "key-created",
    "key-revoked",
    "key-refused",
    "request-refused",
    "limit-reached",
    "stream-ended",
    "feedback-marked",
    "feedback-refused",
    "feedback-approved",
    "feedback-rejected",
    "reloaded",
    "pruned",
    "admin-viewed",
    "admin-changed",
    "admin-refused",
    "admin-tried",
]
"""What is on record beside decisions. A session is ended by somebody else, or logged out of by its user; a request is
refused before it is known who asks; a stream is ended before its answer is whole; an administrator tried what would be
decided about a question, and nothing was run."""

ABOUT_NO_QUESTION: frozenset[str] = frozenset(
    {
        "logged-in",
        "login-refused",
        "logged-out",
        "session-ended",
        "set-up",
        "password-changed",
        "user-added",
        "user-disabled",
        "user-enabled",
        "role-changed",
        "claims-changed",
        "key-created",
        "key-revoked",
        "key-refused",
        "reloaded",
        "pruned",
        "admin-viewed",
        "admin-changed",
        "admin-refused",
    }
)
"""Kinds written where no question is at hand. Every other kind, an unknown one too, is taken to quote one."""


def quotes_no_question(kind: str) -> bool:
    """Whether an event of this kind is written where no question is at hand."""
    return kind in ABOUT_NO_QUESTION
