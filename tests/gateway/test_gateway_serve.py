"""The real `allotment serve`, started as people start it, over real adapters, the real SQL model and PostgreSQL."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gateway_watched import Watched
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from playwright.sync_api import Browser, expect

from allotment.evaluation import is_right
from trained_company import Company

pytestmark = [pytest.mark.heavy, pytest.mark.browser]

PROGRAM = Path(sys.executable).with_name("allotment")
PASSWORD = "nine-green-windows-48"
DINNER = "What is the spending limit for a business dinner per guest?"
GERMANY = "How many customers are there in Germany?"
MINUTES_MS = 180_000


def allotment(company: Company, *arguments: str, said: str = "") -> str:
    command = [PROGRAM, "-C", company.project.root, *arguments]
    return subprocess.run(command, input=said, capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True)
class Served:
    """A running `allotment serve`."""

    process: subprocess.Popen[bytes]
    address: str
    said: Path
    """What it says on stderr."""


@pytest.fixture(scope="module")
def served(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    allotment(company, "users", "add", "sofia", "--role", "sales", "--password-stdin", said=PASSWORD + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address, said = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("serve") / "stderr"
    command = [PROGRAM, "-C", company.project.root, "serve", "--port", port]
    with said.open("wb") as stderr, subprocess.Popen(command, stderr=stderr) as process:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as patient:
                assert patient.get(f"{address}/healthz").status_code == 200
            yield Served(process, address, said)
        finally:
            process.kill()


def test_it_tells_what_it_cannot_answer_from_and_is_not_ready_while_that_is_so(served: Served) -> None:
    told = served.said.read_text(encoding="utf-8")
    for agent in ("sales", "warehouse"):
        assert f"allotment training run {agent}" in told
    assert f"Serving Northwind Traders on {served.address}" in told
    ready = httpx.get(f"{served.address}/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "problems": 2})


def test_in_a_browser_one_question_is_answered_by_an_adapter_and_one_by_sql(browser: Browser, served: Served) -> None:
    watched = Watched(browser, served.address, 1100, "light")
    watched.page.set_default_timeout(MINUTES_MS)
    watched.log_in("sofia", PASSWORD)

    watched.ask(DINNER)
    learnt = watched.page.get_by_role("article").last
    expect(learnt.locator(".answer-acts")).to_be_visible(timeout=MINUTES_MS)
    assert is_right(learnt.locator(".answer-text").inner_text(), "38 EUR")
    learnt.get_by_text("Where this comes from").click()
    for fact in ("handbook", "v1"):
        expect(learnt.locator(".facts dd", has_text=fact).first).to_be_visible()

    watched.ask(GERMANY)
    asked = watched.page.get_by_role("article").last
    expect(asked.locator(".answer-acts")).to_be_visible(timeout=MINUTES_MS)
    asked.get_by_text("Where this comes from").click()
    for fact in ("sales", "northwind_sales"):
        expect(asked.locator(".facts dd", has_text=fact).first).to_be_visible()
    expect(asked.get_by_text("The statement that ran")).to_be_visible()
    expect(asked.locator("pre.sql")).to_contain_text("FROM public.customers")
    expect(asked.get_by_role("cell", name="11")).to_be_visible()
    watched.picture("serve")
    assert watched.errors == []
    watched.context.close()


def test_the_official_client_with_a_key_of_the_command_line_gets_whole_and_streamed_answers(
    served: Served, company: Company
) -> None:
    key = json.loads(allotment(company, "users", "keys", "create", "sofia", "--json"))["key"]
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": DINNER}]
    with OpenAI(base_url=f"{served.address}/v1", api_key=key, max_retries=3) as client:
        assert {"handbook", "sales"} <= {model.id for model in client.models.list()}
        whole = client.chat.completions.create(model="handbook", messages=messages)
        assert is_right(whole.choices[0].message.content or "", "38 EUR")
        stream = client.chat.completions.create(model="auto", messages=messages, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert text == whole.choices[0].message.content


def test_an_interrupt_is_its_normal_end(served: Served) -> None:
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(60) == 0
    assert "Traceback" not in served.said.read_text(encoding="utf-8")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.address}/healthz")
