"""The gateway: people log in and ask on a page, programs ask through an OpenAI-compatible API.

Who asks is known from the session or the key alone; nothing in a request's body or headers says it.
"""

from allotment.gateway._app import Operations, create_app
from allotment.gateway._chain import Chain
from allotment.gateway._recorder import Recorder
from allotment.gateway.administration import AdminParts
from allotment.gateway.feedback import Approval, Feedback, FeedbackReview, MarkStore, Reviewed
from allotment.gateway.history import History, HistoryStore
from allotment.gateway.identity._accounts import UserRecord
from allotment.gateway.identity._keys import KeyRecord
from allotment.gateway.identity._passwords import MIN_PASSWORD_LENGTH
from allotment.gateway.identity._sessions import SessionRecord
from allotment.gateway.identity._users import UserStore
from allotment.gateway.limits._limiter import Limiter
from allotment.gateway.limits._open import open_limiter
from allotment.gateway.operations._logs import set_up_logs
from allotment.gateway.operations._reload import Gate, GatedChain, Serving, Switch, allows
from allotment.gateway.operations._server import GatewayServer, hosts_of, is_loopback
from allotment.gateway.operations._tracing import open_tracing
from allotment.gateway.storage._schema import schema_problems
from allotment.gateway.web._server import SERVER_OPTIONS, strict_protocol

__all__ = [
    "MIN_PASSWORD_LENGTH",
    "SERVER_OPTIONS",
    "AdminParts",
    "Approval",
    "Chain",
    "Feedback",
    "FeedbackReview",
    "Gate",
    "GatedChain",
    "GatewayServer",
    "History",
    "HistoryStore",
    "KeyRecord",
    "Limiter",
    "MarkStore",
    "Operations",
    "Recorder",
    "Reviewed",
    "Serving",
    "SessionRecord",
    "Switch",
    "UserRecord",
    "UserStore",
    "allows",
    "create_app",
    "hosts_of",
    "is_loopback",
    "open_limiter",
    "open_tracing",
    "schema_problems",
    "set_up_logs",
    "strict_protocol",
]
