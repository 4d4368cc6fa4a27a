"""The gateway: people log in and ask on a page, programs ask through an OpenAI-compatible API.

Who asks is known from the session or the key alone; nothing in a request's body or headers says it.
"""

from allotment.gateway._app import create_app
from allotment.gateway._chain import Chain
from allotment.gateway._recorder import Recorder
from allotment.gateway.identity._accounts import UserRecord
from allotment.gateway.identity._keys import KeyRecord
from allotment.gateway.identity._passwords import MIN_PASSWORD_LENGTH
from allotment.gateway.identity._sessions import SessionRecord
from allotment.gateway.identity._users import UserStore

__all__ = [
    "MIN_PASSWORD_LENGTH",
    "Chain",
    "KeyRecord",
    "Recorder",
    "SessionRecord",
    "UserRecord",
    "UserStore",
    "create_app",
]
