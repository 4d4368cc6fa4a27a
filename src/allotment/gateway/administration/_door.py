"""The door of the administration: every view and act is decided and on record before anything is shown or done.

What it gives is an ``AdminGrant``; no service of the administration does anything without one that names its part.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from allotment.access import AdminPolicy, Principal, Verb
from allotment.errors import NotGranted, PolicyError
from allotment.gateway._recorder import Recorder
from allotment.gateway.identity._refusals import Refusals
from allotment.project import Part

AGAIN_S = 60.0
"""Seconds for which the same look of the same person, made again by his page, is on record once."""
_MOST_LOOKS = 10_000


class _Seal:
    """The mark of a grant made by the door; one object, never given away."""


_SEAL: Final = _Seal()


@final
@dataclass(frozen=True, kw_only=True)
class AdminGrant:
    """An allowed, recorded view or act of an administrator. Only the door makes one: the constructor wants its seal."""

    principal: Principal
    part: Part
    verb: Verb
    record: int
    """Number of the audit record that says so."""
    seal: object

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise NotGranted("an administrator's grant can only come from the door.", element=self.part)

    def __reduce__(self) -> str:
        raise TypeError("a grant does not leave its process")


def require_admin(grant: object, part: Part, verb: Verb = "see") -> AdminGrant:
    """Return ``grant`` if it is one for this part; one for changing is good for seeing.

    Raises:
        NotGranted: it is no grant, or it is for something else.
    """
    if type(grant) is not AdminGrant:
        raise NotGranted("this needs an administrator's grant.", element=part)
    if grant.part != part or verb not in (grant.verb, "see"):
        raise NotGranted(f"the grant is for {grant.part}, to {grant.verb}.", element=part)
    return grant


class AdminRefused(PolicyError):
    """The role may not see or change this part."""


class Door:
    """Decides and records. A refusal is on record too, so many a minute and no more. Thread-safe."""

    def __init__(
        self, policy: AdminPolicy, record: Recorder, refusals: Refusals, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.policy = policy
        self._record = record
        self._refusals = refusals
        self._clock = clock
        self._looks: dict[tuple[str, str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def see(
        self, principal: Principal, part: Part, detail: Mapping[str, Any], address: str | None = None
    ) -> AdminGrant:
        """Let somebody look at a part.

        Args:
            principal: who looks, from his session.
            part: of the administration.
            detail: what exactly, in names of ours.
            address: where the request came from.

        Raises:
            AdminRefused: his role may not; it is on record.
            AccessDenied: it could not be written down.
        """
        self._require(principal, part, "see", address)
        number = self._record(principal, "admin-viewed", {"part": part, **detail})
        return AdminGrant(principal=principal, part=part, verb="see", record=number, seal=_SEAL)

    def see_again(
        self, principal: Principal, part: Part, detail: Mapping[str, Any], address: str | None = None
    ) -> AdminGrant:
        """As ``see``, for a look that a page repeats by itself: decided each time, on record once in ``AGAIN_S``."""
        self._require(principal, part, "see", address)
        look = (principal.user, part, repr(sorted(detail.items())))
        with self._lock:
            at, number = self._looks.get(look, (float("-inf"), 0))
        if self._clock() - at < AGAIN_S:
            return AdminGrant(principal=principal, part=part, verb="see", record=number, seal=_SEAL)
        grant = self.see(principal, part, detail, address)
        with self._lock:
            if len(self._looks) >= _MOST_LOOKS:
                self._looks.clear()
            self._looks[look] = (self._clock(), grant.record)
        return grant

    def change(
        self, principal: Principal, part: Part, detail: Mapping[str, Any], address: str | None = None
    ) -> AdminGrant:
        """Let somebody change something; ``detail`` says what, and to what. Errors as ``see``."""
        self._require(principal, part, "change", address)
        number = self._record(principal, "admin-changed", {"part": part, **detail})
        return AdminGrant(principal=principal, part=part, verb="change", record=number, seal=_SEAL)

    def tried(self, grant: AdminGrant, role: str, question: str) -> None:
        """Put on record that somebody looked at what would be decided about a question; it is kept as questions are.

        Raises:
            AccessDenied: it could not be written down.
        """
        self._record(grant.principal, "admin-tried", {"part": grant.part, "as_role": role, "question": question})

    def record_change(self, grant: AdminGrant, principal: Principal, kind: Any, detail: Mapping[str, Any]) -> None:
        """Put on record what is changed of somebody, under his name, with who changes it.

        Raises:
            AccessDenied: it could not be written down; it must not happen.
        """
        by = f"{grant.principal.user} (administration)"
        self._record(principal, kind, {**detail, "by": by, "act": grant.record})

    def _require(self, principal: Principal, part: Part, verb: Verb, address: str | None) -> None:
        if not self.policy.may(principal, part, verb):
            self._refusals.note(principal, "admin-refused", {"part": part, "verb": verb}, address)
            raise AdminRefused(f"the role {principal.role!r} may not {verb} this part.", element=part)
