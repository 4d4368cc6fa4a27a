"""Running streams end when their user loses the role, the session or the key they began with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from gateway_standin import StandInChain

from allotment.access import Principal
from allotment.answering import Delta, Event, Step
from allotment.errors import DatabaseUnavailable
from allotment.gateway import UserStore
from allotment.gateway.identity import _watch
from allotment.gateway.identity._live import Credential
from allotment.gateway.identity._watch import Watch
from allotment.gateway.web._security import csrf_token
from allotment.gateway.web._stream import AccessEnded, Began, in_thread

RunSql = Callable[..., int]
CHANGES: dict[str, Callable[[UserStore, str], object]] = {
    "another role": lambda users, _: users.set_role("otto", "director"),
    "other claims": lambda users, _: users.set_claims("otto", {"region": "south"}),
    "disabled": lambda users, _: users.disable("otto"),
    "session ended": lambda users, token: users.end_session(token),
    "signed out": lambda users, _: users.end_sessions("otto"),
    "new password": lambda users, _: users.set_password("otto", "another-meadow-43"),
}


@pytest.fixture
def endless(chain: StandInChain) -> StandInChain:
    chain.endless = True
    return chain


@pytest.fixture
def otto(store: UserStore, password: str) -> UserStore:
    store.add("otto", "sales", password)
    return store


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_stream_of_a_page_ends_when_its_session_is_not_what_it_was(
    address: str, otto: UserStore, endless: StandInChain, change: str
) -> None:
    token = otto.start_session("otto")
    headers = {"cookie": f"allotment_session={token}", "x-csrf-token": csrf_token(token)}
    with httpx.stream("POST", f"{address}/ask", json={"question": "On?"}, headers=headers, timeout=30) as stream:
        lines = stream.iter_lines()
        assert any("event: text" in line for line in lines)
        CHANGES[change](otto, token)
        rest = list(lines)
    assert endless.closed.wait(10)
    assert rest[-3] == "event: problem" and "Your access ended" in rest[-2]


@pytest.mark.parametrize("change", ["revoked", "expired", "another role"])
def test_a_stream_of_a_program_ends_when_its_key_is_not_what_it_was(
    address: str, otto: UserStore, endless: StandInChain, run_sql: RunSql, change: str
) -> None:
    key = otto.create_key("otto")
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "On?"}]}
    headers = {"authorization": f"Bearer {key}"}
    with httpx.stream("POST", f"{address}/v1/chat/completions", json=body, headers=headers, timeout=30) as stream:
        lines = stream.iter_lines()
        assert any("on and on" in line for line in lines)
        if change == "revoked":
            otto.revoke_key(otto.keys("otto")[0].id)
        elif change == "expired":
            run_sql("UPDATE gateway.api_keys SET expires_at = now()")
        else:
            otto.set_role("otto", "director")
        rest = [line for line in lines if line]
    assert endless.closed.wait(10)
    assert "access_ended" in rest[-1] and "[DONE]" not in rest


def test_a_whole_answer_of_a_revoked_key_is_not_given(address: str, otto: UserStore, endless: StandInChain) -> None:
    key = otto.create_key("otto")
    body = {"model": "auto", "messages": [{"role": "user", "content": "On?"}]}
    answers: list[httpx.Response] = []

    def ask() -> None:
        headers = {"authorization": f"Bearer {key}"}
        answers.append(httpx.post(f"{address}/v1/chat/completions", json=body, headers=headers, timeout=30))

    asking = threading.Thread(target=ask)
    asking.start()
    assert endless.started.wait(10)
    otto.revoke_key(otto.keys("otto")[0].id)
    asking.join()
    assert answers[0].status_code == 403 and "on and on" not in answers[0].text


def test_all_running_streams_are_looked_up_in_one_statement_and_none_is_where_none_run() -> None:
    looked: list[Collection[Credential]] = []
    both = threading.Event()
    somebody = Principal("sofia", "sales")

    def live(credentials: Collection[Credential]) -> dict[Credential, Principal]:
        looked.append(credentials)
        if len(credentials) == 50:
            both.set()
        return dict.fromkeys(credentials, somebody)

    watch = Watch(live)
    running = [watch.still(Credential.of("key", str(number)), somebody) for number in range(50)]
    assert both.wait(10) and all(still() for still in running)
    thread = watch._thread
    assert thread is not None
    running.clear()
    thread.join(10)
    assert not thread.is_alive() and watch._thread is None
    before = len(looked)
    watch.look()
    assert looked[before:] == [set()]


def test_what_cannot_be_confirmed_for_a_while_is_over_and_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody, answers = Principal("sofia", "sales"), [True]

    def live(credentials: Collection[Credential]) -> dict[Credential, Principal]:
        if not answers[0]:
            raise DatabaseUnavailable("away")
        return dict.fromkeys(credentials, somebody)

    now = [1000.0]
    monkeypatch.setattr(_watch.time, "monotonic", lambda: now[0])
    watch = Watch(live)
    monkeypatch.setattr(watch, "_thread", threading.current_thread())  # nobody looks but this test
    still = watch.still(Credential.of("key", "k"), somebody)
    now[0] += 9
    watch.look()
    now[0] += 9
    assert still()
    answers[0] = False
    watch.look()
    now[0] += 1
    assert not still()


def test_a_credential_that_came_back_does_not_bring_a_stream_back(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = Principal("sofia", "sales")
    found: list[dict[Credential, Principal]] = [{}]
    watch = Watch(lambda credentials: found[0])
    monkeypatch.setattr(watch, "_thread", threading.current_thread())
    credential = Credential.of("session", "s")
    still = watch.still(credential, somebody)
    watch.look()
    found[0] = {credential: somebody}
    watch.look()
    assert not still()


def test_nothing_of_the_answer_comes_after_the_access_ended_and_the_chain_is_closed_in_its_thread() -> None:
    may, closed_by = [True], list[int]()

    def chain() -> Iterator[Event]:
        try:
            yield Step("checking")
            may[0] = False
            yield Delta("secret")
            yield Delta("more of it")
        finally:
            closed_by.append(threading.get_ident())

    async def read() -> list[Any]:
        seen: list[Any] = []
        with ThreadPoolExecutor(1) as executor:
            worker = executor.submit(threading.get_ident).result()
            with pytest.raises(AccessEnded):
                async with aclosing(in_thread(executor, chain, still=lambda: may[0])) as events:
                    async for event in events:
                        seen.append(event)  # noqa: PERF401 - what came before the error is wanted
        assert closed_by == [worker]
        return seen

    assert not any(isinstance(event, Delta) for event in asyncio.run(read()))


def test_a_chain_that_is_silent_is_left_within_a_second_or_two() -> None:
    silence, asked = threading.Event(), list[bool]()

    def chain() -> Iterator[Event]:
        silence.wait(20)
        yield Delta("secret")

    def still() -> bool:
        asked.append(True)
        return len(asked) < 2

    async def read() -> None:
        with ThreadPoolExecutor(1) as executor:
            with pytest.raises(AccessEnded):
                async with aclosing(in_thread(executor, chain, still=still)) as events:
                    async for event in events:
                        assert isinstance(event, Began)
            assert not silence.is_set()
            silence.set()

    asyncio.run(read())
