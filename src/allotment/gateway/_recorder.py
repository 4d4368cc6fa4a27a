"""What the gateway needs of the audit record; ``allotment.audit`` provides it, tests a stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from allotment.access import Principal
from allotment.audit import EventKind


class Recorder(Protocol):
    """Writes an event to the audit record; raises ``AccessDenied`` where it cannot."""

    def __call__(self, principal: Principal, kind: EventKind, detail: Mapping[str, Any]) -> int:
        """Returns the record's number."""
        ...
