"""Drives a teacher with synthetic-data-kit: its ``create`` command on one document; run by an interpreter that has it.

    python -P drive_synthetic_data_kit.py URL SECTIONS.jsonl PAIRS.jsonl PARALLEL

Files of a folder are asked about one after another there, and only chunks of one document at the same time. So all
sections are one document here, each a chunk of its own; the document's summary is one request more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import synthetic_data_kit
import yaml
from synthetic_data_kit.cli import app

PAIRS_PER_SECTION = 10
CHUNK = 1000
"""Characters; shorter than a section, so that none is put together with the next."""


def main() -> None:
    """Ask, and write what came."""
    url, source, target, parallel = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    sections = [json.loads(line)["text"] for line in source.read_text(encoding="utf-8").splitlines()]
    document, folder = target.with_suffix(".txt"), target.with_suffix(".generated")
    document.write_text("\n\n".join(sections), encoding="utf-8")
    settings = target.with_suffix(".yaml")
    settings.write_text(yaml.safe_dump(configuration(url, parallel)), encoding="utf-8")
    wanted = str(PAIRS_PER_SECTION * len(sections))
    words = ["-c", settings, "create", document, "--type", "qa", "-n", wanted, "-o", folder]
    result = app([str(word) for word in words], standalone_mode=False)
    made = json.loads((folder / f"{document.stem}_qa_pairs.json").read_text(encoding="utf-8"))
    with target.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(pair) + "\n" for pair in made["qa_pairs"])
    sys.exit(result)


def configuration(url: str, parallel: int) -> dict[str, object]:
    """What the package ships, with this server, and as many requests at a time as wanted."""
    shipped = Path(synthetic_data_kit.__file__).with_name("config.yaml")
    settings = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    settings["api-endpoint"] |= {"api_base": url, "api_key": "none", "model": "stub"}
    settings["generation"] |= {"batch_size": parallel, "chunk_size": CHUNK}
    return settings


if __name__ == "__main__":
    main()
