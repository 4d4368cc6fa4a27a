"""Processes that attack, by themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PARENT = """
import multiprocessing, sys, threading
from allotment.evaluation.attacks._workers import end_with_parent

def work():
    end_with_parent()
    print("began", flush=True)
    threading.Event().wait()

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work).start()
    threading.Event().wait()
"""


def test_a_process_that_attacks_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT, encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "began\n"
        parent.kill()
        parent.communicate(timeout=60)  # its end comes when nobody holds the other one, and the child inherited that
