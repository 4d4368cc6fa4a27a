"""What each user asked and was answered, kept for this user alone."""

from allotment.gateway.history._routes import history_routes
from allotment.gateway.history._shown import History
from allotment.gateway.history._store import HistoryStore

__all__ = ["History", "HistoryStore", "history_routes"]
