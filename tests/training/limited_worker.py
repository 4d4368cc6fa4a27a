"""The worker with a limit on its memory from the moment its model is loaded: ``limited_worker.py MIB SPEC``."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

from allotment.training.worker._training import Training
from allotment.training.worker._watch import Watch
from allotment.training.worker._worker import main


def limit(more_mib: int) -> None:
    """Let this process have only so much more address space than it has now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    size = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size + more_mib * 2**20, resource.RLIM_INFINITY))


if __name__ == "__main__":
    watch = Training._watch

    def limited(self: Training, *arguments: Any) -> Watch:
        """Everything is loaded, no step is done."""
        made = watch(self, *arguments)
        limit(int(sys.argv[1]))
        return made

    Training._watch = limited  # type: ignore[method-assign]
    sys.exit(main(Path(sys.argv[2])))
