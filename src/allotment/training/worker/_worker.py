"""One training in a process of its own: ``python -m allotment.training.worker._worker SPEC``.

Reads a spec file, trains with TRL and PEFT, writes what was learnt, ``metrics.jsonl`` and ``result.json`` beside it,
and tells its progress as JSON lines on stdout. The exit code says how it ended: 0 ok, 20 out of memory, 21 non-finite,
22 bad data, 23 configuration, 33 anything of the machine.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allotment.errors import AllotmentError, MissingPartError, StorageError, TrainingError
from allotment.training._ranks import end, end_with_parent, is_first, may_tell, together
from allotment.workspace import write_atomic

_BEGAN = time.monotonic()
EXIT_CODES = {"out-of-memory": 20, "non-finite": 21, "bad-data": 22, "configuration": 23, "infrastructure": 33}
_KILLED = "the process ended without a word: it was killed, or the machine went down"
_ROOM = 8192
"""Bytes kept free in ``result.json``, for what must be said when the disk is full."""
_ALMOST_FULL = 16 * 2**20
"""Bytes free on a disk that is called full when writing to it has failed."""


def main(spec_file: Path) -> int:
    """Train what ``spec_file`` says; always leaves a ``result.json``."""
    spec = json.loads(spec_file.read_text(encoding="utf-8"))
    out = Path(spec["out"])
    if is_first():
        _write_result(out, {"state": "infrastructure", "error": _KILLED, "room": " " * _ROOM})
    try:
        with together(out):
            measured = _train(spec, out)
    except Exception as error:
        kind = _kind_of(error)
        traceback.print_exc()
        if may_tell(out, well=False):
            _write_result(out, {"state": kind, **_told(error, out)})
        return EXIT_CODES[kind]
    if may_tell(out, well=True):
        _write_result(out, {"state": "ok", "measured": measured})
    return 0


def _write_result(out: Path, result: Mapping[str, Any]) -> None:
    file, text = out / "result.json", json.dumps(result)
    try:
        write_atomic(file, text)
    except StorageError:  # the disk is full: what was put there at the beginning has room for this
        with file.open("r+", encoding="utf-8") as there:
            there.write(text.ljust(_ROOM))


def _kind_of(error: Exception) -> str:
    from allotment.training._device import is_out_of_memory

    if isinstance(error, TrainingError):
        return error.kind
    if isinstance(error, MissingPartError):
        return "configuration"
    return "out-of-memory" if is_out_of_memory(error) else "infrastructure"


def _told(error: Exception, out: Path) -> dict[str, str]:
    """What failed, where, and what to do."""
    if isinstance(error, AllotmentError):
        return {"error": error.message, "element": error.element, "remedy": error.remedy}
    free = shutil.disk_usage(out).free
    if free < _ALMOST_FULL:
        told = f"the disk is full ({free / 1e6:.0f} MB are free); what was written before it is kept"
        return {"error": f"{told}.", "element": str(out), "remedy": "Free some space, then run the same command again."}
    return {"error": f"{type(error).__name__}: {error}", "element": "", "remedy": ""}


def _train(spec: Mapping[str, Any], out: Path) -> dict[str, Any]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    from allotment.training.worker._training import Training

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return Training(spec, out, say if is_first() else _silence, began=_BEGAN).run()


def say(kind: str, **values: Any) -> None:
    """One event on stdout."""
    print(json.dumps({"kind": kind, **values}), flush=True)


def _silence(kind: str, **values: Any) -> None:
    pass


if __name__ == "__main__":
    end_with_parent()
    end(main(Path(sys.argv[1])))
