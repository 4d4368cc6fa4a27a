"""One look at an adapter serves many questions, and no longer than it may."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from allotment.answering._manifests import Manifests
from allotment.errors import ManifestError
from allotment.training import Manifest


class Looks:
    """Counts looks, and gives what it is told to."""

    def __init__(self) -> None:
        self.at: list[str] = []
        self.gives: Manifest | ManifestError = Manifest.model_construct(agent="sales", version="v1")

    def __call__(self, agent: str) -> Manifest:
        self.at.append(agent)
        if isinstance(self.gives, ManifestError):
            raise self.gives
        return self.gives


def test_a_look_counts_for_its_time_and_not_a_moment_longer() -> None:
    looks, now = Looks(), [100.0]
    manifests = Manifests(looks, 0.5, lambda: now[0])
    manifests.current("sales")
    now[0] = 100.499
    assert manifests.current("sales").version == "v1" and looks.at == ["sales"]
    looks.gives = ManifestError("the document changed.")
    now[0] = 100.5
    with pytest.raises(ManifestError, match="changed"):
        manifests.current("sales")
    assert looks.at == ["sales", "sales"]


def test_a_refusal_counts_for_as_long_and_no_longer() -> None:
    looks, now = Looks(), [0.0]
    manifests = Manifests(looks, 0.5, lambda: now[0])
    good, looks.gives = looks.gives, ManifestError("edited.")
    for _ in range(2):
        with pytest.raises(ManifestError, match="edited"):
            manifests.current("sales")
    looks.gives, now[0] = good, 0.5
    assert manifests.current("sales").version == "v1" and len(looks.at) == 2


def test_without_a_time_every_question_looks() -> None:
    looks = Looks()
    manifests = Manifests(looks, 0.0, lambda: 7.0)
    for _ in range(3):
        manifests.current("sales")
    assert len(looks.at) == 3


def test_a_look_that_breaks_is_no_answer() -> None:
    broken = [True]

    def look(agent: str) -> Manifest:
        if broken[0]:
            raise RuntimeError("the disk is gone")
        return Manifest.model_construct(agent=agent, version="v1")

    manifests = Manifests(look, 60.0)
    with pytest.raises(RuntimeError):
        manifests.current("sales")
    broken[0] = False
    assert manifests.current("sales").version == "v1"


def test_many_questions_at_once_share_one_look_and_other_agents_do_not_wait() -> None:
    looking, go_on, seen = threading.Event(), threading.Event(), list[str]()

    def look(agent: str) -> Manifest:
        seen.append(agent)
        if agent == "sales":
            looking.set()
            assert go_on.wait(30)
        return Manifest.model_construct(agent=agent, version="v1")

    manifests = Manifests(look, 60.0)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(manifests.current, "sales") for _ in range(6)]
        assert looking.wait(30)
        assert pool.submit(manifests.current, "board").result(30).agent == "board"
        go_on.set()
        assert {one.result(30).agent for one in asked} == {"sales"}
    assert sorted(seen) == ["board", "sales"]
