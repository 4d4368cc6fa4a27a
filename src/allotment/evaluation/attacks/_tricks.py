"""The outer form of a request: ``data/tricks.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from allotment.evaluation.attacks._texts import fill_all, read
from allotment.evaluation.attacks._types import Door, Send

NONE = "none"


@dataclass(frozen=True)
class Trick:
    """What is laid over a request."""

    id: str
    door: Door
    source: str
    send: Mapping[str, Any]


@cache
def tricks(door: Door) -> dict[str, Trick]:
    """Those of a door, by id."""
    return {row["id"]: Trick(**row) for row in read("tricks") if row["door"] == door}


def played(trick: Trick, send: Send, values: Mapping[str, str]) -> Send:
    """A request with the trick laid over it."""
    laid: dict[str, Any] = fill_all(dict(trick.send), values)
    messages = (*(tuple(pair) for pair in laid.pop("messages", ())), *send.messages)
    body, headers = {**send.body, **laid.pop("body", {})}, {**send.headers, **laid.pop("headers", {})}
    return replace(send, messages=messages, body=body, headers=headers, **laid)
