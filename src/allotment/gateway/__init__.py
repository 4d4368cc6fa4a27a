"""The gateway: people log in and ask on a page, programs ask through an OpenAI-compatible API.

Who asks is known from the session or the key alone; nothing in a request's body or headers says it.
"""

from allotment.gateway._app import create_app
from allotment.gateway._chain import Chain
from allotment.gateway.history import History, HistoryStore
from allotment.gateway.identity._passwords import MIN_PASSWORD_LENGTH
from allotment.gateway.identity._users import KeyRecord, UserRecord, UserStore
from allotment.gateway.pages._routes import Recorder

__all__ = [
    "MIN_PASSWORD_LENGTH",
    "Chain",
    "History",
    "HistoryStore",
    "KeyRecord",
    "Recorder",
    "UserRecord",
    "UserStore",
    "create_app",
]
