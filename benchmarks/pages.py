"""How heavy the first page is, how soon it can be used, and whether a long answer streams smoothly.

A real gateway over real PostgreSQL, chromium on the same machine. The answers are written by a chain without a model,
one token at a time, as fast as it is told to; so what is measured is the gateway and the page.
Writes ``benchmarks/results/pages.json``; ``--quick`` measures less and writes elsewhere unless told.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from allotment.access import Policy, Principal
from allotment.answering import AgentInfo, Answer, AnswerOptions, Delta, DocumentText, Embedding, Event, Step
from allotment.databases import Databases
from allotment.gateway import SERVER_OPTIONS, UserStore, create_app, open_limiter
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "pages.json"
EXAMPLE = Path(__file__).parents[1] / "src" / "allotment" / "examples" / "northwind"
TOKENS = 5_000
PER_SECOND = (100, 400)
PARAGRAPH = (
    "The offer follows **three** rules, see `playbook`: above twenty boxes five percent, above forty boxes twelve"
    " percent, and nothing more without your lead. \n\n- One point to keep in mind\n- Another one, with *stress*\n\n"
    "| boxes | discount |\n| ---: | ---: |\n| 20 | 5 % |\n| 40 | 12 % |\n\n```python\ndef discount(boxes):\n"
    "    return 0.12 if boxes > 40 else 0.05\n```\n\n"
)
FRAMES = """() => {
  window.frames_ = [];
  let last = performance.now();
  const tick = (now) => { frames_.push([now, now - last]); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""


class Writing:
    """A chain that writes an answer of ``TOKENS`` tokens, ``per_second`` of them a second."""

    per_second = 200

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        return (AgentInfo("handbook", "rules for all staff"), AgentInfo("sales", "discounts, offers, key accounts"))

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        raise NotImplementedError

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        raise NotImplementedError

    def stream(
        self,
        principal: Principal,
        question: str,
        *,
        agent: str | None = None,
        options: AnswerOptions | None = None,
        context: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> Iterator[Event]:
        yield Step("checking")
        yield Step("authorizing", "sales")
        yield Step("answering", means="adapter")
        pieces = tokens_of(TOKENS)
        begun = time.monotonic()
        for number, piece in enumerate(pieces):
            time.sleep(max(0.0, begun + number / self.per_second - time.monotonic()))
            yield Delta(piece)
        yield Answer("answered", "".join(pieces), agent="sales", adapter="v1", record=1)


def tokens_of(count: int) -> list[str]:
    """Pieces of about four characters, as a model writes them."""
    text = PARAGRAPH * (count * 4 // len(PARAGRAPH) + 1)
    return [text[at : at + 4] for at in range(0, count * 4, 4)]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of the application while this lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, **SERVER_OPTIONS))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def gateway(folder: Path, chain: Writing) -> Iterator[tuple[str, str]]:
    """The address of a gateway and the token of a session."""
    shutil.copytree(EXAMPLE, folder)
    project = load_project(folder)
    with Databases(project, Workspace(folder)) as databases, UserStore(databases.state_dsn) as users:
        users.migrate(databases.admin_dsn("allotment"))
        users.add("sofia", "sales", "a-long-enough-password")
        record = Counting()
        with open_limiter(databases.state_dsn, project, record) as limiter:
            app = create_app(
                chain,
                users,
                title=project.name,
                ready=list,
                policy=Policy.of(project),
                record=record,
                limiter=limiter,
            )
            with serving(app) as address:
                yield address, users.start_session("sofia")


class Counting:
    """A record nobody reads."""

    def __call__(self, *_: Any) -> int:
        return 1


def opened(browser: Browser, address: str, token: str) -> Page:
    """A page with the session of a user, and an empty cache."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "allotment_session", "value": token, "url": address}])
    return context.new_page()


def weight(browser: Browser, address: str, token: str) -> dict[str, int]:
    """Bytes that come over the line for the first page, by kind."""
    page = opened(browser, address, token)
    sizes: dict[str, int] = {}

    def finished(request: Any) -> None:
        kind = request.resource_type
        sizes[kind] = sizes.get(kind, 0) + max(0, request.sizes()["responseBodySize"])

    page.on("requestfinished", finished)
    page.goto("/", wait_until="networkidle")
    page.context.close()
    return {**sizes, "total": sum(sizes.values())}


class Work:
    """Processor time of a page's main thread, which does not grow when other programs want the machine."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def ms(self) -> float:
        """Milliseconds since the page began."""
        found = self._session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(one["value"]) for one in found if one["name"] == "TaskDuration")


def usable(browser: Browser, address: str, token: str, count: int) -> dict[str, float]:
    """Milliseconds from the request to a field one can type into, first with an empty cache, then with a full one."""
    told: dict[str, list[float]] = {"empty cache": [], "full cache": []}
    work: list[float] = []
    for _ in range(count):
        page = opened(browser, address, token)
        page.add_init_script("addEventListener('DOMContentLoaded', () => { window.usable = performance.now(); });")
        measured = Work(page)
        for cache in told:
            before = measured.ms()
            page.goto("/")
            page.wait_for_function("!document.getElementById('question').disabled")
            told[cache].append(page.evaluate("window.usable"))
            work.append(measured.ms() - before)
        page.context.close()
    kinds = (("fastest ms", min), ("median ms", statistics.median), ("slowest ms", max))
    waited = {f"{cache}, {name}": round(of(times), 1) for cache, times in told.items() for name, of in kinds}
    return {**waited, "work of the page, median ms": round(statistics.median(work), 1)}


def smooth(browser: Browser, address: str, token: str, per_second: int) -> dict[str, float]:
    """Frames while an answer of ``TOKENS`` tokens streams."""
    page = opened(browser, address, token)
    page.goto("/")
    page.wait_for_function("!document.getElementById('question').disabled")
    measured = Work(page)
    worked = measured.ms()
    page.evaluate(FRAMES)
    page.locator("#question").fill("Tell me all the rules.")
    page.locator("#question").press("Enter")
    page.wait_for_selector(".answer-text > p", timeout=60_000)
    begun = page.evaluate("performance.now()")
    page.wait_for_selector(".answered .answer-acts", timeout=300_000)
    ended = page.evaluate("performance.now()")
    worked = measured.ms() - worked
    frames = [gap for at, gap in page.evaluate("frames_") if begun < at < ended]
    moments = [at for at, _ in page.evaluate("frames_") if begun < at < ended]
    page.context.close()
    seconds = [
        sum(1 for at in moments if start <= at < start + 1000) for start in range(int(begun), int(ended) - 1000, 250)
    ]
    ordered = sorted(frames)
    return {
        "tokens": TOKENS,
        "tokens a second": round(TOKENS / ((ended - begun) / 1000)),
        "frames a second, mean": round(1000 * len(frames) / (ended - begun), 1),
        "frames in the worst second": min(seconds, default=0),
        "longest frame ms": round(max(frames), 1),
        "99th percentile ms": round(ordered[int(len(ordered) * 0.99)], 1),
        "work of the page, ms a frame": round(worked / len(frames), 2),
        "work of the page, share of a core": round(worked / (ended - begun), 3),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    chain = Writing()
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway(Path(folder) / "project", chain) as (address, token),
        sync_playwright() as playwright,
    ):
        executable = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        found: dict[str, Any] = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "load before": round(os.getloadavg()[0], 1),
            "browser": browser.version,
            "first page bytes": weight(browser, address, token),
            "usable": usable(browser, address, token, 3 if asked.quick else 10),
            "streaming": [],
        }
        for per_second in PER_SECOND[1:] if asked.quick else PER_SECOND:
            chain.per_second = per_second
            found["streaming"].append(smooth(browser, address, token, per_second))
        browser.close()
    target = asked.output or (Path(tempfile.gettempdir()) / "pages.json" if asked.quick else RESULTS)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
