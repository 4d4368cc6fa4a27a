"""A client for any model ``allotment.yaml`` can name."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import httpx

from allotment.models._catalogue import is_server
from allotment.models._engines import Engines
from allotment.models._openai import server_headers, split_name
from allotment.models.client._ask import ClientLimits
from allotment.models.client._client import ModelClient
from allotment.models.client._engine_client import MOST_PARALLEL, EngineAnswerer
from allotment.models.client._health import Health
from allotment.models.client._server_client import ServerAnswerer
from allotment.models.client._slots import Slots
from allotment.models.client._window import Window
from allotment.models.client._wire import HttpxWire, Wire
from allotment.project import ModelLimits

_SERVER_START = 8
_SERVER_PARALLEL = 256
_ENGINE_PARALLEL = 4


def open_client(
    model: str,
    engines: Engines | None = None,
    limits: ModelLimits | None = None,
    *,
    patience: ClientLimits | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.time,
    chance: Random | None = None,
) -> ModelClient:
    """A client for a model. Nothing is connected or loaded before the first ask.

    Args:
        model: ``URL#MODEL``, a name of the catalogue or the path of a GGUF file.
        engines: where an embedded model is loaded; without them the client has its own, and closes them.
        limits: of this model.
        patience: of the client; the default serves a run of hours.
        transport: stands in for the network.
        clock: seconds since 1970, to understand dates in the server's answers.
        chance: spreads retries in time.

    Raises:
        ProjectError: ``model`` begins as a URL and names no model.
    """
    limits = limits or ModelLimits()
    patience = patience or ClientLimits()
    health = Health(model, patience)
    if not is_server(model):
        return _engine_client(model, engines, limits, health)
    parallel = limits.parallel or _SERVER_PARALLEL
    window = Window(_SERVER_START, parallel)
    slots = Slots(window)
    answerer = ServerAnswerer(
        model,
        _wire(model, parallel, transport),
        window=window,
        slots=slots,
        health=health,
        limits=limits,
        patience=patience,
        clock=clock,
        chance=chance or Random(),  # noqa: S311 - nothing secret depends on it
    )
    return ModelClient(model, answerer, window, slots, health)


def _wire(model: str, parallel: int, transport: httpx.AsyncBaseTransport | None) -> Wire:
    url, _ = split_name(model)
    if transport is not None:
        return HttpxWire(url, server_headers(), transport)
    from allotment.models.client._aiohttp_wire import AiohttpWire  # slow to load

    return AiohttpWire(url, server_headers(), parallel)


def _engine_client(model: str, engines: Engines | None, limits: ModelLimits, health: Health) -> ModelClient:
    parallel = min(limits.parallel or _ENGINE_PARALLEL, MOST_PARALLEL)
    window = Window(parallel, parallel)
    slots = Slots(window)
    own = engines or Engines(parallel=parallel)
    answerer = EngineAnswerer(model, own, slots=slots, threads=parallel, owned=engines is None)
    return ModelClient(model, answerer, window, slots, health)
