"""Sections become questions and answers: grounded, checked, split without leaks, each with its readers.

An agent's dataset takes only sections that all its roles may read. A killed run goes on from its ledger.
"""

from allotment.dataset._batch_teacher import BatchTeacher
from allotment.dataset._embedders import Embedder, ServerEmbedder
from allotment.dataset._export import ExportFormat, export
from allotment.dataset._generate import generate
from allotment.dataset._items import dataset_hash, load_items, stats
from allotment.dataset._plan import plan
from allotment.dataset._prompts import PROMPT_VERSION
from allotment.dataset._ray_teacher import RayTeacher
from allotment.dataset._selection import select_sections
from allotment.dataset._teacher import Teacher
from allotment.dataset._types import FACT_KINDS, KINDS, DatasetPlan, DatasetStats, Item, Kind, KindCounts, Split
from allotment.dataset._unknown import unknown_answer

__all__ = [
    "FACT_KINDS",
    "KINDS",
    "PROMPT_VERSION",
    "BatchTeacher",
    "DatasetPlan",
    "DatasetStats",
    "Embedder",
    "ExportFormat",
    "Item",
    "Kind",
    "KindCounts",
    "RayTeacher",
    "ServerEmbedder",
    "Split",
    "Teacher",
    "dataset_hash",
    "export",
    "generate",
    "load_items",
    "plan",
    "select_sections",
    "stats",
    "unknown_answer",
]
