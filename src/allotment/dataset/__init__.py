"""Sections become questions and answers: grounded, checked, split without leaks, each with its readers.

An agent's dataset takes only sections that all its roles may read. A killed run goes on from its ledger.
"""

from allotment.dataset._export import ExportFormat, export
from allotment.dataset._generate import generate
from allotment.dataset._items import dataset_hash, load_items, stats
from allotment.dataset._plan import plan
from allotment.dataset._prompts import PROMPT_VERSION
from allotment.dataset._selection import select_sections
from allotment.dataset._types import DatasetPlan, DatasetStats, Item, Split

__all__ = [
    "PROMPT_VERSION",
    "DatasetPlan",
    "DatasetStats",
    "ExportFormat",
    "Item",
    "Split",
    "dataset_hash",
    "export",
    "generate",
    "load_items",
    "plan",
    "select_sections",
    "stats",
]
