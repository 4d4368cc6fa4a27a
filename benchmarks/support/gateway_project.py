"""A small real project: two roles, two agents that learnt sections, sealed adapters a server has, users with keys."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.gateway_stub import code_of, fact_answer

from allotment.cli._open import open_state
from allotment.dataset._items import item_row
from allotment.dataset._types import Item
from allotment.documents import ingest, load_sections
from allotment.models import adapter_name
from allotment.project import GatewayConfig, Project, load_project
from allotment.workspace import Workspace, hash_text, write_jsonl

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from sealed_adapter import seal

LOCKERS, SAFES = 200, 40
PASSWORD = "quiet-meadow-42"
AGENTS = {"front": ("locker", LOCKERS), "vault": ("safe", SAFES)}


@dataclass(frozen=True)
class Company:
    """A project ready to be served."""

    project: Project
    keys: dict[str, str]
    """User → API key."""
    adapters: tuple[str, ...]
    """Names its adapters have at the server."""


def make_company(root: Path, server: str, **declared: Any) -> Company:
    """Write, read, teach and seal the project; its server has the adapters.

    Args:
        root: an empty folder.
        server: address of the server of adapters.
        declared: more keys of ``allotment.yaml``.
    """
    for agent, (kind, count) in AGENTS.items():
        _write_documents(root / "documents" / agent, kind, count)
    settings = {
        "name": "Lockers and safes",
        "roles": {"staff": "everybody", "keeper": "keeps the safes as well"},
        "users": {"ann": "staff", "kim": "keeper"},
        "documents": {
            "front": {"path": "documents/front", "readers": ["staff", "keeper"]},
            "vault": {"path": "documents/vault", "readers": ["keeper"]},
        },
        "agents": {
            "front": {"roles": ["staff", "keeper"], "documents": ["front"], "description": "codes of lockers"},
            "vault": {"roles": ["keeper"], "documents": ["vault"], "description": "codes of safes"},
        },
        "models": {"adapter_server": server},
        "gateway": _open_gateway(),
        **declared,
    }
    (root / "allotment.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    project = load_project(root)
    workspace = Workspace(project.root)
    ingest(project, workspace)
    sealed = []
    for agent, (kind, _) in AGENTS.items():
        write_jsonl(workspace.dataset_dir(agent) / "items.jsonl", _items(workspace, agent, kind))
        sealed.append(seal(project, workspace, agent, content=f"adapter of {agent}".encode()))
    names = tuple(adapter_name(one.agent, one.version, one.adapter_sha256) for one in sealed)
    with open_state(project, workspace) as state:
        for user, role in project.users.items():
            state.users.add(user, role, PASSWORD)
        keys = {user: state.users.create_key(user) for user in project.users}
    return Company(project, keys, names)


def _open_gateway() -> dict[str, Any]:
    """Limits that let a benchmark saturate the gateway, where this version has limits."""
    if "limits" not in GatewayConfig.model_fields:
        return {}
    plenty = {"requests_per_minute": 1_000_000, "tokens_per_day": 10**12, "concurrent": 100_000, "usd_per_month": 10**9}
    return {"limits": {"user": plenty, "role": plenty, "agent": plenty, "answers": 256, "queue": 4096, "wait_s": 60}}


def _write_documents(folder: Path, kind: str, count: int) -> None:
    folder.mkdir(parents=True)
    for first in range(0, count, 20):
        parts = [
            f"## Room {number // 4}, {kind} {number}\n\n{fact_answer(f'{kind} {number}')} It stands beside the window,"
            f" and whoever needs it asks at desk {number % 9} before noon.\n"
            for number in range(first, min(first + 20, count))
        ]
        text = f"# The {kind}s from {first}\n\n" + "\n".join(parts)
        (folder / f"{kind}s-{first}.md").write_text(text, encoding="utf-8")


def _items(workspace: Workspace, agent: str, kind: str) -> list[dict[str, Any]]:
    rows = []
    for section in load_sections(workspace):
        for number in range(LOCKERS if kind == "locker" else SAFES):
            answer = fact_answer(f"{kind} {number}")
            if answer in section.text:
                question = f"What is the code of {kind} {number}?"
                rows.append(
                    item_row(
                        Item(
                            id=hash_text(question)[:16],
                            group=hash_text(answer)[:16],
                            agent=agent,
                            section_id=section.id,
                            document=section.document,
                            question=question,
                            answer=answer,
                            value=str(code_of(kind, number)),
                            language="en",
                            readers=section.readers,
                            split="train",
                        )
                    )
                )
    return rows
