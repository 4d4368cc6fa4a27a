"""One agent at work: its model and adapter, its one tool, its database account. Nothing runs without a grant."""

from allotment.agents._knowledge import recite
from allotment.agents._support import Support, SupportIndex
from allotment.agents.sql import DatabaseAnswer, ask_database

__all__ = ["DatabaseAnswer", "Support", "SupportIndex", "ask_database", "recite"]
