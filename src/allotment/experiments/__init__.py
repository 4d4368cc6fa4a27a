"""Experiments: many trainings at once, and a table that says which setting to keep and which one crashes."""

from allotment.experiments._cells import (
    EFFECT_COLUMNS,
    cells_of,
    columns_of,
    effect_cells,
    sentences_of,
    setting_cells,
    to_csv,
    to_markdown,
)
from allotment.experiments._compare import Choice, Effect, Group
from allotment.experiments._expand import described
from allotment.experiments._file import ExecutorName, ExperimentFile, load_file
from allotment.experiments._journal import Journal
from allotment.experiments._origin import origin_of
from allotment.experiments._orphans import Orphan, find_orphans
from allotment.experiments._page import to_html
from allotment.experiments._plan import Plan, PlannedRun
from allotment.experiments._planning import Experiment, plan_experiment
from allotment.experiments._render import RUNPOD_LIMITS, SentFile
from allotment.experiments._rows import Row
from allotment.experiments._run import run_experiment
from allotment.experiments._sending import files_to_send
from allotment.experiments._service import Curve, Summary, list_experiments, load_curves, load_table, table_now
from allotment.experiments._table import Table, Totals, ranked, table_of

__all__ = [
    "EFFECT_COLUMNS",
    "RUNPOD_LIMITS",
    "Choice",
    "Curve",
    "Effect",
    "ExecutorName",
    "Experiment",
    "ExperimentFile",
    "Group",
    "Journal",
    "Orphan",
    "Plan",
    "PlannedRun",
    "Row",
    "SentFile",
    "Summary",
    "Table",
    "Totals",
    "cells_of",
    "columns_of",
    "described",
    "effect_cells",
    "files_to_send",
    "find_orphans",
    "list_experiments",
    "load_curves",
    "load_file",
    "load_table",
    "origin_of",
    "plan_experiment",
    "ranked",
    "run_experiment",
    "sentences_of",
    "setting_cells",
    "table_now",
    "table_of",
    "to_csv",
    "to_html",
    "to_markdown",
]
