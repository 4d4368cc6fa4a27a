"""A second project of another kind: part of a framework's user guide (AutoGen, CC BY 4.0) with invented role splits."""

from __future__ import annotations

import shutil
from pathlib import Path

from allotment.project import Project, load_project

DOCUMENTS = Path(__file__).parents[3] / "shared" / "data" / "autogen-docs"
_FILES = {
    "core": ("core-user-guide/core-concepts/*.md",),
    "studio": ("autogenstudio-user-guide/faq.md", "autogenstudio-user-guide/usage.md"),
    "magentic": ("agentchat-user-guide/magentic-one.md", "agentchat-user-guide/logging.md"),
    "common": ("extensions-user-guide/*.md",),
}
_PROJECT = """
name: AutoGen user guide
roles:
  developer: builds agents with the core library
  designer: works in the studio
  researcher: studies Magentic-One
  lead: answers for all of it
documents:
  core: {path: documents/core, readers: [developer, lead]}
  studio: {path: documents/studio, readers: [designer, lead]}
  magentic: {path: documents/magentic, readers: [researcher, lead]}
  common: {path: documents/common, readers: [developer, designer, researcher, lead]}
agents:
  core: {description: topics and subscriptions of the core library, roles: [developer, lead], documents: [core]}
  studio: {description: the studio and its usage, roles: [designer, lead], documents: [studio]}
  magentic: {description: Magentic-One and logging, roles: [researcher, lead], documents: [magentic]}
  common: {description: making an extension, roles: [developer, designer, researcher, lead], documents: [common]}
routing:
  default: {developer: core, designer: studio, researcher: magentic, lead: core}
dataset: {questions: 1, rounds: 1, paraphrases: 3}
training: {epochs: 8, target_loss: 0.05, probe_steps: 3}
"""


def make_documentation_project(root: Path, documents: Path = DOCUMENTS) -> Project:
    """Write the project into the new folder ``root``; ``documents`` is the user guide as it was published."""
    for name, patterns in _FILES.items():
        folder = root / "documents" / name
        folder.mkdir(parents=True)
        for file in (file for pattern in patterns for file in sorted(documents.glob(pattern))):
            shutil.copyfile(file, folder / file.name)
    (root / "allotment.yaml").write_text(_PROJECT, encoding="utf-8")
    return load_project(root)
