"""An answer ends at once when its client is gone, when his access ended, or when its time is up."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from doors import StandInModel
from gateway_standin import StandInChain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_application import Whole

from allotment.access import Principal
from allotment.answering import Answer, Delta, Event, Step
from allotment.cancellation import Cancellation, cancellable, current
from allotment.databases import Databases
from allotment.errors import Cancelled, TimeLimitReached
from allotment.gateway import UserStore
from allotment.gateway.web import _stream
from allotment.gateway.web._stream import AccessEnded, Began, in_thread


@dataclass
class Endless:
    """A chain that works until it is told to stop, and remembers how it ended."""

    yields: bool
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    why: list[str] = field(default_factory=list)

    def __call__(self) -> Iterator[Event]:
        woken = threading.Event()
        yield Step("checking")
        self.began.set()
        try:
            with current().calling(woken.set):
                while not woken.wait(0.005):
                    if self.yields:
                        yield Delta("on ")
            current().require()
        except Cancelled as stopped:
            self.why.append(stopped.message)
            yield Answer("failed", "stopped")
        finally:
            self.ended.set()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stream, "STILL_EVERY_S", 0.02)
    monkeypatch.setattr(_stream, "GRACE_S", 0.5)


async def read(executor: ThreadPoolExecutor, start: Callable[[], Iterator[Event]], **options: Any) -> list[Any]:
    found: list[Any] = []
    async with aclosing(in_thread(executor, start, **options)) as events:
        try:
            async for event in events:
                if not isinstance(event, Began):
                    found.append(event)  # noqa: PERF401 - what came before an error counts
        except Exception as error:
            found.append(error)
    return found


@pytest.mark.parametrize("yields", [True, False])
def test_whoever_leaves_stops_the_chain_where_it_stands_and_frees_its_thread(
    executor: ThreadPoolExecutor, yields: bool
) -> None:
    chain = Endless(yields)

    async def leave() -> None:
        async with aclosing(in_thread(executor, chain)) as events:
            async for _ in events:
                break
            await asyncio.to_thread(chain.began.wait, 10)

    asyncio.run(leave())
    assert chain.ended.wait(10)
    assert executor.submit(lambda: "free").result(10) == "free"


@pytest.mark.parametrize("answer", [False, RuntimeError("the database is gone")])
@pytest.mark.parametrize("yields", [True, False])
def test_whoever_may_no_longer_have_the_answer_gets_an_error_and_nothing_more(
    executor: ThreadPoolExecutor, answer: bool | Exception, yields: bool
) -> None:
    chain, asked = Endless(yields), 0

    def still() -> bool:
        nonlocal asked
        asked += 1
        if asked < 3:
            return True
        if isinstance(answer, Exception):
            raise answer
        return answer

    found = asyncio.run(read(executor, chain, still=still))
    assert isinstance(found[-1], AccessEnded) and asked == 3
    assert not any(isinstance(event, Answer) for event in found)
    assert chain.ended.wait(10)


def test_an_answer_takes_no_longer_than_it_may_and_its_end_says_so(executor: ThreadPoolExecutor) -> None:
    chain = Endless(yields=False)
    found = asyncio.run(read(executor, chain, limit_s=0.05))
    assert isinstance(found[-1], Answer) and found[-1].outcome == "failed"
    assert chain.why == ["the answer took longer than 0.05 s."]


def test_a_chain_that_does_not_listen_is_given_up_when_its_grace_is_over(executor: ThreadPoolExecutor) -> None:
    go_on = threading.Event()

    def deaf() -> Iterator[Event]:
        yield Step("checking")
        go_on.wait(30)
        yield Delta("too late")

    async def given_up() -> list[Any]:
        try:
            return await read(executor, deaf, limit_s=0.05)
        finally:
            go_on.set()

    found = asyncio.run(given_up())
    assert isinstance(found[-1], TimeLimitReached) and not any(isinstance(event, Delta) for event in found)


@given(st.lists(st.sampled_from(["step", "delta"]), max_size=20))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_an_answer_nobody_interrupts_comes_whole_and_in_order(executor: ThreadPoolExecutor, kinds: list[str]) -> None:
    events: list[Event] = [Step("checking") if kind == "step" else Delta(str(n)) for n, kind in enumerate(kinds)]
    whole = [*events, Answer("answered", "x")]
    assert asyncio.run(read(executor, lambda: iter(whole), still=lambda: True, limit_s=60)) == whole


BODY = b'{"model":"auto","messages":[{"role":"user","content":"go on"}],"stream":%s}'


@pytest.mark.parametrize("stream", [False, True])
def test_two_hundred_clients_that_vanish_leave_every_thread_free(
    address: str, store: UserStore, chain: StandInChain, stream: bool
) -> None:
    chain.endless = True
    place, key = urlsplit(address), store.create_key("eva")
    body = BODY % str(stream).lower().encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {place.hostname}\r\nAuthorization: Bearer {key}\r\n"
    whole = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(200):
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
            connection.sendall(whole)
    chain.endless = False
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {key}"}, timeout=30) as client:
        for _ in range(17):  # one more than there are threads
            assert client.post("/v1/chat/completions", content=BODY % b"false").status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_key_that_is_revoked_ends_its_running_answer(
    address: str, store: UserStore, chain: StandInChain, stream: bool
) -> None:
    chain.endless = True
    key = store.create_key("sofia")
    told: list[str] = []

    def ask() -> None:
        headers = {"authorization": f"Bearer {key}"}
        body = BODY % str(stream).lower().encode()
        told.append(httpx.post(f"{address}/v1/chat/completions", content=body, headers=headers, timeout=30).text)

    asking = threading.Thread(target=ask)
    asking.start()
    assert chain.started.wait(10)
    store.revoke_key(store.keys("sofia")[-1].id)
    asking.join(30)
    assert "access_ended" in told[0] and "[DONE]" not in told[0]
    assert chain.closed.wait(10)


PASSWORDS, GERMANY = "Where do you keep passwords?", "How many customers are there in Germany?"
SOFIA, EVA = Principal("sofia", "sales"), Principal("eva", "employee")


@pytest.mark.parametrize(
    "principal, question, stops_at",
    [
        (EVA, PASSWORDS, "StandInModel.complete"),
        (SOFIA, GERMANY, "StandInModel.complete"),
        (SOFIA, GERMANY, "Databases.query"),
    ],
)
def test_work_that_is_stopped_ends_as_failed_on_record_and_shows_nothing(
    whole: Whole, monkeypatch: pytest.MonkeyPatch, principal: Principal, question: str, stops_at: str
) -> None:
    signal = Cancellation()
    owner: type = StandInModel if stops_at.startswith("StandInModel") else Databases
    name = stops_at.split(".")[1]
    original = getattr(owner, name)

    def stopped(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        signal.cancel(TimeLimitReached("the answer took longer than 1 s."))
        current().require()
        return result

    monkeypatch.setattr(owner, name, stopped)
    whole.doors.open()
    with cancellable(signal):
        *_, answer = whole.chain.stream(principal, question)
    assert isinstance(answer, Answer) and answer.outcome == "failed" and "too long" in answer.text
    assert whole.doors.events()[-1]["kind"] == "failed"
    assert answer.sources == () and answer.table is None and answer.sql is None


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_chain_that_is_closed_midway_has_its_end_on_record(whole: Whole, steps: int) -> None:
    whole.doors.open()
    events = whole.chain.stream(EVA, PASSWORDS)
    for _ in range(steps):
        next(events)
    events.close()  # type: ignore[attr-defined]
    last = whole.doors.events()[-1]
    assert last["kind"] == "failed" and "went away" in last["detail"]["error"]
