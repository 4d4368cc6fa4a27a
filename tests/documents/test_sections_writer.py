"""The store's two files are the same whether documents are kept or written anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.documents import DocumentRecord, load_documents
from allotment.documents._store import SectionsWriter
from allotment.workspace import Workspace

States = Mapping[str, str]
"""Path → text of the document's only row; an empty one has no rows."""

states = st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from(["", "one", "two, longer", "three"]))


def rows_of(text: str) -> bytes:
    return json.dumps({"text": text}).encode() + b"\n" if text else b""


def write(workspace: Workspace, state: States, before: Mapping[str, DocumentRecord]) -> None:
    """Keep what is as before, write the rest."""
    with SectionsWriter(workspace) as writer:
        for path in sorted(state):
            rows, known = rows_of(state[path]), before.get(path)
            same = known is not None and known.rows_sha256 == sha256(rows).hexdigest()
            if not (known and same and writer.keep(known)):
                writer.add(DocumentRecord(path, "set", "done"), rows)


def files_of(workspace: Workspace) -> tuple[bytes, bytes]:
    return workspace.sections_file.read_bytes(), workspace.documents_file.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=st.lists(states, min_size=1, max_size=4))
def test_documents_kept_and_documents_written_anew_make_the_same_files(tmp_path: Path, history: list[States]) -> None:
    kept, anew = Workspace(tmp_path / "kept"), Workspace(tmp_path / "anew")
    kept.sections_file.unlink(missing_ok=True)
    before: dict[str, DocumentRecord] = {}
    for state in history:
        write(kept, state, before)
        write(anew, state, {})
        assert files_of(kept) == files_of(anew)
        before = {record.path: record for record in load_documents(kept)}


def test_what_is_kept_in_its_place_is_not_written_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write(workspace, {"a": "one", "b": "three"}, {})
    inode = workspace.sections_file.stat().st_ino
    write(workspace, {"a": "one", "b": "three"}, {record.path: record for record in load_documents(workspace)})
    assert workspace.sections_file.stat().st_ino == inode
