"""A conversation as a Markdown file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from allotment.gateway.wording import Catalogue, say

_ASKED = say("Asked on %(day)s")
_FROM = say("From %(agent)s, decision %(record)s")
_SOURCE = say("Source: %(place)s")


def as_markdown(messages: Sequence[Mapping[str, Any]], words: Catalogue) -> str:
    """Questions as quotations, each with its answer, who gave it, and its sources."""
    return "\n\n---\n\n".join(_one(message, words) for message in messages) + "\n"


def _one(message: Mapping[str, Any], words: Catalogue) -> str:
    asked = words.say(_ASKED.filled(day=message["asked_at"][:16].replace("T", " ")))
    parts = [_quoted(message["question"]), f"*{asked}*", message["answer"]]
    if message.get("agent"):
        record = message.get("record") or "–"
        parts.append(f"*{words.say(_FROM.filled(agent=message['agent'], record=record))}*")
    for source in message.get("sources", ()):
        place = " › ".join(filter(None, (source["document"], source["heading"])))
        parts.append(f"{_quoted(source['quote'])}\n\n*{words.say(_SOURCE.filled(place=place))}*")
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
