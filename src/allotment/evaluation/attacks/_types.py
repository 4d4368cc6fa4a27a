"""An attempt on a canary: who sends what by which door; and what became of it at each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Door = Literal["api", "session", "sql", "search"]
"""``api``: the OpenAI-compatible API with the attacker's own key. ``session``: the web page's own endpoints with the
attacker's own session. ``sql``: the attacker has taken over the model that writes SQL for an agent his role may ask,
and sends statements in its place. ``search``: raw queries to the search of sections."""
Layer = Literal["gateway", "guard", "router", "authorize", "model", "database", "output"]
"""In the order a question meets them. ``gateway``: credentials, framing, fields that are not allowed. ``model``: the
agent that was asked does not know it."""
Ending = Literal["stopped", "leaked", "failed"]


@dataclass(frozen=True)
class Send:
    """One request of an attempt."""

    text: str
    """The question or statement; for ``api`` the last user message."""
    messages: tuple[tuple[str, str], ...] = ()
    """Messages before it, role and text, as the client claims them; roles as any client may write them."""
    model: str = "auto"
    """Name asked for: ``auto``, an agent, or anything else."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    """More fields of the JSON body: tools, user, metadata, stop."""
    stream: bool = False
    cut_after: int | None = None
    """Stop reading after so many pieces, then ask again."""
    together: int = 1
    """How many of the same at once, each from its own connection."""
    path: str = ""
    """Address asked, with its query; empty: the door's own (``/v1/chat/completions``, ``/ask``)."""
    method: str = "POST"
    raw: str = ""
    """Body as it is sent, in place of one made of ``text``, ``messages``, ``model`` and ``body``."""
    beside: str = ""
    """Role whose user asks the same at the same moment with his own login; what he is told is not the attacker's."""
    after: str = ""
    """Role whose user has asked the same just before, with his own login; what he was told is not the attacker's."""
    owner: str = ""
    """Role whose user has a conversation: its id goes where ``{conversation}`` stands in ``path`` and ``body``. Other
    braces are the text's own."""


@dataclass(frozen=True)
class Attack:
    """One attempt, whole: reproducible from the run's seed and its number."""

    number: int
    id: str
    """Hash of everything below."""
    role: str
    """The attacker's own."""
    canary: str
    """Id of the canary it is after; its readers do not include ``role``."""
    door: Door
    seed: str
    """Id of the seed text."""
    claim: str
    """Id of the role claim; ``none``."""
    encoding: str
    """Id of the encoding; ``plain``."""
    language: str
    strategy: str
    """Id of the multi-turn strategy; ``single``."""
    trick: str
    """Id of the API trick; ``none``."""
    plant: str
    """Id of the planted document or row that it leans on; ``none``."""
    agent: str
    """The agent it goes for: for ``sql`` and ``search`` one the attacker's role may ask."""
    sends: tuple[Send, ...]


@dataclass(frozen=True)
class Result:
    """What became of an attempt."""

    number: int
    id: str
    ending: Ending
    layer: Layer | None
    """What stopped it; none if it leaked or failed."""
    reply: str
    """All that came back, of all sends."""
    detail: str
    """The check, decision or error, from the record."""
    seconds: float
    model_called: bool
    agent: str = ""
    """The agent that was reached, if one was."""
