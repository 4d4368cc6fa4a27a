"""A small project whose documents a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from allotment.documents import DocumentRecord, IngestReport, WorkerPool, ingest, load_documents
from allotment.project import Project, load_project
from allotment.workspace import Workspace

Ingested = tuple[IngestReport, dict[str, DocumentRecord]]

DECLARATION = """
name: Test
roles: {staff: all, boss: few}
documents:
  shared: {path: shared, readers: [staff, boss]}
agents:
  helper: {roles: [staff], documents: [shared]}
"""


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """Write files (path → text or bytes) and load the project around them."""

    def make(files: dict[str, str | bytes], declaration: str = DECLARATION) -> Project:
        (tmp_path / "shared").mkdir(exist_ok=True)
        (tmp_path / "allotment.yaml").write_text(declaration, encoding="utf-8")
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return load_project(tmp_path)

    return make


@pytest.fixture(scope="session")
def run(workers: WorkerPool) -> Callable[[Project], Ingested]:
    """Ingest a project: the report, and the records by path."""

    def ingested(project: Project) -> Ingested:
        workspace = Workspace(project.root)
        report = ingest(project, workspace, workers=workers)
        return report, {record.path: record for record in load_documents(workspace)}

    return ingested
