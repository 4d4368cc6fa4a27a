"""The gateway: which hosts it answers for, how much of it one may take, how long anything may last, what it logs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from allotment.project._base import Name, Strict
from allotment.project._feedback import FeedbackConfig
from allotment.project._history import HistoryConfig

Scope = Literal["user", "role", "agent"]


class Limit(Strict):
    """How much one user, role or agent may take. What is left out is the default's, never unlimited."""

    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    """Most requests in any 60 seconds."""
    tokens_per_day: int | None = Field(default=None, ge=1)
    """Most tokens, read and written together, of a day (UTC)."""
    concurrent: int | None = Field(default=None, ge=1, le=100_000)
    """Most requests at once, waiting ones included."""
    usd_per_month: float | None = Field(default=None, ge=0)
    """Most money of a calendar month (UTC): tokens times their price, and hours of the embedded models."""

    def over(self, default: Limit) -> Limit:
        """This limit, with what it leaves out taken from ``default``."""
        return default.model_copy(update=self.model_dump(exclude_none=True))


USER_LIMIT = Limit(requests_per_minute=30, tokens_per_day=500_000, concurrent=4, usd_per_month=50)
SHARED_LIMIT = Limit(requests_per_minute=600, tokens_per_day=10_000_000, concurrent=64, usd_per_month=1000)


class LimitsConfig(Strict):
    """How much of the gateway one may take. All processes over one database count together."""

    user: Limit = USER_LIMIT
    """Of every user; each counts alone. Defaults: 30 requests a minute, 500,000 tokens a day, 4 at once, 50 USD a
    month."""
    role: Limit = SHARED_LIMIT
    """Of every role; all its users count together. Defaults: 600 requests a minute, 10,000,000 tokens a day, 64 at
    once, 1,000 USD a month."""
    agent: Limit = SHARED_LIMIT
    """Of every agent; all who ask it count together. Defaults as for a role."""
    users: dict[str, Limit] = Field(default_factory=dict)
    """User → another limit for this one."""
    roles: dict[Name, Limit] = Field(default_factory=dict)
    """Role → another limit for this one."""
    agents: dict[Name, Limit] = Field(default_factory=dict)
    """Agent → another limit for this one."""
    tokens_reserved: int = Field(default=2000, ge=1, le=1_000_000)
    """Tokens taken for an answer until its real number is known; set it to what a long answer needs."""
    embedded_usd_per_hour: float = Field(default=0.0, ge=0)
    """What an hour of an embedded model's work counts as; 0 counts as nothing."""
    answers: int = Field(default=16, ge=1, le=4096)
    """Most answers in the making at once, in each process."""
    queue: int = Field(default=64, ge=0, le=65_536)
    """Most requests that wait for one of those places, in each process."""
    wait_s: float = Field(default=20.0, gt=0, le=600)
    """Seconds a request waits for its place before it is refused."""

    @model_validator(mode="after")
    def _one_answer_fits(self) -> Self:
        named: list[tuple[Scope, str]] = [("user", name) for name in ("", *self.users)]
        named += [("role", name) for name in ("", *self.roles)] + [("agent", name) for name in ("", *self.agents)]
        for scope, name in named:
            if (self.of(scope, name).tokens_per_day or 0) < self.tokens_reserved:
                raise ValueError(
                    f"tokens_per_day of {scope} {name or '(every)'} is less than tokens_reserved"
                    f" ({self.tokens_reserved}), so nothing would ever be answered"
                )
        return self

    def of(self, scope: Scope, name: str) -> Limit:
        """The limit of one user, role or agent, with nothing left out."""
        own: dict[str, Limit] = {"user": self.users, "role": self.roles, "agent": self.agents}[scope]
        default: Limit = {"user": self.user, "role": self.role, "agent": self.agent}[scope]
        last = USER_LIMIT if scope == "user" else SHARED_LIMIT
        return own.get(name, Limit()).over(default).over(last)


class TimeoutsConfig(Strict):
    """How long anything may last, in seconds. What is over time is ended, on record, with a message that says so."""

    answer_s: float = Field(default=300.0, gt=0, le=86_400)
    """A whole answer, from the request to its last byte: the queue, the model, the database, and a client that reads
    slowly."""
    request_s: float = Field(default=30.0, gt=0, le=3600)
    """Reading a request's body."""
    database_s: float = Field(default=10.0, gt=0, le=600)
    """A statement on the application's own database, and waiting for a connection to it."""
    idle_s: int = Field(default=65, ge=1, le=3600)
    """A connection without a request."""
    shutdown_s: float = Field(default=30.0, ge=0, le=3600)
    """Answers that run when the gateway is told to stop; those that are longer end with an error."""


class LogConfig(Strict):
    """What the gateway writes to stderr."""

    format: Literal["json", "text"] = "json"
    """One JSON object a line, or text for a person who watches."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is left out: with ``warning`` there is no line for every request."""
    details: bool = False
    """Whether the words of unexpected errors are written. They may hold what a user typed; without them the kind of
    error and its place in the program are."""


class GatewayConfig(Strict):
    """How ``allotment serve`` works."""

    hosts: tuple[str, ...] = ()
    """Host names requests may be for (``*.example.org`` works). Without any, those of this machine alone, and then it
    listens on a loopback address only."""
    tls: bool = False
    """Whether TLS ends in front of the gateway; cookies are then for HTTPS alone."""
    forwarded_allow_ips: tuple[str, ...] = ()
    """Addresses of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed; nobody's without any."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that answer; each opens its own models."""
    limits: LimitsConfig = LimitsConfig()
    """How much of it one may take."""
    timeouts: TimeoutsConfig = TimeoutsConfig()
    """How long anything may last."""
    log: LogConfig = LogConfig()
    """What it writes to stderr."""
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """Port of ``/metrics`` for Prometheus on the loopback address, one more for each worker; none without it."""
    history: HistoryConfig | None = None
    """What is kept of each user's conversations; without it nothing is."""
    feedback: FeedbackConfig = FeedbackConfig()
    """What users may say of their answers, and how long it is kept."""
    otlp: str | None = None
    """Address of an OpenTelemetry collector (``http://127.0.0.1:4318``) that gets a span for every answer and step;
    needs ``allotment[otel]``."""

    @model_validator(mode="after")
    def _wildcards_lead(self) -> Self:
        for host in self.hosts:
            if "*" in host and not (host.startswith("*.") and "*" not in host[1:] and len(host) > 2):
                raise ValueError(f"{host!r} is no host name: give names, or *.example.org for all below one")
        return self


class StateConfig(Strict):
    """Where the gateway keeps users, sessions, limits and the audit record."""

    url: str
    """URL of a database of your own server, as a login that may make roles; or ``env:NAME`` to read it from the
    environment. Gateways that share it share all of that."""
