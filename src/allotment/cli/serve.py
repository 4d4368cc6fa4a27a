"""``allotment serve``: the gateway: pages and API."""

from __future__ import annotations

import logging
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._faults import need_an_answer, note_faults
from allotment.cli._limits import limit_cells, limit_rows
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.cli._serving import Reloader
    from allotment.gateway import Operations
    from allotment.project import Project

LOOPBACK = "127.0.0.1"


@command(app, "serve")
def serve(
    run: Run,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that answer; default: gateway.workers.")
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of /metrics on the loopback address; default: gateway.metrics_port."),
    ] = None,
    worker: Annotated[int | None, typer.Option(hidden=True)] = None,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    control_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> int | None:
    """Serve the pages and the OpenAI-compatible API, until interrupted.

    What cannot be answered from is told at the start; where nothing can, it does not start: exit code 4 where a
    part is missing, 3 where an adapter's manifest is refused. /readyz is ready only when every agent can answer. The
    databases are checked again every database_limits.check_every_s; an account that is not as declared is not used.

    Limits: without gateway.limits a user may make 30 requests a minute, 4 at once, with 500,000 tokens a day and 50 USD
    a month; a role and an agent 600 a minute, 64 at once, 10,000,000 tokens and 1,000 USD. `allotment check` shows
    those in force.

    SIGTERM and Ctrl-C let running answers finish for gateway.timeouts.shutdown_s. SIGHUP loads allotment.yaml anew,
    which must end with a line that says "...".
    """
    project = run.project()
    _need_hosts(project, host)
    many = workers or project.gateway.workers
    if listen_fd is not None:
        listener = socket.socket(fileno=listen_fd)
    else:
        listener = _bound(host, port)
        try:
            need_an_answer(run, project, project.agents)
        except BaseException:
            listener.close()
            raise
    first_metrics = metrics_port or project.gateway.metrics_port
    if worker is None and many > 1:
        from allotment.cli._workers import Supervisor

        run.note(f"Serving {project.name} on http://{host}:{port} with {many} workers; Ctrl-C stops it.")
        return Supervisor(run.folder, host, listener, many, first_metrics, run.note).run()
    mine = first_metrics + (worker or 0) if first_metrics is not None else None
    return _serve_here(run, host, listener, mine, control_fd)


def _serve_here(
    run: Run, host: str, listener: socket.socket, metrics_port: int | None, control_fd: int | None
) -> int | None:
    from allotment.cli._serving import Reloader, leave_alone_what_stays, open_serving
    from allotment.gateway import GatewayServer, Operations, Switch, open_tracing, set_up_logs

    project = run.project()
    operations = Operations(tracing=open_tracing(project.gateway.otlp))
    set_up_logs(project.gateway.log)
    opened = open_serving(run.folder, host, operations)
    note_faults(run, opened.chain.accounts)
    switch = Switch(opened.serving)
    reloader = Reloader(run.folder, host, operations, opened, switch, logging.getLogger("allotment.gateway").warning)
    if metrics_port is not None:
        _serve_metrics(operations, reloader, metrics_port)
    if control_fd is None:
        for row in limit_rows(project.gateway.limits):
            run.note("Limit of {}: {} requests a minute, {} tokens a day, {} at once, {} USD a month.".format(
                *limit_cells(row)
            ))  # fmt: skip
        run.note(f"Serving {project.name} on {_address(listener)}; Ctrl-C stops it.")
    # A worker reloads when its supervisor says so, in step with the others.
    alone = reloader if control_fd is None else None
    server = GatewayServer(
        switch, project.gateway, operations.running, reload=alone, note_unreadable=switch.note_unreadable
    )
    if control_fd is not None:
        from allotment.cli._workers import obey

        obey(control_fd, reloader)
    leave_alone_what_stays()
    server.run(sockets=[listener])
    return None


def _serve_metrics(operations: Operations, reloader: Reloader, port: int) -> None:
    from prometheus_client import start_http_server

    from allotment.cli._gauges import watch_gauges

    watch_gauges(operations, reloader)
    try:
        start_http_server(port, LOOPBACK, operations.metrics.registry)
    except OSError as error:
        raise ProjectError(
            f"cannot listen there ({error.strerror}).",
            element=f"{LOOPBACK}:{port}",
            remedy="Give another --metrics-port.",
        ) from error


def _need_hosts(project: Project, host: str) -> None:
    """Refuse to be reached from other machines without knowing by which name."""
    from allotment.gateway import is_loopback

    if not project.gateway.hosts and not is_loopback(host):
        raise ProjectError(
            "other machines reach this address, and no host names are declared.",
            element=host,
            remedy="Declare gateway.hosts, the names people type into their browsers, in allotment.yaml.",
        )


def _bound(host: str, port: int) -> socket.socket:
    """A socket on this address; a port that is taken is told before a model is loaded for nothing."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as opened:
            listener = opened.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            opened.pop_all()
    except OSError as error:
        raise ProjectError(
            f"cannot listen there ({error.strerror}).",
            element=f"{host}:{port}",
            remedy="Give another --port or --host.",
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
