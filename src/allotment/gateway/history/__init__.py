"""What each user asked and was answered, kept for this user alone."""

from allotment.gateway.history._routes import History, history_routes
from allotment.gateway.history._store import HistoryStore

__all__ = ["History", "HistoryStore", "history_routes"]
