"""What a server or engine gave, as an answer or a failure."""

from __future__ import annotations

import json
from datetime import UTC
from email.utils import parsedate_to_datetime

from allotment.models._engine import Completion
from allotment.models._openai import server_key
from allotment.models.client._ask import Answer, FailureReason
from allotment.models.client._read_json import read_json

_EXCERPT = 300
"""Characters of a server's words that a failure tells."""


def to_answer(completion: Completion, *, with_schema: bool, seconds: float, attempts: int) -> Answer:
    """The answer to an ask; where it asked for JSON, the text is nothing but the JSON that was found."""
    text, repaired = completion.text, False
    if with_schema:
        text, repaired = _only_json(completion.text)
    counts = completion.prompt_tokens, completion.completion_tokens
    return Answer(text, *counts, completion.finish, seconds, attempts, repaired)


def _only_json(text: str) -> tuple[str, bool]:
    value, repaired = read_json(text)
    if value is None:
        return text, False
    try:
        written = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # nested more deeply than anything that was asked for
        return text, False
    return written.encode("utf-8", "replace").decode("utf-8"), repaired


def excerpt(body: bytes | str) -> str:
    """The beginning of what a server said, on one line and without our key."""
    text = body[: 4 * _EXCERPT].decode("utf-8", "replace") if isinstance(body, bytes) else body
    key = server_key()
    line = " ".join((text.replace(key, "***") if key else text).split())
    return line[:_EXCERPT]


def reason_of(status: int) -> FailureReason:
    """The kind of failure an HTTP status stands for."""
    if status == 429:
        return "rate-limited"
    if status == 408:
        return "timeout"
    return "server-error" if status >= 500 else "refused"


def retry_after_s(value: str | None, now_s: float) -> float | None:
    """Seconds a ``Retry-After`` header asks to wait; none if it says nothing that can be understood.

    Args:
        value: seconds, or a date as in HTTP.
        now_s: seconds since 1970.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now_s
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None  # "nan" is no number of seconds either
