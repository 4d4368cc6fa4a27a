"""Readiness asks the declared server of adapters itself, each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allotment.answering import absent_adapters
from allotment.models import Engines, adapter_name
from allotment.project import Project
from allotment.workspace import Workspace
from model_server import Said, model_server, said
from project_copy import copy_project
from sealed_adapter import seal


def test_adapters_the_server_lacks_are_told_until_it_has_them_and_a_server_that_is_gone_is_told(
    taught: Project, tmp_path: Path
) -> None:
    plain = copy_project(taught, tmp_path / "project")
    workspace = Workspace(plain.root)
    sealed = [seal(plain, workspace, agent) for agent in ("board", "sales")]
    names = [adapter_name(one.agent, one.version, one.adapter_sha256) for one in sealed]
    there: list[str] = []

    def answer(_: Any) -> Said:
        # The base model is listed beside them, and an alias with an adapter's name has no parent.
        aliases = [{"id": name, "parent": None} for name in ["base", *names] if name not in there]
        return said({"data": [*aliases, *({"id": name, "parent": "base"} for name in there)]})

    with model_server(answer) as url:
        models = plain.models.model_copy(update={"adapter_server": url})
        project = plain.model_copy(update={"models": models})
        with Engines(adapter_server=url) as engines:
            assert absent_adapters(plain, workspace, engines) == ()
            told = absent_adapters(project, workspace, engines)
            assert len(told) == 2 and all(name in " ".join(told) for name in names)
            there.append(names[0])
            assert absent_adapters(project, workspace, engines) == (f"the server of adapters has no {names[1]}.",)
            there.append(names[1])
            assert absent_adapters(project, workspace, engines) == ()
    with Engines(adapter_server=url) as engines:
        (gone,) = absent_adapters(project, workspace, engines)
        assert "did not give an answer" in gone
