"""Rented machines: what is sent, that each has a deadline and is ended, and that none is forgotten."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import standin_sky
import yaml
from simulated import plan_of, table
from stub_run import make_run, steps, until

import allotment
from allotment.errors import EngineError, MissingPartError, ProjectError
from allotment.experiments import _pods, find_orphans
from allotment.experiments._driver import Driver
from allotment.experiments._executor import Job
from allotment.experiments._file import PodsPlace
from allotment.experiments._outcome import read_outcome
from allotment.experiments._plan import Plan, PlannedRun, experiments_dir, save_plan
from allotment.experiments._pods import Pods
from allotment.experiments._render import Base, accelerator, task_of
from allotment.experiments._sky import Sky
from allotment.workspace import Workspace

PLACE = PodsPlace(accelerator="RTX 4090", infra="runpod/CA", spot=True, startup_minutes=10)
JOB = Job("grid", "ab12cd34", 2, Path("/project/.allotment/experiments/grid/runs/ab12cd34"), 12.0, 1, 5400.0)
CATALOGUED = Base("gemma-3-270m", Path("/cache/gemma-3-270m-q4_k_m.gguf"))


def task(place: PodsPlace = PLACE, job: Job = JOB, base: Base = CATALOGUED) -> dict[str, Any]:
    found = yaml.safe_load(task_of(place, job, "allotment-1a2b3c-grid-ab12cd34-2", base))
    assert isinstance(found, dict)
    return found


def test_a_task_says_which_machine_and_that_it_ends_itself() -> None:
    found = task()
    assert found["name"] == "allotment-1a2b3c-grid-ab12cd34-2"
    assert found["resources"] == {
        "infra": "runpod/CA",
        "accelerators": "RTX4090:1",
        "use_spot": True,
        "disk_size": 50,
        "autostop": {"idle_minutes": 5, "down": True},
    }
    assert found["envs"]["ALLOTMENT_DEADLINE_S"] == "6000"  # its hour and a half, and the ten minutes of its start
    first = found["setup"].index("ALLOTMENT_DEADLINE_S")
    assert first < found["setup"].index("pip install")  # the deadline counts from the first moment
    assert "runpodctl remove pod" in found["setup"]
    assert "timeout -k 60 6000" in found["run"]


def test_a_task_installs_this_very_version_and_fetches_the_model_itself() -> None:
    setup = task()["setup"]
    assert f'"allotment[train,qlora]=={allotment.__version__}"' in setup
    assert "allotment models pull gemma-3-270m" in setup


def test_only_the_runs_own_folder_is_sent_and_what_the_file_names() -> None:
    assert task()["file_mounts"] == {"~/allotment-run": str(JOB.folder)}
    own = Base("/models/own.gguf", Path("/models/own.gguf"))
    place = PLACE.model_copy(update={"package": "/dist/allotment-1.whl"})
    assert task(place, base=own)["file_mounts"] == {
        "~/allotment-run": str(JOB.folder),
        "~/allotment-run/own.gguf": "/models/own.gguf",
        "~/allotment-1.whl": "/dist/allotment-1.whl",
    }


def test_a_bucket_is_mounted_where_that_can_be_and_refused_where_not() -> None:
    place = PodsPlace(accelerator="A100 80GB", infra="aws", bucket="s3://results")
    found = task(place)
    assert found["file_mounts"]["/allotment-results"] == {"source": "s3://results", "mode": "MOUNT"}
    assert "/allotment-results/grid/ab12cd34" in found["run"]
    with pytest.raises(ProjectError, match="runpod mounts no bucket"):
        _pods.check_place(place.model_copy(update={"infra": "runpod"}))


@pytest.mark.parametrize(
    ("name", "spelt"),
    [("RTX 4090", "RTX4090"), ("A100 80GB", "A100-80GB"), ("NVIDIA RTX A5000", "RTXA5000"), ("L4", "L4")],
)
def test_cards_are_spelt_as_skypilot_does(name: str, spelt: str) -> None:
    assert accelerator(name) == spelt


def test_the_shell_of_a_task_is_whole(tmp_path: Path) -> None:
    import subprocess

    for part in ("setup", "run"):
        (tmp_path / part).write_text(task()[part], encoding="utf-8")
        subprocess.run(["bash", "-n", str(tmp_path / part)], check=True)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cloud of folders; what is fetched and asked is so at once."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr(_pods, "_FETCH_EVERY_S", 0.0)
    monkeypatch.setattr(_pods, "_STATUS_EVERY_S", 0.0)
    return standin_sky.install(tmp_path / "standin", str(Path(allotment.__file__).parent.parent))


def driver(plan: Plan, home: Path, pods: Pods, tell: Any = lambda *_: None) -> Driver:
    """A driver of stub runs; the last step of the first one waits for the file ``gate``."""

    def prepare(run: PlannedRun, job: Job, *, until: int | None) -> None:
        gate = home / "gate" if run.id == "r0001" else None
        make_run(job.folder, steps(12, gate=gate), attempt=job.attempt, max_seconds=job.max_seconds)

    read = partial(read_outcome, values={}, is_right=lambda answer, value: True)
    save_plan(home, plan)
    return Driver(plan, home, pods, prepare=prepare, read=read, tell=tell, overhead_s=600.0)


def home_of(tmp_path: Path) -> Path:
    found = experiments_dir(Workspace(tmp_path / "project")) / "test"
    found.mkdir(parents=True)
    return found


def calls(cloud: Path) -> list[list[str]]:
    return [json.loads(line) for line in (cloud / "calls").read_text(encoding="utf-8").splitlines()]


def test_runs_are_rented_fetched_and_ended_and_one_taken_back_goes_on_elsewhere(cloud: Path, tmp_path: Path) -> None:
    home, plan = home_of(tmp_path), plan_of(2)
    taken: list[str] = []

    def tell(*_: Any) -> None:
        rows = home / "runs" / "r0001" / "work" / "metrics.jsonl"
        if not taken and rows.exists() and len(rows.read_text("utf-8").splitlines()) >= 3:
            machine = next(path.name for path in cloud.glob("allotment-*-test-r0001-1"))
            Sky().down(machine)  # the provider takes it back
            taken.append(machine)
            (home / "gate").touch()

    one = driver(plan, home, Pods(PLACE, home), tell)
    one.run()
    assert [state for _, state, _ in table(plan, home)] == ["done", "done"]
    assert [each.ended for each in one.journal.of("r0001").attempts] == ["infrastructure", "ok"]
    rows = (home / "runs/r0001/work/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    resumed = [row["step"] for row in map(json.loads, rows) if row.get("event") == "resumed"]
    assert resumed and resumed[0] >= 2
    assert list(cloud.glob("*/state")) == []  # nothing bills any longer
    launched = [words[words.index("-c") + 1] for words in calls(cloud) if words[0] == "launch"]
    assert len(launched) == len(set(launched)) == 3
    assert all("--down" in words for words in calls(cloud) if words[0] == "launch")


def test_a_killed_drivers_machines_are_listed_found_again_and_not_rented_twice(cloud: Path, tmp_path: Path) -> None:
    home, plan = home_of(tmp_path), plan_of(1)
    driver(plan, home, Pods(PLACE, home))._round()
    until(lambda: list(cloud.glob("*/state")), "the machine is up")
    (found,) = find_orphans(Workspace(tmp_path / "project"))
    assert (found.experiment, found.state, found.usd_per_hour, found.known) == ("test", "UP", 0.44, True)
    (home / "gate").touch()
    driver(plan, home, Pods(PLACE, home)).run()
    assert [state for _, state, _ in table(plan, home)] == ["done"]
    assert sum(words[0] == "launch" for words in calls(cloud)) == 1
    assert find_orphans(Workspace(tmp_path / "project")) == []


def test_an_orphan_that_nobody_knows_is_listed_and_ended(cloud: Path, tmp_path: Path) -> None:
    home = home_of(tmp_path)
    for name in (f"{_pods.tag_of(home)}-old-r1-1", "somebody-elses", "allotment-ffffff-other-r1-1"):
        (cloud / name).mkdir()
        (cloud / name / "state").write_text("UP", encoding="utf-8")
        (cloud / name / "pid").write_text("999999999", encoding="utf-8")
    workspace = Workspace(tmp_path / "project")
    (found,) = find_orphans(workspace, stop=True)
    assert (found.machine, found.experiment, found.known) == (f"{_pods.tag_of(home)}-old-r1-1", "", False)
    left = sorted(path.parent.name for path in cloud.glob("*/state"))
    assert left == ["allotment-ffffff-other-r1-1", "somebody-elses"]


def test_when_skypilot_does_not_answer_nothing_is_decided_and_nothing_lost(cloud: Path, tmp_path: Path) -> None:
    home, plan = home_of(tmp_path), plan_of(1)
    first = driver(plan, home, Pods(PLACE, home))
    first._round()
    until(lambda: list(cloud.glob("*/state")), "the machine is up")
    (cloud / "broken").touch()
    with pytest.raises(EngineError, match="no enabled cloud"):
        driver(plan, home, Pods(PLACE, home)).run()
    (cloud / "broken").unlink()
    (home / "gate").touch()
    driver(plan, home, Pods(PLACE, home)).run()
    assert [state for _, state, _ in table(plan, home)] == ["done"]


def test_without_a_deadline_no_machine_is_rented(cloud: Path, tmp_path: Path) -> None:
    home, plan = home_of(tmp_path), plan_of(1, run_settings={"max_seconds": None})
    with pytest.raises(ProjectError, match="not rented without a deadline"):
        driver(plan, home, Pods(PLACE, home)).run()
    assert not (cloud / "calls").exists()


def test_a_stop_fetches_and_ends_what_is_rented(cloud: Path, tmp_path: Path) -> None:
    home, plan = home_of(tmp_path), plan_of(2)
    one = driver(plan, home, Pods(PLACE, home))
    one._round()
    one.stop()
    assert list(cloud.glob("*/state")) == []
    assert [each.ended for each in one.journal.of("r0002").attempts] != [None]


def test_without_skypilot_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="sky is not installed"):
        Pods(PLACE, tmp_path)
    assert shutil.which("sky") is None
