"""How fast, at what cost and how safely clients drive a teacher: this package's client beside other generators.

All ask a stand-in server with the latency and the faults of a real one, which runs in a process of its own, as does
every client. Writes ``benchmarks/results/dataset_clients.json`` after each measurement; what is not measured this time
stays as it is there, and ``--missing`` measures only what is not there yet.

    clients       the same sections asked by every client that an interpreter is given for
    bad-answers   half as many, once, with some answers that are prose or half a JSON; a prompt that is answered again
                  because of that counts as answered more than once
    alone         this client asking without end: answers per second beside the ideal, and share of a core
    memory        its peak memory over very many asks that are answered fast

The ideal: ``parallel`` requests in flight at every moment, so that ``parallel`` x share of requests answered / mean
seconds a request takes are answered a second. Being told to wait (HTTP 429) comes at once and takes no time from such
a client, which sends something else meanwhile; a dropped connection takes as long as an answer and gives none.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from support.process_tree import run_watched
from support.stub_teacher import PAIRS, Behaviour
from support.teacher_sections import write_sections

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "dataset_clients.json"
SUPPORT = HERE / "support"
OWN = "allotment"
OTHERS = ("distilabel", "synthetic-data-kit", "data-designer")
"""Names of packages; ``support/drive_*.py`` has a driver for each."""
PARTS = ("clients", "bad-answers", "alone", "memory")
BAD = Behaviour(prose=0.02, half=0.02)
FAST = Behaviour(median_s=0.02, limited=0.0)
"""The teacher of the memory part; with pauses at this speed it would not end."""
GOALS = {"alone": {"share_of_ideal": 0.95, "cpu_share": 0.25}, "memory": {"growth": 1.1}}
"""At least so much of the ideal, below so much of a core, and the peak of the most asks over that of the fewest."""
_SAID = re.compile(r"fail|error|drop", re.IGNORECASE)


@dataclass(frozen=True)
class Teacher:
    """A stand-in that is running."""

    port: int

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, Any]:
        """What it saw so far."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/stats") as answer:
            seen: dict[str, Any] = json.load(answer)
        return seen


@dataclass(frozen=True)
class Work:
    """What every client does."""

    teacher: Behaviour
    sections: int
    repeats: int
    parallel: int
    """Requests in flight, where the client can be told."""
    limit_s: float
    """A run is ended after this."""


@dataclass(frozen=True)
class Client:
    """A package that drives a teacher, and an interpreter that has it."""

    name: str
    python: Path

    def command(self, url: str, folder: Path, parallel: int) -> list[str | Path]:
        """Asks about ``sections.jsonl`` of a folder and writes ``pairs.jsonl`` there."""
        source, target = folder / "sections.jsonl", folder / "pairs.jsonl"
        if self.name == OWN:
            return [*_own_client(url, parallel), "--sections", source, "--out", target]
        driver = SUPPORT / f"drive_{self.name.replace('-', '_')}.py"
        # -P: names of our files are not to be found before those of the libraries.
        return [self.python, "-P", driver, url, source, target, str(parallel)]

    def place(self, folder: Path) -> Path:
        """Where it is run."""
        return HERE if self.name == OWN else folder

    def version(self) -> str:
        """As installed."""
        asked = f"import importlib.metadata as m; print(m.version({self.name!r}))"
        return subprocess.run([self.python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measure what was asked for and write the figures."""
    options = _options()
    target: Path = options.results
    figures = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    for part in options.only:
        kept = figures.setdefault(part, {}) if options.missing else {}
        for name, measure in _measurements(part, options):
            if name in kept and "exit" not in kept[name]:  # one that ended badly is measured again
                continue
            load = round(os.getloadavg()[0], 2)
            with tempfile.TemporaryDirectory(prefix="allotment-bench-") as folder:
                measured = measure(Path(folder))
            figures.setdefault(part, {})[name] = _surroundings(load) | measured
            _write(figures, target)
    show(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in OTHERS:
        parser.add_argument(f"--{name}", type=Path, metavar="PYTHON", help="an interpreter that has it")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go")
    parser.add_argument("--missing", action="store_true", help="keep what was measured before")
    parser.add_argument("--sections", type=int, default=600, help="how many are asked about")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each client")
    parser.add_argument("--parallel", type=int, default=256, help="requests in flight")
    parser.add_argument("--seconds", type=float, default=90.0, help="how long our client asks alone")
    parser.add_argument("--warm-up", type=float, default=30.0, help="seconds of these that do not count")
    parser.add_argument("--asks", type=int, nargs="+", default=[1_000, 10_000, 50_000, 200_000])
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a run is ended")
    return parser.parse_args()


def _measurements(part: str, options: argparse.Namespace) -> Iterator[tuple[str, Callable[[Path], dict[str, Any]]]]:
    """What belongs to a part: its name, and what measures it in an empty folder."""
    if part == "alone":
        yield "rate", partial(alone, options)
    elif part == "memory":
        for asks in options.asks:
            yield str(asks), partial(memory, options, asks)
    else:
        bad = part == "bad-answers"
        work = Work(
            BAD if bad else Behaviour(),
            sections=options.sections // 2 if bad else options.sections,
            repeats=1 if bad else options.repeats,
            parallel=options.parallel,
            limit_s=options.limit,
        )
        for name in (OWN, *OTHERS):
            python = Path(sys.executable) if name == OWN else getattr(options, name.replace("-", "_"))
            if python is not None:
                # Not made absolute by resolving: a link is how a virtual environment is known.
                yield name, partial(client_figures, Client(name, python.absolute()), work)


def client_figures(client: Client, work: Work, folder: Path) -> dict[str, Any]:
    """Runs of one client; the rate is the median of them."""
    write_sections(folder / "sections.jsonl", work.sections)
    runs = []
    for number in range(1, work.repeats + 1):
        runs.append(one_run(client, replace(work, teacher=replace(work.teacher, seed=number)), folder))
        print(json.dumps({"client": client.name, **runs[-1]}), flush=True)
    rate = statistics.median(run["items_per_second"] for run in runs)
    return {
        "version": client.version(),
        "sections": work.sections,
        "parallel": work.parallel,
        "teacher": asdict(work.teacher),
        "items_per_second": rate,
        "share_of_ideal": round(rate / work.teacher.ideal_per_second(work.parallel), 3),
        "runs": runs,
    }


def one_run(client: Client, work: Work, folder: Path) -> dict[str, Any]:
    """One client against a fresh teacher. An item is a section; a row, one of its ten pairs.

    Rows are missing silently if the client ends well and not a line it prints speaks of something that failed.
    """
    target, environment = folder / "pairs.jsonl", _environment(folder)
    target.unlink(missing_ok=True)
    with teacher(work.teacher) as server:
        command, cwd = client.command(server.url, folder, work.parallel), client.place(folder)
        run = run_watched(command, cwd=cwd, environment=environment, log=folder / "log", limit_s=work.limit_s)
        seen = server.stats()
    rows = len(set(target.read_text(encoding="utf-8").splitlines())) if target.exists() else 0
    missing = work.sections * PAIRS - rows
    said = next((line.strip()[:200] for line in run.output.splitlines() if _SAID.search(line)), "") if missing else ""
    return {
        "items_per_second": round(rows / PAIRS / seen["first_to_last_s"], 2) if rows else 0.0,
        "exit": run.exit,
        "wall_s": run.wall_s,
        "cpu_s": run.cpu_s,
        "peak_mib": run.peak_mib,
        "rows": rows,
        "rows_missing": missing,
        "rows_missing_silently": 0 if run.exit != 0 or said else missing,
        "said": said,
        "server": seen,
    }


def _own_client(url: str, parallel: int) -> list[str | Path]:
    return [sys.executable, "-m", "support.drive_allotment", f"{url}#stub", "--parallel", str(parallel)]


def _environment(folder: Path) -> dict[str, str]:
    """An empty home, nothing sent to anybody, and no lines about every single request."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    return kept | {
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "DISTILABEL_LOG_LEVEL": "WARNING",
        "HF_HUB_OFFLINE": "1",
        "NEMO_TELEMETRY_ENABLED": "false",
    }


def alone(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Our client with nothing else to do than to ask."""
    behaviour = Behaviour()
    words = ["--endless", str(options.seconds), "--warm-up", str(options.warm_up)]
    measured = own_figures(options, behaviour, words, folder)
    ideal = behaviour.ideal_per_second(options.parallel)
    steady = measured["after_warm_up"]
    return {
        "goals": GOALS["alone"],
        "teacher": asdict(behaviour),
        "parallel": options.parallel,
        "ideal_per_second": round(ideal, 2),
        "share_of_ideal": round(steady["per_second"] / ideal, 3),
        "share_of_ideal_with_warm_up": round(measured["whole"]["per_second"] / ideal, 3),
        "cpu_share": steady["cpu_share"],
        **measured,
    }


def memory(options: argparse.Namespace, asks: int, folder: Path) -> dict[str, Any]:
    """Peak memory of our client over so many asks."""
    measured = own_figures(options, FAST, ["--asks", str(asks)], folder)
    return {"teacher": asdict(FAST), "parallel": options.parallel, **measured}


def own_figures(
    options: argparse.Namespace, behaviour: Behaviour, words: Sequence[str], folder: Path
) -> dict[str, Any]:
    """What our client says of itself, and what the teacher saw."""
    with teacher(behaviour) as server:
        run = run_watched(
            [*_own_client(server.url, options.parallel), *words],
            cwd=HERE,
            environment=_environment(folder),
            log=folder / "log",
            limit_s=options.limit + options.seconds,
        )
        seen = server.stats()
    if run.exit != 0:
        return {"exit": run.exit, "said": run.output[-500:], "server": seen}
    measured: dict[str, Any] = json.loads(run.output.splitlines()[-1])
    print(json.dumps(measured), flush=True)
    return measured | {"server": seen}


@contextmanager
def teacher(behaviour: Behaviour) -> Iterator[Teacher]:
    """A stand-in in a process of its own."""
    command = [sys.executable, str(SUPPORT / "stub_teacher.py"), *behaviour.arguments()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Teacher(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


def _surroundings(load: float) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load_before": load,
    }


def show(figures: Mapping[str, Any]) -> None:
    """Print a short table of each part."""
    for part in ("clients", "bad-answers"):
        for name, one in figures.get(part, {}).items():
            for run in one["runs"]:
                print(f"{part:11} {name:18} {_client_line(run)}")
    for one in figures.get("alone", {}).values():
        goal = GOALS["alone"]
        if "share_of_ideal" in one:
            print(f"alone       {one['share_of_ideal']:.1%} of the ideal (goal: at least {goal['share_of_ideal']:.0%})")
            print(f"alone       {one['cpu_share']:.1%} of a core (goal: below {goal['cpu_share']:.0%})")
    peaks = {int(asks): one["peak_mib"] for asks, one in figures.get("memory", {}).items() if "peak_mib" in one}
    for asks, peak in sorted(peaks.items()):
        print(f"memory      {asks:7} asks: {peak} MiB")
    if len(peaks) > 1:
        growth = peaks[max(peaks)] / peaks[min(peaks)]
        print(f"memory      grows {growth:.2f}-fold (goal: at most {GOALS['memory']['growth']}-fold, flat)")


def _client_line(run: Mapping[str, Any]) -> str:
    server = run["server"]
    return (
        f"{run['items_per_second']:7.2f} items/s  wall {run['wall_s']:6.1f} s  CPU {run['cpu_s']:6.2f} s"
        f"  {run['peak_mib']:7.1f} MiB  {server['requests']} requests"
        f"  {server['prompts_answered_more_than_once']} paid twice  {run['rows']} rows"
        f"  {run['rows_missing']} missing, {run['rows_missing_silently']} silently"
    )


def _write(figures: Mapping[str, Any], target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    waiting = target.with_suffix(".tmp")
    waiting.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    waiting.replace(target)  # whole at every moment, so that a run that was cut off can go on


if __name__ == "__main__":
    main()
