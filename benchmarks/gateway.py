"""What the gateway adds to an answer, and how many answers a second it gives, beside LiteLLM's proxy and a bare one.

All stand in front of the same stub (20 ms to the first token, then 100 a second, 16 tokens), one after another on the
same cores; the gateway is a real project with PostgreSQL, keys, guard rules, routing, decisions and the record of them.
Writes ``benchmarks/results/gateway.json``. ``--quick`` is a smoke run of a minute and writes elsewhere unless told.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.gateway_held import memory_of_open_streams
from support.gateway_project import Company, make_company
from support.gateway_servers import (
    CADDY,
    LITELLM,
    LITELLM_KEY,
    Server,
    free_port,
    gateways,
    litellm,
    reverse_proxy,
    running,
    stub_command,
)

from allotment.databases import EmbeddedServer
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "gateway.json"
AT_ONCE = (1, 8, 32)


@dataclass(frozen=True)
class Sizes:
    """How long each part is measured, in seconds, and with how much in flight."""

    latency_s: float
    saturation_s: float
    saturated: tuple[int, ...]
    streams: int


FULL = Sizes(30, 20, (64, 128, 256), 500)
QUICK = Sizes(2, 2, (64,), 50)


@dataclass(frozen=True)
class Target:
    """Something that is measured: where it listens, what it is asked with."""

    name: str
    servers: Sequence[Server]
    key: str
    model: str

    def drive(self, in_flight: int, seconds: float, *, stream: bool = False) -> dict[str, Any]:
        """One measurement by the load generator."""
        told = {"ports": [server.port for server in self.servers], "key": self.key, "model": self.model}
        load = told | {"in_flight": in_flight, "seconds": seconds, "stream": stream}
        before = sum(server.cpu_s() for server in self.servers)
        done = subprocess.run(
            [sys.executable, "-m", "support.gateway_load"],
            input=json.dumps(load),
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
        tally = json.loads(done.stdout)
        spent = sum(server.cpu_s() for server in self.servers) - before
        answers = len(tally["latencies_s"])
        found = {"in_flight": in_flight, "answers": answers, "failed": tally["failed"], "wrong": tally["wrong"]}
        found["per_second"] = round(answers / seconds, 1)
        # The warm-up takes processor time too.
        found["processor_ms_an_answer"] = round(spent * 1000 / max(1, answers * (seconds + 1) / seconds), 2)
        found["generator_share_of_a_core"] = tally["generator_share_of_a_core"]
        if tally["failed"]:
            found["last_failure"] = tally["last_failure"]
        return found | spread("latency", tally["latencies_s"]) | (spread("first", tally["first_s"]) if stream else {})


def spread(name: str, seconds: Sequence[float]) -> dict[str, float | None]:
    """Percentiles in milliseconds; none where too little was measured."""
    if len(seconds) < 2:
        return {f"{name}_p{share}_ms": None for share in (50, 95, 99)}
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"{name}_p{share}_ms": round(cuts[share - 1] * 1000, 2) for share in (50, 95, 99)}


def measure(target: Target, sizes: Sizes, *, more: tuple[int, ...] = ()) -> dict[str, Any]:
    """Latency with a few in flight, the rate at saturation, and the delay of the first words of a stream.

    ``more`` are further numbers in flight for what is not saturated by the others.
    """
    print(f"{target.name} …", flush=True)
    latency = [target.drive(count, sizes.latency_s) for count in AT_ONCE]
    saturated = [target.drive(count, sizes.saturation_s) for count in (*sizes.saturated, *more)]
    streams = target.drive(8, sizes.latency_s, stream=True)
    best = max(saturated, key=lambda found: float(found["per_second"]))
    print(f"  p50 {latency[0]['latency_p50_ms']} ms alone, at most {best['per_second']} a second", flush=True)
    return {"latency": latency, "saturation": saturated, "streams": streams, "most_per_second": best["per_second"]}


def added(found: dict[str, Any], stub: dict[str, Any]) -> list[dict[str, Any]]:
    """What stands between the stub's percentile and the target's, for each number in flight."""
    names = [f"latency_p{share}_ms" for share in (50, 95, 99)]
    return [
        {"in_flight": mine["in_flight"]}
        | {
            name.replace("latency", "added"): None if mine[name] is None else round(mine[name] - its[name], 2)
            for name in names
        }
        for mine, its in zip(found["latency"], stub["latency"], strict=True)
    ]


@contextmanager
def company_and_stub(folder: Path) -> Iterator[tuple[Company, Server]]:
    """A project in a new folder and its upstream; its database server is removed at the end."""
    root, port = folder / "project", free_port()
    root.mkdir()
    try:
        company = make_company(root, f"http://127.0.0.1:{port}/v1")
        with running("stub", stub_command(port, company.adapters), port, folder) as stub:
            yield company, stub
    finally:
        EmbeddedServer(Workspace(root)).remove()


def run(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """All of it, one target after another."""
    found: dict[str, Any] = {}
    with company_and_stub(folder) as (company, stub):
        found["stub"] = measure(Target("stub", [stub], "none", "stub"), sizes, more=(640,))
        with reverse_proxy(stub.port, folder) as proxy:
            target = Target(proxy.name, [proxy], "none", "stub")
            found["proxy"] = measure(target, sizes, more=(640,)) | {"what": proxy.name}
        with litellm(stub.port, folder) as peer:
            target = Target("litellm", [peer], LITELLM_KEY, "stub")
            found["litellm"] = measure(target, sizes) | {"what": LITELLM, "rss_mib": peer.rss_mib()}
        for count, name in ((1, "allotment"), (2, "allotment_two")):
            with gateways(company.project.root, count, folder) as servers:
                target = Target(name, servers, company.keys["ann"], "auto")
                found[name] = measure(target, sizes) | {"rss_mib": servers[0].rss_mib()}
                if count == 1:
                    found[name]["open_streams"] = memory_of_open_streams(servers[0], company.keys["ann"], sizes.streams)
    for name in ("proxy", "litellm", "allotment"):
        found[name]["added"] = added(found[name], found["stub"])
    return found


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of about a minute")
    parser.add_argument("--out", type=Path, help="where the figures go")
    options = parser.parse_args()
    target = options.out or (Path(tempfile.gettempdir()) / "gateway-quick.json" if options.quick else RESULTS)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="allotment-gateway-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        figures = run(QUICK if options.quick else FULL, folder)
    figures["about"] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "waiting_for_a_core": round(os.getloadavg()[1], 1),
        "quick": options.quick,
        "seconds": round(time.monotonic() - began),
        "peers": {"litellm": LITELLM, "proxy": figures["proxy"]["what"], "installed_without_nginx": CADDY},
    }
    ratio = figures["allotment"]["most_per_second"] / max(0.1, figures["litellm"]["most_per_second"])
    two = figures["allotment_two"]["most_per_second"] / max(0.1, figures["allotment"]["most_per_second"])
    figures["goals"] = {
        "added_p95_ms_below_10": max(one["added_p95_ms"] for one in figures["allotment"]["added"]),
        "times_litellms_rate_at_least_8": round(ratio, 1),
        "two_instances_times_the_rate_at_least_2": round(two, 2),
    }
    target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures["goals"], indent=1))
    print(f"written: {target}")


if __name__ == "__main__":
    main()
