"""The embedded engine on a tiny model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tiny_gguf import write_tiny_gguf

_LOAD_AND_CLOSE = """
import sys
from allotment.models import Engines
for _ in range(20):
    with Engines(threads=1, parallel=1) as engines:
        engines.get(sys.argv[1])
"""


def test_an_engine_that_was_never_asked_anything_can_be_closed(tmp_path: Path) -> None:
    """The server inside waits for ever if it is destroyed before its loop runs."""
    model = write_tiny_gguf(tmp_path / "tiny.gguf")
    subprocess.run([sys.executable, "-c", _LOAD_AND_CLOSE, str(model)], timeout=120, check=True)
