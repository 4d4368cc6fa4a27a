"""Ends running streams whose user lost the role, the session or the key they began with."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Collection

from allotment.access import Principal
from allotment.errors import AllotmentError
from allotment.gateway.identity._live import Credential
from allotment.gateway.web._security import LOG

LOOK_EVERY_S = 1.0
CONFIRM_WITHIN_S = 10.0
"""A credential nobody could confirm for so long is not good any more: what cannot be looked up is not assumed."""

LiveOf = Callable[[Collection[Credential]], dict[Credential, Principal]]


class Still:
    """Whether a stream may go on; call it as often as you like, it asks nobody.

    It is watched for as long as somebody holds it.
    """

    def __init__(self, credential: Credential, principal: Principal) -> None:
        self.credential = credential
        self.principal = principal
        self._ended = False
        self._confirmed_at = time.monotonic()

    def __call__(self) -> bool:
        """Whether the credential was good a moment ago, with the role, claims and agents the stream began with."""
        return not self._ended and time.monotonic() - self._confirmed_at < CONFIRM_WITHIN_S

    def settle(self, now: Principal | None, looked_at: float) -> None:
        """What a look-up that began at ``looked_at`` found; once over, it stays over."""
        self._ended = self._ended or now != self.principal
        self._confirmed_at = max(self._confirmed_at, looked_at)


class Watch:
    """One look-up every second for all running streams of the process, in one statement; none while none run."""

    def __init__(self, live: LiveOf) -> None:
        self._live = live
        self._running: weakref.WeakSet[Still] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def still(self, credential: Credential, principal: Principal) -> Still:
        """Watch a credential that was good just now."""
        made = Still(credential, principal)
        with self._lock:
            self._running.add(made)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-credentials", daemon=True)
                self._thread.start()
        return made

    def look(self) -> None:
        """Look at all of them once."""
        with self._lock:
            running = list(self._running)
        began = time.monotonic()
        try:
            live = self._live({each.credential for each in running})
        except AllotmentError as error:
            LOG.warning("running streams could not be confirmed: %s", error)
            return
        for each in running:
            each.settle(live.get(each.credential), began)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            with self._lock:
                if not self._running:
                    self._thread = None
                    return
            try:
                self.look()
            except Exception:  # what is not confirmed ends by itself; the next look may succeed
                LOG.exception("running streams could not be confirmed")
