"""src/allotment/guards/data/curves.json, from the kept figures of benchmarks/guards.py: what the guards' page draws."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "guards.json"
CURVES = ROOT / "src" / "allotment" / "guards" / "data" / "curves.json"


def curves_of(found: dict[str, Any]) -> dict[str, Any]:
    """The shape `allotment guards evaluate --plots` writes, with the classifier that was measured and when."""
    measured = f"Measured on {found['about']['date']} by benchmarks/guards.py, on texts the classifier had not seen."
    return {
        "classifier": found["classifier"]["sha256"],
        "measured": measured,
        "curves": {
            name: {attacks.removesuffix(", attacks"): curve for attacks, curve in check["curves"].items()}
            for name, check in sorted(found["checks"].items())
            if check.get("threshold") is not None and check.get("curves")
        },
    }


def text() -> str:
    """What the file should hold."""
    return json.dumps(curves_of(json.loads(RESULTS.read_text(encoding="utf-8"))), indent=1) + "\n"


def main() -> int:
    """Write the file, or check that it is in line with the figures."""
    if "--check" in sys.argv[1:]:
        return 0 if CURVES.read_text(encoding="utf-8") == text() else 1
    CURVES.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
