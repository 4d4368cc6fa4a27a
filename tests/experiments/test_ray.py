"""Runs on a Ray cluster whose nodes do not see the project's folder: one node is lost in the middle of a run."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster
from simulated import plan_of, table
from stub_run import make_run, steps

from allotment.errors import MissingPartError
from allotment.experiments._driver import Driver
from allotment.experiments._executor import Job
from allotment.experiments._file import RayPlace
from allotment.experiments._outcome import read_outcome
from allotment.experiments._plan import Plan, PlannedRun
from allotment.experiments._ray import RayTasks
from allotment.experiments._ray_host import read_files, write_files

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]  # Ray warns of what it will do in later versions

STEPS = 30


def patient(start: Callable[[], Any]) -> Any:
    """Ray gives a node half a minute to start, which a machine with much to do may not keep."""
    for _ in range(2):
        try:
            return start()
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    return start()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    found = patient(lambda: Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}))
    yield found
    ray.shutdown()
    found.shutdown()


def driver(plan: Plan, home: Path, executor: RayTasks, tell: Any = lambda *_: None) -> Driver:
    """A driver of stub runs, whose last step waits for the file ``gate``."""

    def prepare(run: PlannedRun, job: Job, *, until: int | None) -> None:
        make_run(job.folder, steps(STEPS, gate=home / "gate"), attempt=job.attempt)

    read = partial(read_outcome, values={}, is_right=lambda answer, value: True)
    return Driver(plan, home, executor, prepare=prepare, read=read, tell=tell)


def rows(home: Path, run: str) -> list[dict[str, Any]]:
    file = home / "runs" / run / "work" / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def test_a_run_on_a_lost_node_resumes_on_another_and_the_other_rows_are_whole(cluster: Cluster, tmp_path: Path) -> None:
    extra = patient(lambda: cluster.add_node(num_cpus=1, resources={"lost": 1}))
    plan = plan_of(2, run_settings={"usd_per_hour": None, "max_seconds": None})
    executor = RayTasks(RayPlace(address=cluster.address, shared_folder=False), in_flight=2)
    lost: list[str] = []

    def tell(*_: Any) -> None:
        busy = [run.id for run in plan.runs if len(rows(tmp_path, run.id)) >= 4]
        if not lost and len(busy) == 2:  # one of them is on the node that goes
            cluster.remove_node(extra, allow_graceful=False)
            lost.append("gone")
            (tmp_path / "gate").touch()

    one = driver(plan, tmp_path, executor, tell)
    one.run()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["done", "done"]
    attempts = {run.id: [each.ended for each in one.journal.of(run.id).attempts] for run in plan.runs}
    assert sorted(attempts.values(), key=len) == [["ok"], ["infrastructure", "ok"]]
    moved = next(run for run, found in attempts.items() if len(found) == 2)
    resumed = [row["step"] for row in rows(tmp_path, moved) if row.get("event") == "resumed"]
    assert resumed and resumed[0] >= 3  # it went on, it did not begin anew
    for run in plan.runs:
        losses = [row["loss"] for row in rows(tmp_path, run.id) if "loss" in row]
        assert losses[-1] == 1 / STEPS
    executor.close()


def test_another_driver_finds_the_runs_of_a_killed_one(cluster: Cluster, tmp_path: Path) -> None:
    plan = plan_of(1, run_settings={"usd_per_hour": None, "max_seconds": None})
    place = RayPlace(address=cluster.address, shared_folder=True)
    first = driver(plan, tmp_path, RayTasks(place, in_flight=1))
    first._round()
    (tmp_path / "gate").touch()
    second = driver(plan, tmp_path, RayTasks(place, in_flight=1))
    second.run()
    assert [each.ended for each in second.journal.of("r0001").attempts] == ["ok"]
    assert [row for row in rows(tmp_path, "r0001") if row.get("event") == "resumed"] == []


def test_a_stop_ends_a_run_on_its_node(cluster: Cluster, tmp_path: Path) -> None:
    plan = plan_of(1, run_settings={"usd_per_hour": None, "max_seconds": None})
    executor = RayTasks(RayPlace(address=cluster.address, shared_folder=False), in_flight=1)
    one = driver(plan, tmp_path, executor)
    one._round()
    while not rows(tmp_path, "r0001"):
        one._look()
    one.stop()
    assert [each.ended for each in one.journal.of("r0001").attempts] == ["stopped"]
    assert executor.has_place(Job("test", "r0001", 2, tmp_path, None, 1, None))


def test_a_cluster_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    ray.shutdown()
    with pytest.raises(MissingPartError, match="there is no Ray cluster"):
        RayTasks(RayPlace(address=address))


def test_only_whole_checkpoints_and_what_is_learnt_from_are_sent_to_a_node(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", steps(3))
    whole, torn = folder / "work/checkpoints/checkpoint-2", folder / "work/checkpoints/checkpoint-3"
    for place in (whole, torn):
        place.mkdir(parents=True)
        (place / "weights").write_text("w", encoding="utf-8")
    (whole / "seal.json").write_text("{}", encoding="utf-8")
    for name in ("result.json", "lock", "log.txt", "work/answers.jsonl"):
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "work/examples.jsonl").write_text("{}", encoding="utf-8")
    assert sorted(read_files(folder)) == [
        "spec.json",
        "work/checkpoints/checkpoint-2/seal.json",
        "work/checkpoints/checkpoint-2/weights",
        "work/examples.jsonl",
    ]


def test_what_a_node_hands_over_is_written_whole_and_its_result_last(tmp_path: Path) -> None:
    written: list[str] = []
    replace = Path.replace

    def noted(self: Path, target: Any) -> Path:
        written.append(Path(target).name)
        return replace(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", noted)
        write_files(tmp_path, {"result.json": b"r", "work/metrics.jsonl": b"m", "work/peft/adapter": b"a"})
    assert written[-1] == "result.json"
    assert (tmp_path / "work/peft/adapter").read_bytes() == b"a"
