"""A copy of a prepared project, to be altered by one test."""

from __future__ import annotations

import shutil
from pathlib import Path

from allotment.project import Project, load_project

_OF_THE_SERVER = ("postgres*", "audit.*", "*.lock", "*.sock")
"""The server and the anchor of the record that lies on it: a copy begins its own."""


def copy_project(source: Project, root: Path, *left: str) -> Project:
    """``source`` in the new folder ``root``, without its server, its record, and whatever is named like ``left``."""
    shutil.copytree(source.root, root, ignore=shutil.ignore_patterns(*_OF_THE_SERVER, *left))
    return load_project(root)
