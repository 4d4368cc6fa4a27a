"""Stand-ins for ``sky`` and ``rsync``: machines are folders, and their work is done by the shell of this one.

``sky`` writes every call to ``calls``. A machine's state is the folder's file ``state``; whoever wants to see it taken
back removes the folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SKY = """#!{python}
import json, os, shutil, signal, subprocess, sys
from pathlib import Path
import yaml
cloud = Path({cloud!r})
words = sys.argv[1:]
with (cloud / "calls").open("a") as file:
    file.write(json.dumps(words) + "\\n")
if (cloud / "broken").exists():
    sys.exit("sky: no enabled cloud")
if words[0] == "launch":
    name, task = words[words.index("-c") + 1], yaml.safe_load(Path(words[-1]).read_text())
    home = cloud / name
    for target, source in task["file_mounts"].items():
        place = home / target.replace("~/", "")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, place, dirs_exist_ok=True) if Path(source).is_dir() else shutil.copy(source, place)
    (home / "state").write_text("UP")
    venv = home / "allotment-venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").write_text('#!/bin/sh\\nexec {python} "$@"\\n')
    (venv / "python").chmod(0o755)
    environment = {{**os.environ, **task["envs"], "HOME": str(home), "PYTHONPATH": {paths!r}}}
    with (home / "out").open("ab") as out:
        work = subprocess.Popen(["bash", "-c", task["run"]], env=environment, cwd=home, stdout=out, stderr=out,
                                start_new_session=True)
    (home / "pid").write_text(str(work.pid))
elif words[0] == "status":
    print("Clusters")
    print("NAME  INFRA  RESOURCES  STATUS  AUTOSTOP")
    for home in sorted(cloud.glob("*/state")):
        print(home.parent.name, "RunPod (CA)", "1x(gpus=RTX4090:1)", home.read_text(), "5m (down)")
elif words[0] == "down":
    home = cloud / words[-1]
    if not home.exists():
        sys.exit("sky: no such cluster")
    try:
        os.killpg(int((home / "pid").read_text()), signal.SIGKILL)
    except ProcessLookupError:
        pass
    while home.exists():  # who writes in it still comes to nothing soon
        shutil.rmtree(home, ignore_errors=True)
"""
RSYNC = """#!{python}
import shutil, sys
from pathlib import Path
cloud = Path({cloud!r})
name, place = sys.argv[-2].split(":")
source, target = cloud / name / place, Path(sys.argv[-1])
if not source.exists():
    sys.exit(12)
left = [sys.argv[n + 1] for n, word in enumerate(sys.argv) if word == "--exclude"]
shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*left))
"""


def install(folder: Path, paths: str) -> Path:
    """Put both into ``folder/bin``; gives the folder of their machines."""
    cloud, place = folder / "cloud", folder / "bin"
    cloud.mkdir(parents=True)
    place.mkdir()
    for name, text in (("sky", SKY), ("rsync", RSYNC)):
        file = place / name
        file.write_text(text.format(python=sys.executable, cloud=str(cloud), paths=paths), encoding="utf-8")
        file.chmod(0o755)
    os.environ["PATH"] = f"{place}:{os.environ['PATH']}"
    return cloud
