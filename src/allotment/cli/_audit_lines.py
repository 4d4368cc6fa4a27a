"""A record as a line of a table, for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allotment.audit import AuditRecord

COLUMNS = ("record", "at (UTC)", "user", "role", "event", "agent", "outcome", "about")
_WIDTH = 110
_SHOWN_ELSEWHERE = {"agent", "outcome", "question"}


def line_of(record: AuditRecord) -> tuple[object, ...]:
    """The cells of one record, in the order of ``COLUMNS``."""
    event = record.event
    found = event.get("detail")
    detail: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    agent = event.get("agent") or detail.get("agent")
    outcome = event.get("outcome") or detail.get("outcome")
    return (
        record.sequence,
        f"{record.at:%Y-%m-%d %H:%M:%S}",
        event.get("user"),
        event.get("role"),
        event.get("kind"),
        agent,
        outcome,
        _about(event, detail),
    )


def _about(event: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    parts = [str(event["reason"])] if event.get("outcome") == "deny" else []
    question = event.get("question") or detail.get("question")
    if question:
        parts.append(str(question))
    parts += [
        f"{name.replace('_', ' ')}: {_said(value)}"
        for name, value in detail.items()
        if name not in _SHOWN_ELSEWHERE and value not in (None, "", [], {})
    ]
    text = " · ".join(" ".join(part.split()) for part in parts)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {item!r}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)
