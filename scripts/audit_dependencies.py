"""Look whether a library that is installed has a known vulnerability; one that has fails the build.

It asks the public list through pip-audit. Where that cannot be reached, or answers without knowing any vulnerability
(as mirrors of package indexes do), nothing is known, and that is said: a build without a network must not fail, and
one with it must not pass over a finding.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ACCEPTED: dict[str, str] = {}
"""Finding → why it does not concern this project. Each stands here until the library has a release without it."""
KNOWN = "jinja2==2.10"
"""A release with vulnerabilities that every list of them has."""
LIMIT_S = 300

Audit = Callable[[list[str]], list[dict[str, Any]] | None]
"""What pip-audit's options name, with what is known of each; none where it could not be looked up."""


def audit(arguments: list[str]) -> list[dict[str, Any]] | None:
    """See ``Audit``."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found


def findings(dependencies: list[dict[str, Any]]) -> list[str]:
    """What must be mended, one line each."""
    return [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no release'}"
        for each in dependencies
        for fault in each.get("vulns", [])
        if not {fault["id"], *fault.get("aliases", [])} & ACCEPTED.keys()
    ]


def list_is_there(look: Audit) -> bool:
    """Whether the list can be reached and knows what every such list knows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "known.txt"
        file.write_text(KNOWN + "\n", encoding="ascii")
        found = look(["--requirement", str(file), "--no-deps", "--disable-pip"])
    return bool(found and found[0].get("vulns"))


def main(look: Audit = audit) -> int:
    """0 when nothing is known against what is installed, or nothing could be looked up; else 1."""
    dependencies = look(["--skip-editable"]) if list_is_there(look) else None
    if dependencies is None:
        sys.stderr.write("Dependencies were not audited: no list of vulnerabilities can be reached from here.\n")
        return 0
    found = findings(dependencies)
    for line in found:
        sys.stderr.write(f"Vulnerable: {line}\n")
    sys.stdout.write(f"{len(dependencies)} dependencies audited, {len(found)} vulnerable.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
