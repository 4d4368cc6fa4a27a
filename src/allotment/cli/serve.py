"""``allotment serve``: the gateway: pages and API."""

from __future__ import annotations

import socket
from functools import partial
from typing import Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._faults import need_an_answer, note_faults
from allotment.cli._history import open_history
from allotment.cli._open import open_chain
from allotment.cli._run import Run
from allotment.errors import ProjectError


@command(app, "serve")
def serve(
    run: Run,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve the pages and the OpenAI-compatible API, until interrupted.

    What cannot be answered from is told at the start; where nothing can, it does not start: exit code 4 where a
    part is missing, 3 where an adapter's manifest is refused. /readyz is ready only when every agent can answer. The
    databases are checked again every database_limits.check_every_s; an account that is not as declared is not used.
    """
    _need_free(host, port)
    project = run.project()
    need_an_answer(run, project, project.agents)
    import uvicorn

    from allotment.access import Policy
    from allotment.audit import record_event
    from allotment.databases import Refresher
    from allotment.gateway import create_app

    with (
        open_chain(run.folder) as opened,
        Refresher(opened.state.databases.sections.refresh),
        open_history(opened) as history,
    ):
        note_faults(run, opened.accounts)
        web = create_app(
            opened.chain,
            opened.state.users,
            title=project.name,
            ready=opened.missing,
            policy=Policy.of(project),
            record=partial(record_event, opened.state.audit),
            history=history,
        )
        run.note(f"Serving {project.name} on http://{host}:{port}; Ctrl-C stops it.")
        uvicorn.run(web, host=host, port=port, log_level="warning")


def _need_free(host: str, port: int) -> None:
    """Say that a port is taken before a model is loaded for nothing."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ProjectError(
            f"cannot listen there ({error.strerror}).",
            element=f"{host}:{port}",
            remedy="Give another --port or --host.",
        ) from error
