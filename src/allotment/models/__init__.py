"""Models: the catalogue and its files, chat templates, and engines behind one protocol."""

from allotment.models._catalogue import ModelEntry, catalogue, find_model, is_present, is_server, locate
from allotment.models._engine import AdapterFile, Completion, Engine, LoadedEngine, Message
from allotment.models._engines import Engines
from allotment.models._pull import pull
from allotment.models._template import ChatTemplate, load_template, template_of

__all__ = [
    "AdapterFile",
    "ChatTemplate",
    "Completion",
    "Engine",
    "Engines",
    "LoadedEngine",
    "Message",
    "ModelEntry",
    "catalogue",
    "find_model",
    "is_present",
    "is_server",
    "load_template",
    "locate",
    "pull",
    "template_of",
]
