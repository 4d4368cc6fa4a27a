"""What is asked of a project in force each time somebody looks at ``/metrics``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.cli._serving import Reloader
    from allotment.gateway import Operations


def watch_gauges(operations: Operations, reloader: Reloader) -> None:
    """Show the state of what is in force at the moment of each look."""

    def pool(name: str) -> float:
        return reloader.opened.serving.limiter.store.connections()[name]

    def last_record() -> tuple[int, float]:
        newest = reloader.opened.chain.state.audit.records(1)
        return (newest[0].sequence, time.time() - newest[0].at.timestamp()) if newest else (0, 0.0)

    operations.metrics.watch(
        {
            "requests_running": ("Requests that are not finished.", lambda: len(operations.running)),
            "answers_running": (
                "Answers in the making.",
                lambda: reloader.opened.serving.limiter.places.taken,
            ),
            "answers_waiting": (
                "Requests that wait for a place.",
                lambda: reloader.opened.serving.limiter.places.waiting,
            ),
            "answers_unsettled": (
                "Answers that are charged when the database is there again.",
                lambda: reloader.opened.serving.limiter.unsettled,
            ),
            "sessions": (
                "Sessions that were begun and not ended.",
                lambda: reloader.opened.serving.limiter.store.sessions(),
            ),
            "audit_records": ("Records of the audit record.", lambda: last_record()[0]),
            "audit_age_seconds": ("Seconds since the newest audit record.", lambda: last_record()[1]),
            "database_connections_open": ("Connections to the state of limits.", lambda: pool("open")),
            "database_connections_free": ("Of them, those that nobody uses.", lambda: pool("free")),
            "database_connections_waiting": ("Requests that wait for one.", lambda: pool("waiting")),
            "self_check_age_seconds": (
                "Seconds since the last self-check of the databases came to its end.",
                lambda: reloader.opened.chain.accounts.watch.age_s,
            ),
            "accounts_closed": (
                "Accounts that are not used, for they are not as declared.",
                lambda: len(reloader.opened.chain.accounts.watch.problems()),
            ),
            "engine_requests": (
                "Requests the embedded models work on.",
                lambda: reloader.opened.chain.engines.busy,
            ),
        }
    )
