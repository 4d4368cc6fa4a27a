"""The gateway at half its load while everything around it breaks: what it answers, what it records, what it leaks.

While clients ask, the database is killed, the server of the adapters is killed and comes back, the project's disk is
filled, one client reads a byte a second, and two hundred vanish in the middle. Afterwards every answer the clients had
and every request the adapters' server saw is looked for in the audit record, and the record is verified. Writes
``benchmarks/results/gateway_soak.json``; exit code 1 where something of it does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.gateway_clients import Clients
from support.gateway_faults import Faults
from support.gateway_project import Company, make_company
from support.gateway_reconcile import reconcile
from support.gateway_servers import Server, free_port, gateway_command, running

from allotment.databases import EmbeddedServer
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "gateway_soak.json"
RECOVERY_S = 10.0
FEW = 3
"""Connections that may be open when nobody asks."""
VANISHING = 200
"""Clients that vanish at once. Threads that answered them are kept for the next ones."""
GROWTH_MIB = 64.0
"""Memory the gateway may hold more at the end than after its warm-up."""


async def soak(company: Company, gateway: Server, faults: Faults, minutes: float, rate: float) -> dict[str, Any]:
    """Ask for ``minutes`` at ``rate`` a second, with each fault once at its share of the time."""
    clients = Clients(gateway.port, company.keys)
    seconds = minutes * 60
    asking = asyncio.create_task(clients.ask_steadily(rate, seconds))
    began, events = time.monotonic(), []
    await asyncio.sleep(seconds * 0.1)
    early = gateway.state()
    plan: list[tuple[float, str, Callable[[], Awaitable[Any]]]] = [
        (0.15, "database killed", faults.kill_database),
        (0.35, "adapter server killed", faults.kill_upstream),
        (0.55, "disk filled", faults.fill_disk),
        (0.70, "two hundred clients vanish", lambda: clients.vanish(VANISHING)),
        (0.75, "one client reads a byte a second", lambda: clients.read_slowly(min(30.0, seconds * 0.1))),
    ]
    for share, name, break_it in plan:
        await asyncio.sleep(max(0.0, began + share * seconds - time.monotonic()))
        at_s = round(time.monotonic() - began, 1)
        detail = await break_it()
        mended = time.monotonic()
        recovery_s = await clients.recovered_after(mended)
        events.append({"fault": name, "at_s": at_s, "recovery_s": recovery_s, "detail": detail})
        print(f"{at_s:6.0f} s  {name}: answered again after {recovery_s} s", flush=True)
    await asking
    await clients.settle()
    late = gateway.state()
    return {
        "faults": events,
        "clients": clients.tally(),
        "state_early": early,
        "state_at_end": late,
        "state_idle": await idle(gateway),
    }


async def idle(gateway: Server) -> dict[str, int | float]:
    """The gateway when its kept connections had the time to be closed, or after two minutes."""
    limit = time.monotonic() + 120
    while (state := gateway.state())["tcp_connections"] > FEW and time.monotonic() < limit:
        await asyncio.sleep(1)
    return state


def findings(figures: dict[str, Any]) -> list[str]:
    """What does not hold."""
    record, clients = figures["record"], figures["clients"]
    early, late = figures["state_early"], figures["state_idle"]
    checks = {
        f"{clients['wrong']} wrong answers": clients["wrong"] > 0,
        "no answers at all": clients["answered"] == 0,
        f"{record['answers_without_record']} answers without a record": record["answers_without_record"] > 0,
        f"{record['requests_without_record']} requests without a record": record["requests_without_record"] > 0,
        f"audit verify: {record['verify']}": not record["whole"],
        "memory grew": late["rss_mib"] > early["rss_mib"] + GROWTH_MIB,
        "file descriptors stayed open": late["file_descriptors"] > early["file_descriptors"],
        "more threads than answers at once": late["threads"] > early["threads"] + VANISHING,
        "connections stayed open": late["tcp_connections"] > FEW,
    }
    slow = [one for one in figures["faults"] if one["recovery_s"] is None or one["recovery_s"] > RECOVERY_S]
    return [name for name, fails in checks.items() if fails] + [
        f"{one['fault']}: {one['recovery_s']} s" for one in slow
    ]


def run(minutes: float, rate: float, folder: Path) -> dict[str, Any]:
    """The whole soak in a new folder."""
    with ExitStack() as stack:
        root, seen, port = folder / "project", folder / "seen.txt", free_port()
        root.mkdir()
        faults = Faults(root, port, seen, folder)
        stack.callback(faults.close)
        faults.mount()
        company = make_company(root, f"http://127.0.0.1:{port}/v1")
        stack.callback(EmbeddedServer(Workspace(root)).remove)
        faults.start_upstream(company.adapters)
        gateway_port = free_port()
        command = gateway_command(root, gateway_port)
        with running("allotment", command, gateway_port, folder, "/healthz") as gateway:
            figures = asyncio.run(soak(company, gateway, faults, minutes, rate))
            answers = figures["clients"].pop("decisions")
        figures["record"] = reconcile(company.project, answers, seen)
        return figures


def main() -> None:
    """Run it and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument(
        "--rate", type=float, help="requests a second; half of what benchmarks/gateway.py found if none"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="allotment-soak-"))
    try:
        figures = run(options.minutes, options.rate or half_load(), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures["about"] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "minutes": options.minutes,
        "per_second": options.rate or half_load(),
    }
    figures["findings"] = findings(figures)
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"clients": figures["clients"], "record": figures["record"]}, indent=1))
    if figures["findings"]:
        sys.exit("does not hold: " + "; ".join(figures["findings"]))
    print(f"written: {options.out}")


def half_load() -> float:
    """Half of the rate the gateway was measured to give; ten a second where it was not measured."""
    measured = RESULTS.with_name("gateway.json")
    if not measured.exists():
        return 10.0
    return float(json.loads(measured.read_text(encoding="utf-8"))["allotment"]["most_per_second"]) / 2


if __name__ == "__main__":
    main()
