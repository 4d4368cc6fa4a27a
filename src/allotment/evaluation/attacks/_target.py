"""The copy, open for attempts in one process: the real application on a real server on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

import uvicorn
from fastapi import FastAPI

from allotment.access import Policy
from allotment.answering import Chain, may_read_again
from allotment.audit import record_event
from allotment.databases import Databases
from allotment.evaluation.attacks._copy import Copy
from allotment.evaluation.attacks._seen import SeenLog
from allotment.evaluation.attacks._writer import Writer
from allotment.gateway import (
    SERVER_OPTIONS,
    Gate,
    GatedChain,
    History,
    HistoryStore,
    Operations,
    UserStore,
    create_app,
    hosts_of,
    open_limiter,
    strict_protocol,
)
from allotment.gateway import Chain as Asked
from allotment.models import Engines
from allotment.project import Project
from allotment.workspace import Workspace

Around = Callable[[Chain], Asked]
"""Puts something between the gateway and the chain, such as a fault that the attempts have to find."""
_LOOPBACK = "127.0.0.1"
_MANIFESTS_GOOD_FOR_S = 0.5
"""As ``serve`` has it."""


@dataclass(frozen=True)
class Target:
    """Everything an attempt can meet, and what is asked below it."""

    copy: Copy
    databases: Databases
    audit: SeenLog
    engines: Engines
    chain: Chain
    operations: Operations
    address: str
    """Of the server: ``http://127.0.0.1:PORT``."""
    host: str
    """Name requests are for."""
    policy: Policy
    writer: Writer
    """Of SQL, for the gateway's chain and every other one of this target."""
    conversations: dict[str, str] = field(default_factory=dict)
    """Role → a conversation its user has."""

    @property
    def project(self) -> Project:
        """As it is in the copy."""
        return self.copy.project

    @property
    def workspace(self) -> Workspace:
        """Of the copy."""
        return Workspace(self.project.root)

    def chain_over(self, project: Project) -> Chain:
        """Another chain over the same databases, record and models, for a project declared otherwise."""
        return _chain(project, self.databases, self.audit, self.engines, self.writer)


@contextmanager
def open_target(copy: Copy, *, threads: int = 0, around: Around | None = None) -> Iterator[Target]:
    """Open the copy as ``serve`` opens a project.

    Args:
        copy: finished.
        threads: of the models of this process; 0 takes all cores.
        around: what stands between the gateway and the chain; none is how a project is served.
    """
    project, workspace = copy.project, Workspace(copy.project.root)
    with ExitStack() as stack:
        databases = stack.enter_context(Databases(project, workspace))
        audit = stack.enter_context(SeenLog.of(project, workspace, databases.state_dsn))
        users = stack.enter_context(UserStore(databases.state_dsn, project.identity))
        engines = stack.enter_context(Engines(threads, adapter_server=project.models.adapter_server))
        stack.enter_context(databases.watched())
        writer = Writer(project, engines)
        chain = _chain(project, databases, audit, engines, writer)
        chain.make_ready()
        asked = around(chain) if around else chain
        operations = Operations()
        app = stack.enter_context(_application(project, workspace, databases, audit, users, asked, operations))
        address = stack.enter_context(_served(app, project.gateway.timeouts.request_s))
        host = _host(project, address)
        yield Target(
            copy, databases, audit, engines, chain, operations, address, host, Policy.of(project), writer
        )  # fmt: skip


def _chain(project: Project, databases: Databases, audit: SeenLog, engines: Engines, writer: Writer) -> Chain:
    return Chain(
        project, Workspace(project.root), engines=engines, databases=databases, audit=audit,
        manifests_good_for_s=_MANIFESTS_GOOD_FOR_S, writer=writer,
    )  # fmt: skip


@contextmanager
def _application(
    project: Project,
    workspace: Workspace,
    databases: Databases,
    audit: SeenLog,
    users: UserStore,
    chain: Asked,
    operations: Operations,
) -> Iterator[FastAPI]:
    with ExitStack() as stack:
        record = partial(record_event, audit)
        limiter = stack.enter_context(open_limiter(databases.state_dsn, project, record))
        history = None
        if project.gateway.history is not None:
            store = stack.enter_context(closing(HistoryStore(databases.state_dsn, project.gateway.history)))
            history = History(store, partial(may_read_again, project, workspace))
        yield create_app(
            GatedChain(chain, Gate()),
            users,
            title=project.name,
            ready=list,
            policy=Policy.of(project),
            record=record,
            limiter=limiter,
            operations=operations,
            timeouts=project.gateway.timeouts,
            answers=project.answers,
            history=history,
            allowed_hosts=hosts_of(project.gateway, _LOOPBACK),
            tls=project.gateway.tls,
        )


@contextmanager
def _served(app: FastAPI, head_s: float) -> Iterator[str]:
    """A real server on a free port of the loopback interface; its address."""
    protocol = strict_protocol(app.state.note_unreadable, head_s)
    options = {**SERVER_OPTIONS, "http": protocol, "timeout_keep_alive": 60}
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5, **options)
    server = uvicorn.Server(config)
    with socket.create_server((_LOOPBACK, 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://{_LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _host(project: Project, address: str) -> str:
    """A name that requests may be for; any below a wildcard is as good as another."""
    named = project.gateway.hosts
    return named[0].replace("*", "attack") if named else address.removeprefix("http://")
