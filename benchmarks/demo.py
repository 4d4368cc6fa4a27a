"""The demo, timed: first run, second run in the same folder, killed and started again; peak memory.

Writes ``benchmarks/results/demo.json``. Needs nothing but what ``make demo`` installs; takes about as long as
two demos. ``--kill-after`` sets how many seconds the killed run gets (default 60).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ALLOTMENT = Path(sys.executable).with_name("allotment")
RESULTS = Path(__file__).parent / "results"
STEP = re.compile(r"^(\d+)\. (.+?): (.*) \(((?:\d+ h )?(?:\d+ min )?\d+ (?:s|min))\)$")


def timed(folder: Path) -> dict[str, object]:
    """One demo in ``folder``: exit code, seconds, its steps as printed."""
    began = time.monotonic()
    done = subprocess.run([ALLOTMENT, "demo", str(folder)], stdout=subprocess.PIPE, text=True, check=False)
    steps = [match.groups() for line in done.stdout.splitlines() if (match := STEP.match(line.strip()))]
    return {
        "exit": done.returncode,
        "seconds": round(time.monotonic() - began, 1),
        "steps": [{"step": title, "result": result, "time": took} for _, title, result, took in steps],
    }


def killed(folder: Path, after_s: float) -> None:
    """A demo that is killed, without a chance to tidy up, after ``after_s`` seconds; its children too."""
    command = [str(ALLOTMENT), "demo", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as run:
        try:
            run.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)


def main() -> None:
    """Run and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kill-after", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "demo"
        killed(folder, arguments.kill_after)
        first, second = timed(folder), timed(folder)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "killed_after_s": arguments.kill_after,
        "first": first,
        "second": second,
        "peak_gib_of_the_largest_process": round(peak, 2),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "demo.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
