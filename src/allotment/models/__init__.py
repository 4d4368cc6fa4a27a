"""Models: the catalogue and its files, chat templates, engines behind one protocol, and the client for many asks."""

from allotment.models._adapter_server import adapter_name
from allotment.models._catalogue import ModelEntry, catalogue, find_model, is_present, is_server, locate
from allotment.models._engine import AdapterFile, Completion, Engine, LoadedEngine, Message
from allotment.models._engines import Engines
from allotment.models._prices import price_of
from allotment.models._pull import pull
from allotment.models._reasoning import strip_reasoning
from allotment.models._template import ChatTemplate, load_template, template_of
from allotment.models.client import (
    Answer,
    Ask,
    BatchLimits,
    BatchRun,
    ClientLimits,
    ClientState,
    Failure,
    FailureReason,
    ModelClient,
    open_client,
    read_json,
)

__all__ = [
    "AdapterFile",
    "Answer",
    "Ask",
    "BatchLimits",
    "BatchRun",
    "ChatTemplate",
    "ClientLimits",
    "ClientState",
    "Completion",
    "Engine",
    "Engines",
    "Failure",
    "FailureReason",
    "LoadedEngine",
    "Message",
    "ModelClient",
    "ModelEntry",
    "adapter_name",
    "catalogue",
    "find_model",
    "is_present",
    "is_server",
    "load_template",
    "locate",
    "open_client",
    "price_of",
    "pull",
    "read_json",
    "strip_reasoning",
    "template_of",
]
