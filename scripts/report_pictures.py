"""What pages with pictures of reports share: a matrix as benchmarks keep it, and how its picture is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allotment.evaluation.report import Matrix, MatrixCell

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def matrix_of(row: dict[str, Any]) -> Matrix:
    """The matrix that a benchmark kept as JSON."""
    cells = tuple(tuple(MatrixCell(**cell) for cell in cells) for cells in row["cells"])
    return Matrix(row["name"], row["title"], tuple(row["rows"]), tuple(row["columns"]), cells, row["note"])


def picture_name(*words: str) -> str:
    """The file of a picture, from what it shows."""
    return "".join(char if char.isalnum() else "-" for char in "-".join(words).lower()) + ".svg"
