"""The gateway."""

from __future__ import annotations

from allotment.project._base import Strict
from allotment.project._history import HistoryConfig


class GatewayConfig(Strict):
    """How the pages and the API are served."""

    history: HistoryConfig | None = None
    """What is kept of each user's conversations; without it nothing is."""
