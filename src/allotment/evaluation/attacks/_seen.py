"""What the copy's record says of one attempt: where it was stopped is read there, never guessed from words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from allotment.audit import AuditLog, AuditRecord
from allotment.evaluation.attacks._types import Layer

LAYERS: tuple[Layer, ...] = get_args(Layer)
"""In the order a question meets them."""
_AT_THE_DOOR = frozenset({"key-refused", "request-refused", "login-refused", "admin-refused", "feedback-refused"})
_BROKEN = frozenset({"failed", "limit-reached"})
"""What is on record of a response of 500 and more."""
_BY_THE_CLIENT = frozenset({"stream-ended"})


class SeenLog(AuditLog):
    """The copy's record, which also keeps in memory what this process wrote into it since it was last asked."""

    def append(self, event: Mapping[str, Any]) -> AuditRecord:
        """See ``AuditLog.append``."""
        record = super().append(event)
        self.__dict__.setdefault("_seen", []).append(record.event)
        self.__dict__.setdefault("_numbers", []).append(record.sequence)
        return record

    @property
    def has_seen(self) -> bool:
        """Whether anything was written since the last ``take``."""
        return bool(self.__dict__.get("_seen"))

    def take_numbers(self) -> list[int]:
        """Of the records this process wrote since the last call. They count up, and so come by many a value."""
        numbers: list[int] = self.__dict__.pop("_numbers", [])
        return numbers

    def take(self) -> list[dict[str, Any]]:
        """The events since the last call, oldest first."""
        seen: list[dict[str, Any]] = self.__dict__.pop("_seen", [])
        return seen


@dataclass(frozen=True)
class Stop:
    """Where one question ended."""

    layer: Layer | None
    """None: it failed, and proves nothing."""
    detail: str
    agent: str = ""
    """The one that was reached, if one was."""
    model_called: bool = False

    @property
    def depth(self) -> int:
        """How far it got."""
        return -1 if self.layer is None else LAYERS.index(self.layer)


def stops_of(
    events: Sequence[Mapping[str, Any]], statuses: Sequence[int] = (), *, cut: bool = False, elsewhere: bool = False
) -> list[Stop]:
    """Every end that the record has, or what the door itself said where nothing is on record.

    Args:
        events: of one attempt, as they were written.
        statuses: of its responses.
        cut: whether the client itself stopped reading; an answer that ended for that has not failed.
        elsewhere: whether an address was asked that answers no questions, so that nothing need be on record.
    """
    found = [stop for event in events if (stop := _stop(event, cut=cut)) is not None]
    found += [Stop("gateway", f"status {status}") for status in statuses if 400 <= status < 500]
    broken = [status for status in statuses if status >= 500]
    if len(broken) > sum(event.get("kind") in _BROKEN for event in events):  # one of them is not on record
        found.append(Stop(None, f"status {broken[-1]}"))
    if not found and any(statuses) and elsewhere:
        return [Stop("gateway", "a response without it")]
    return found


def furthest(stops: Sequence[Stop]) -> Stop:
    """The one that counts: a failure, for then nobody knows how it would have ended; else the one that got furthest."""
    if not stops:
        return Stop(None, "nothing is on record")
    failed = [stop for stop in stops if stop.layer is None]
    return failed[0] if failed else max(stops, key=lambda stop: stop.depth)


def _stop(event: Mapping[str, Any], *, cut: bool) -> Stop | None:
    kind, detail = event.get("kind"), event.get("detail") or {}
    if kind == "decision":
        denied = event.get("outcome") != "allow"
        return Stop("authorize", str(event.get("reason")), str(event.get("agent") or "")) if denied else None
    if kind == "guard-refused":
        return Stop("guard", ", ".join(sorted(detail.get("checks", {}))))
    if kind in ("unknown", "answered"):
        return _answered(kind, detail)
    if kind == "failed":
        return _failed(detail, cut=cut)
    if kind == "limit-reached":
        return Stop(None, f"a limit: {detail.get('limit', '')}")
    return Stop("gateway", str(kind)) if kind in _AT_THE_DOOR and kind not in _BY_THE_CLIENT else None


def _answered(kind: str, detail: Mapping[str, Any]) -> Stop:
    agent, account = str(detail.get("agent") or ""), detail.get("account")
    if not agent:
        return Stop("router", "no agent clearly knows it" if "agents" not in detail else "several may be meant")
    if account:
        return Stop("database", "rows without it" if kind == "answered" else "no statement", agent, True)
    if kind == "unknown":
        return Stop("output", "support", agent, True)
    return Stop("model", "an answer without it", agent, True)


def _failed(detail: Mapping[str, Any], *, cut: bool) -> Stop | None:
    if "checks" in detail:
        return Stop("output", ", ".join(sorted(detail["checks"])), model_called=True)
    if cut and "error_type" not in detail:
        return None
    return Stop(None, f"{detail.get('error_type', '')}: {detail.get('error', '')}".strip(": "))
