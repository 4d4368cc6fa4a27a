"""Experiments under fire, at scale, and one worth reading.

``simulated`` (unless another part is named): a thousand runs on a cluster of ten cards that takes no time: how busy the
cards are, what the driver holds and computes. ``disturbed``: ten runs on the demo's base model, four made to crash,
without and with a killed driver (``local``) or a killed node (``ray``): the other rows must be equal. ``comparison``:
24 runs, rank × learning rate × data mix × precision on the example company. Each goes on where it stopped; results lie
in ``--results``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import allotment
from allotment.documents import WorkerPool, ingest
from allotment.evaluation import is_right
from allotment.experiments import load_table, plan_experiment, run_experiment, to_html, to_markdown
from allotment.experiments._driver import Clock, Driver
from allotment.experiments._executor import Job, Look
from allotment.experiments._file import RayPlace
from allotment.experiments._local import Local
from allotment.experiments._outcome import Ended, read_outcome
from allotment.experiments._parallel import parallel_plot
from allotment.experiments._plan import Plan, PlannedRun
from allotment.experiments._scatter import cost_plot, curves_plot
from allotment.experiments._service import load_curves
from allotment.models import pull
from allotment.project import load_project
from allotment.workspace import Workspace, write_atomic

HERE = Path(__file__).parent
PARTS = ("simulated", "overhead", "disturbed", "comparison")
SUPPORT = HERE / "support" / "experiments"
AGENT = "warehouse"
COMMAND = [sys.executable, "-c", "from allotment.cli import main; main()"]


def main() -> None:
    """Run one part and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default=PARTS[0], choices=PARTS)
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    parser.add_argument("--home", type=Path, help="where the project is made, and found again")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    home = (options.home or Path(tempfile.gettempdir()) / "allotment-experiments").resolve()
    if options.part == "simulated":
        keep(options.results, "simulated", simulated())
    elif options.part == "overhead":
        keep(options.results, f"overhead_{options.executor}", overhead_of(options.executor))
    elif options.part == "disturbed":
        keep(options.results, f"disturbed_{options.executor}", disturbed(home, options.executor))
    else:
        comparison(home, options.results)


def keep(results: Path, part: str, figures: dict[str, Any]) -> None:
    """Add a part to ``experiments.json``."""
    file = results / "experiments.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    said = {"date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    known[part] = {**said, **figures}
    write_atomic(file, json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(known[part], indent=1, ensure_ascii=False))


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, load {os.getloadavg()[1]:.0f}"


def company(root: Path) -> Path:
    """The example company with the dataset that its demo's teacher wrote; made once."""
    if (root / "allotment.yaml").exists():
        return root
    pull("gemma-3-270m")
    partial = root.with_name(f"{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", partial)
    workspace = Workspace(partial)
    with WorkerPool() as workers:
        ingest(load_project(partial), workspace, workers=workers)
    items = (SUPPORT / f"{AGENT}.jsonl").read_text(encoding="utf-8")
    write_atomic(workspace.dataset_dir(AGENT) / "items.jsonl", items)
    (partial / "experiments").mkdir(exist_ok=True)
    for file in SUPPORT.glob("*.yaml"):
        shutil.copy(file, partial / "experiments" / file.name)
    partial.rename(root)
    return root


# A thousand runs


class Simulated:
    """Ten cards and a clock of their own. A tenth of the runs crash, some attempts are lost with their machine."""

    name = "simulated"

    def __init__(self, cards: int) -> None:
        self.cards, self.now, self.busy_s = cards, 0.0, 0.0
        self.jobs: dict[str, tuple[Job, float, float]] = {}
        self.ended: dict[str, Ended] = {}

    def wait(self, seconds: float) -> None:
        """Let time pass: at once to where something may have changed."""
        self.now += seconds
        for name, (job, begun, takes) in list(self.jobs.items()):
            if self.now - begun >= takes:
                del self.jobs[name]
                self.busy_s += takes
                chance = random.Random(f"{job.run} {job.attempt} ends").random()
                state = "infrastructure" if chance < 0.05 else "out-of-memory" if chance < 0.15 else "ok"
                outcome = {"recall": chance, "paused": False} if state == "ok" else {}
                self.ended[name] = Ended(state, takes, "" if state == "ok" else "as drawn", outcome=outcome)

    def has_place(self, job: Job) -> bool:
        return len(self.jobs) < self.cards

    def start(self, job: Job) -> str:
        takes = random.Random(f"{job.run} {job.attempt}").lognormvariate(5.0, 0.6)  # two and a half minutes, mostly
        self.jobs[job.name] = job, self.now, takes
        return "card"

    def look(self, job: Job) -> Look:
        return Look("running" if job.name in self.jobs else "ended" if job.name in self.ended else "absent")

    def stop(self, job: Job) -> None:
        self.jobs.pop(job.name, None)

    def close(self) -> None:
        pass


def simulated(runs: int = 1000, cards: int = 10) -> dict[str, Any]:
    """How busy the cards are until the last run has no other to follow it, and what the driver takes."""
    cluster = Simulated(cards)
    planned = tuple(
        PlannedRun(f"r{n:05}", n, "stub", {"epochs": 1}, {"seed": n}, usd_per_hour=0.44, max_seconds=3600.0)
        for n in range(1, runs + 1)
    )
    plan = Plan("simulated", AGENT, "", "", "recall", "simulated", 2, None, (), 0.5, planned)
    marks: list[tuple[int, float]] = []
    queue_empty: list[tuple[float, float]] = []

    def tell(plan: Plan, journal: Any, news: str) -> None:
        ended = sum(one.ended is not None for run in journal.runs.values() for one in run.attempts) if not news else 0
        if ended and ended // 100 > len(marks):
            marks.append((ended, rss_mib()))
        started = len(journal.runs)
        if started == runs and not queue_empty and len(cluster.jobs) < cards:
            running = sum(cluster.now - begun for _, begun, _ in cluster.jobs.values())
            queue_empty.append((cluster.now, cluster.busy_s + running))

    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(
            plan, Path(folder), cluster, prepare=lambda run, job, until: None,
            read=lambda job, look: cluster.ended.get(job.name) or Ended("never-began", 0.0),
            tell=tell, clock=Clock(lambda: cluster.now, cluster.wait),
        )  # fmt: skip
        began = time.process_time()
        driver.run()
        took = time.process_time() - began
        states = [state.state(2) for state in driver.journal.runs.values()]
        journal = (Path(folder) / "journal.jsonl").stat().st_size
    at, busy = queue_empty[0] if queue_empty else (cluster.now, cluster.busy_s)
    return {
        "runs": runs,
        "cards": cards,
        "attempts": len(cluster.ended),
        "states": {state: states.count(state) for state in sorted(set(states))},
        "busy_share_while_runs_wait": round(busy / (cards * at), 4),
        "busy_share_to_the_end": round(cluster.busy_s / (cards * cluster.now), 4),
        "simulated_hours": round(cluster.now / 3600, 2),
        "driver_cpu_s_per_run": round(took / runs, 4),
        "driver_rss_mib_by_ended_attempts": {str(ended): round(mib, 1) for ended, mib in marks},
        "journal_kb_per_run": round(journal / runs / 1000, 2),
    }


def rss_mib() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


# Twenty runs that do nothing

STUB = """
import json, sys, time
from pathlib import Path
time.sleep(2)
result = {"state": "ok", "measured": {"final_loss": 1.0, "seconds": 2.0, "paused": False}}
(Path(sys.argv[1]).parent / "result.json").write_text(json.dumps(result))
"""


def overhead_of(executor: str, runs: int = 20) -> dict[str, Any]:
    """What the engine adds to a run: from the line before its start to the line after its end, less the life of its
    training process, which sleeps for two seconds; two at once."""
    planned = tuple(PlannedRun(f"r{n:05}", n, "stub", {"epochs": 1}, {"seed": n}) for n in range(1, runs + 1))
    plan = Plan("overhead", AGENT, "", "", "loss", executor, 2, None, (), 0.5, planned)
    if executor == "ray":
        from allotment.experiments._ray import RayTasks

        place: Any = RayTasks(RayPlace(), in_flight=2)
    else:
        place = Local(in_flight=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        read = partial(read_outcome, values={}, is_right=is_right)
        driver = Driver(plan, folder, place, prepare=_prepare_stub, read=read)
        driver.run()
        place.close()
        found = spent_beside(folder, folder / "runs")
    return {"runs": runs, "overhead_s_per_run": found}


def _prepare_stub(run: PlannedRun, job: Job, *, until: int | None) -> None:
    worker = {"training": {"cards": 1, "epochs": 1}, "base": {"file": "none", "sha256": ""}}
    (job.folder / "work").mkdir(parents=True, exist_ok=True)
    spec = {"attempt": job.attempt, "worker": worker, "command": [sys.executable, "-c", STUB]}
    write_atomic(job.folder / "spec.json", json.dumps(spec))


# Ten runs, with and without a catastrophe


def disturbed(home: Path, executor: str) -> dict[str, Any]:
    """Rows of an undisturbed run beside those of one whose driver, or one of whose nodes, is killed in the middle."""
    quiet = run_quietly(company(home / "undisturbed"))
    other = company(home / f"disturbed-{executor}")
    killed = kill_a_node(other) if executor == "ray" else kill_the_driver(other)
    rows, found = outcomes(home / "undisturbed"), outcomes(other)
    same = {number: rows[number]["outcome"] == found[number]["outcome"] for number in rows}
    return {
        "executor": executor,
        "killed": killed,
        "rows_equal": sum(same.values()),
        "rows": len(same),
        "different": [number for number, equal in same.items() if not equal],
        "overhead_s_per_run": {"undisturbed": quiet, executor: overhead(other)},
        "undisturbed": rows,
        executor: found,
    }


def run_quietly(root: Path) -> dict[str, float]:
    subprocess.run([*COMMAND, "-C", str(root), "experiments", "run", "experiments/disturbed.yaml"], stdout=2)
    return overhead(root)


def kill_the_driver(root: Path) -> dict[str, Any]:
    """SIGKILL to the driver when two runs are done and others are at work; then the same command again."""
    command = [*COMMAND, "-C", str(root), "experiments", "run", "experiments/disturbed.yaml"]
    before: list[str] = []
    with subprocess.Popen(command, stdout=2) as process:
        while process.poll() is None:
            rows = load_rows(root)
            before = [row.id for row in rows if row.state == "running" and row.step]
            if sum(row.state == "done" for row in rows) >= 2 and before:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.5)
    time.sleep(5)  # nobody is there; the runs go on
    subprocess.run(command, stdout=2)
    attempts = {row.id: row.attempts for row in load_rows(root)}
    return {"what": "the driver", "at_work_then": before, "their_attempts": [attempts[one] for one in before]}


def kill_a_node(root: Path) -> dict[str, Any]:
    """A local Ray cluster of two nodes; the one with the run furthest on is removed once."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    extra = cluster.add_node(num_cpus=1, resources={"extra": 1})
    project = load_project(root)
    workspace = Workspace(project.root)
    file = root / "experiments" / "disturbed.yaml"
    if "address" not in file.read_text(encoding="utf-8"):
        told = f"executor: ray\nray: {{address: '{cluster.address}', shared_folder: false}}\n"
        write_atomic(file, file.read_text(encoding="utf-8") + told)
    experiment = plan_experiment(project, workspace, file, in_flight=3)
    killed: dict[str, Any] = {}

    def tell(plan: Plan, journal: Any, news: str) -> None:
        if news:
            print(news, file=sys.stderr, flush=True)
        busy = [row for row in load_rows(root) if row.state == "running" and (row.step or 0) >= 3]
        if not killed and len(busy) == 3:  # every node has one
            killed.update(what="a node", at_work_then=[row.id for row in busy])
            cluster.remove_node(extra, allow_graceful=False)

    run_experiment(project, workspace, experiment, is_right=is_right, tell=tell)
    cluster.shutdown()
    moved = [row for row in load_rows(root) if row.attempts > 1]
    resumed = [resumed_at(root, row.id) for row in moved]
    return {**killed, "moved": [row.id for row in moved], "resumed_at_step": resumed}


def resumed_at(root: Path, identity: str) -> list[int]:
    file = root / ".allotment/experiments/disturbed/runs" / identity.partition("/")[2] / "work/metrics.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    return [row["step"] for row in rows if row.get("event") == "resumed"]


def load_rows(root: Path) -> tuple[Any, ...]:
    try:
        return load_table(Workspace(root), "disturbed").rows
    except Exception:  # it has not begun, or is being written
        return ()


def outcomes(root: Path) -> dict[int, dict[str, Any]]:
    """What must be equal: how each run ended, and what it learnt to the last digit."""
    return {
        row.number: {"outcome": [row.state, row.loss, row.recall, row.step], "attempts": row.attempts, "why": row.error}
        for row in load_rows(root)
    }


def overhead(root: Path) -> dict[str, float]:
    """What the engine added to the runs of an experiment."""
    home = root / ".allotment" / "experiments" / "disturbed"
    return spent_beside(home, home / "runs")


def spent_beside(home: Path, runs: Path) -> dict[str, float]:
    """Seconds from the line before a run's start to the line after its end in which its training process did not live:
    writing its folder, starting the supervisor, the driver's looks; of runs that ended at their first attempt."""
    journal = [json.loads(line) for line in (home / "journal.jsonl").open("rb")]
    begun = {row["run"]: datetime.fromisoformat(row["at"]) for row in journal if row["event"] == "start"}
    found = []
    for row in journal:
        if row["event"] == "end" and row["ended"] != "infrastructure" and row["attempt"] == 1:
            result = json.loads((runs / row["run"] / "result.json").read_text(encoding="utf-8"))
            wall = (datetime.fromisoformat(row["at"]) - begun[row["run"]]).total_seconds()
            found.append(wall - result["training_s"])
    mean = sum(found) / len(found) if found else float("nan")
    return {"mean": round(mean, 2), "most": round(max(found, default=float("nan")), 2), "runs": len(found)}


# A comparison worth reading


def comparison(home: Path, results: Path) -> None:
    """24 runs; may be stopped and started again. The table is written anew each time a run ends."""
    root = company(home / "comparison")
    project = load_project(root)
    workspace = Workspace(project.root)
    experiment = plan_experiment(project, workspace, root / "experiments" / "comparison.yaml")
    ended = -1

    def tell(plan: Plan, journal: Any, news: str) -> None:
        nonlocal ended
        now = sum(one.ended is not None for run in journal.runs.values() for one in run.attempts)
        if now != ended and (workspace.home / "experiments" / plan.name / "plan.json").exists():
            ended = now
            write_comparison(workspace, results)

    run_experiment(project, workspace, experiment, is_right=is_right, tell=tell)
    write_comparison(workspace, results)


def write_comparison(workspace: Workspace, results: Path) -> None:
    """Markdown, the page with its pictures, and every figure."""
    table = load_table(workspace, "comparison")
    said = f"Measured on {datetime.now(UTC).date().isoformat()}, {machine()}.\n"
    write_atomic(results / "experiments_comparison.md", to_markdown(table) + "\n" + said)
    curves = load_curves(workspace, "comparison")
    write_atomic(results / "experiments_comparison.html", to_html(table, curves))
    pictures = {"cost": cost_plot(table), "settings": parallel_plot(table), "loss": curves_plot(curves, table)}
    for name, picture in pictures.items():
        write_atomic(results / f"experiments_comparison_{name}.svg", picture + "\n")
    rows = [{**vars(row)} for row in table.rows]
    effects = [vars(effect) for effect in table.effects]
    value = {"machine": machine(), "is_over": table.is_over, "rows": rows, "effects": effects}
    write_atomic(results / "experiments_comparison.json", json.dumps(value, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
