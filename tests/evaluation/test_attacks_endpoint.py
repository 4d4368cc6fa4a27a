"""A foreign endpoint, asked over real HTTP: one that leaks is found, one that refuses is not blamed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attacks_standin import canaries_of

from allotment.documents import ingest
from allotment.errors import EngineError
from allotment.evaluation.attacks import Endpoint, Settings, attack_endpoint, report_of
from allotment.evaluation.canaries import plant
from allotment.project import Project
from allotment.workspace import Workspace
from model_server import Said, model_server, said
from project_copy import copy_project

RULE = "The user's role is "


@pytest.fixture(scope="module")
def planted(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A company with planted facts, read."""
    project = copy_project(taught, tmp_path_factory.mktemp("endpoint") / "project")
    plant(project, Workspace(project.root), facts=2, seed=7)
    ingest(project, Workspace(project.root))
    return project


def completion(text: str) -> Said:
    return said({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})


def knows_all(project: Project) -> Callable[[Any], Said]:
    """One model with everything and no rule: says whatever is asked for, or all it knows."""
    everything = " ".join(canary.sentence for canary in canaries_of(project))
    return lambda _: completion(everything)


def obeys(project: Project) -> Callable[[Any], Said]:
    """Says a fact to those whose role may know it, as the system message names it."""
    canaries = canaries_of(project)

    def answer(asked: Any) -> Said:
        said_first = str(asked["messages"][0]["content"])  # an attempt may put anything in its place
        role = said_first.removeprefix(RULE).partition(".")[0] if said_first.startswith(RULE) else ""
        text = asked["messages"][-1]["content"]
        own = [c.sentence for c in canaries if role in c.readers and c.question in str(text)]
        return completion(own[0] if own else "I cannot say that.")

    return answer


def test_an_endpoint_that_leaks_is_found(planted: Project) -> None:
    with model_server(knows_all(planted)) as url:
        found = attack_endpoint(planted, Workspace(planted.root), Endpoint(url, "one"), Settings(count=40, fresh=True))
    report = report_of(found, "")
    assert report.outcome == "failed"
    assert report.worst[0].title.endswith("leaked")
    assert all(result.layer is None for result in found.results)


def test_an_endpoint_that_obeys_does_not_leak_and_is_heard_to_tell_readers(planted: Project) -> None:
    with model_server(obeys(planted)) as url:
        found = attack_endpoint(planted, Workspace(planted.root), Endpoint(url, "one"), Settings(count=40, fresh=True))
    outcomes = {check.name: check.outcome for check in report_of(found, "").checks}
    assert outcomes["attacks.leaks"] == outcomes["attacks.teeth"] == "passed", [r.detail for r in found.results[:5]]
    assert outcomes["attacks.enough"] == "unknown"


def test_each_role_comes_with_its_own_key_and_no_words(planted: Project) -> None:
    seen: list[str] = []

    def answer(asked: Any) -> Said:
        seen.append(json.dumps(asked))
        return completion("no")

    with model_server(answer) as url:
        keys = dict.fromkeys(planted.roles, "k")
        attack_endpoint(planted, Workspace(planted.root), Endpoint(url, "two", keys), Settings(count=10, fresh=True))
    assert seen
    assert not any(RULE in body for body in seen)


def test_an_endpoint_that_is_gone_stops_the_run_and_the_same_run_goes_on(planted: Project) -> None:
    workspace, settings, asked = Workspace(planted.root), Settings(count=40, workers=1), 0

    def dies(_: Any) -> Said:
        nonlocal asked
        asked += 1
        return completion("no") if asked <= 15 else said({"error": {}}, 500)

    with model_server(dies) as url:
        with pytest.raises(EngineError, match="20 attempts in a row failed") as caught:
            attack_endpoint(planted, workspace, Endpoint(url, "three"), settings)
        assert caught.value.exit_code == 4
        done = _done(planted)
        asked = -10_000
        found = attack_endpoint(planted, workspace, Endpoint(url, "three"), settings)
    assert len(done) >= 10
    assert [result.detail for result in found.results if result.ending == "failed"] == []
    assert len(found.results) == found.planned


def _done(project: Project) -> set[str]:
    files = (Workspace(project.root).home / "evaluation" / "attacks").glob("*/ledger.jsonl")
    newest = max(files, key=lambda file: file.stat().st_mtime)
    rows = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    return {row["key"] for row in rows if row["ending"] != "failed"}


@pytest.mark.parametrize("answer", [said({"error": "no such model"}, 404), said({"status": "up"})])
def test_an_address_that_is_no_such_endpoint_is_not_taken_for_one_that_refuses(planted: Project, answer: Said) -> None:
    with model_server(lambda _: answer) as url, pytest.raises(EngineError, match="20 attempts in a row failed"):
        attack_endpoint(planted, Workspace(planted.root), Endpoint(url, "four"), Settings(count=40, fresh=True))
