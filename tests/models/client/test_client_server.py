"""One client of one server, in virtual time: retries, waits, refusals, formats, limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from email.utils import formatdate
from itertools import pairwise
from random import Random

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import Script, answered, ask, asks, client, collect, completion, outcome, refused
from virtual_time import now_s, run_virtually

from allotment.errors import EngineError, ProjectError
from allotment.models.client import Answer, ClientLimits, Failure, open_client
from allotment.models.client._finish import retry_after_s
from allotment.project import ModelLimits

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def test_an_answer_carries_its_text_its_tokens_and_its_time() -> None:
    script = Script(answered("yes", finish="length", prompt=7, written=3), latency_s=2.0)
    found = run_virtually(outcome(script, ask(max_tokens=9, temperature=0.5, seed=4)))
    assert found == Answer("yes", 7, 3, "length", pytest.approx(2.0), 1, False)
    messages = [{"role": "user", "content": "hi"}]
    assert script.bodies == [{"model": "teacher", "messages": messages, "max_tokens": 9, "temperature": 0.5, "seed": 4}]


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 529])
def test_a_fault_of_the_server_is_tried_again(status: int) -> None:
    script = Script(refused(status), refused(status), answered())
    found = run_virtually(outcome(script))
    assert isinstance(found, Answer)
    assert (found.attempts, found.seconds) == (3, pytest.approx(1.0))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(refused(500), "server-error"), (refused(408), "timeout"), (httpx.ConnectError("gone"), "connection")],
)
def test_after_five_retries_with_growing_waits_it_gives_up(answer: httpx.Response | Exception, reason: str) -> None:
    script = Script(answer, latency_s=0.0)
    found = run_virtually(outcome(script))
    assert isinstance(found, Failure)
    assert (found.reason, found.attempts) == (reason, 6)
    waits = [later - earlier for earlier, later in pairwise(script.at_s)]
    assert all(wait <= 2.0**number for number, wait in enumerate(waits))
    assert len({wait / 2.0**number for number, wait in enumerate(waits)}) == 5  # random, so that asks do not meet again
    assert found.seconds == pytest.approx(sum(waits))


@pytest.mark.parametrize("status", [301, 400, 405, 413, 422])
def test_a_refused_request_is_not_tried_again(status: int) -> None:
    script = Script(refused(status, "context too long"))
    found = run_virtually(outcome(script))
    assert isinstance(found, Failure)
    assert (found.reason, found.attempts) == ("refused", 1)
    assert f"HTTP {status}" in found.detail
    assert "context too long" in found.detail


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (refused(401), "ALLOTMENT_SERVER_KEY"),
        (refused(403), "ALLOTMENT_SERVER_KEY"),
        (refused(404), "model's name"),
        (refused(402), "credit"),
        (refused(429, "insufficient_quota"), "credit"),
    ],
)
def test_a_wrong_key_or_name_stops_everything_at_once(answer: httpx.Response, remedy: str) -> None:
    script = Script(answered(), answer)

    async def work() -> None:
        opened = client(script)
        with pytest.raises(EngineError) as caught:
            await collect(opened.run(asks(100)))
        assert remedy in caught.value.remedy
        sent = len(script.bodies)
        with pytest.raises(EngineError):
            await opened.complete(ask())
        assert len(script.bodies) == sent <= 16
        assert opened.state.in_flight == 0

    run_virtually(work())


def test_the_key_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOTMENT_SERVER_KEY", "very-secret")

    async def echo(request: httpx.Request) -> httpx.Response:
        return refused(400, f"you sent {request.headers['authorization']}")

    found = run_virtually(outcome(echo))
    assert isinstance(found, Failure)
    assert "Bearer" in found.detail
    assert "very-secret" not in found.detail


def test_being_told_to_wait_is_no_retry() -> None:
    script = Script(*[refused(429)] * 20, answered())
    found = run_virtually(outcome(script, patience=ClientLimits(retries=0)))
    assert isinstance(found, Answer)
    assert found.attempts == 21


def test_being_told_to_wait_for_ever_ends_with_the_time_for_one_ask() -> None:
    script = Script(refused(429, "slow down"))
    found = run_virtually(outcome(script, patience=ClientLimits(ask_s=300)))
    assert isinstance(found, Failure)
    assert (found.reason, found.detail) == ("rate-limited", '{"error":{"message":"slow down"}}')
    assert 240 <= found.seconds <= 301


@pytest.mark.parametrize("header", ["40", formatdate(5_000_040, usegmt=True)])
def test_retry_after_holds_for_all_asks_of_the_client(header: str) -> None:
    script = Script(*[refused(429, retry_after=header)] * 3, answered(), latency_s=0.5)

    async def work() -> None:
        opened = client(script, clock=lambda: 5_000_000.0)
        first = [asyncio.create_task(opened.complete(ask(f"first {n}"))) for n in range(3)]
        await asyncio.sleep(1)
        assert opened.state.paused_s == pytest.approx(39.5)
        second = asyncio.create_task(opened.complete(ask("second")))
        for task in (*first, second):
            assert isinstance(await task, Answer)
        assert all(at - script.at_s[0] >= 40.5 for at in script.at_s[3:])
        assert len(script.at_s) == 7

    run_virtually(work())


def test_one_refusal_among_many_answers_delays_its_own_ask_alone() -> None:
    chance, waited = Random(3), 0

    async def busy_now_and_then(request: httpx.Request) -> httpx.Response:
        nonlocal waited
        await asyncio.sleep(chance.lognormvariate(0.7, 0.4))
        if chance.random() < 0.02:
            waited += 1
            return refused(429, retry_after="5")
        return answered()

    async def work() -> None:
        opened = client(busy_now_and_then)
        answers = [found async for _, found in opened.run(asks(4000))]
        assert all(isinstance(found, Answer) for found in answers)
        assert waited > 40 and opened.state.rate_limited == waited
        assert opened.state.allowed == 256 and opened.state.paused_s == 0

    run_virtually(work())


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-5", "Wed, 99 Nov", "1e400", None])
def test_a_retry_after_that_says_nothing_is_passed_over(value: str | None) -> None:
    assert retry_after_s(value, 0.0) in (None, 0.0)


@given(st.text())
def test_no_retry_after_makes_it_raise(value: str) -> None:
    found = retry_after_s(value, 0.0)
    assert found is None or found >= 0


def test_a_pause_longer_than_an_ask_may_take_fails_it_and_is_kept_for_the_next() -> None:
    script = Script(*[refused(429, retry_after="7200")] * 3, answered())

    async def work() -> None:
        opened = client(script)
        failed = await asyncio.gather(*(opened.complete(ask(str(n))) for n in range(3)))
        assert all(isinstance(found, Failure) for found in failed)
        assert opened.state.paused_s == pytest.approx(3600)
        assert isinstance(await opened.complete(ask()), Answer)
        assert script.at_s[3] - script.at_s[0] == pytest.approx(3601)

    run_virtually(work())


def test_a_burst_of_refusals_shrinks_the_window_once_and_every_ask_is_answered() -> None:
    flying = 0

    async def sixteen_places(request: httpx.Request) -> httpx.Response:
        nonlocal flying
        if flying >= 16:
            return refused(429, retry_after="1")
        flying += 1
        await asyncio.sleep(2)
        flying -= 1
        return answered()

    async def work() -> None:
        opened = client(sixteen_places)
        lowest = 1000
        answers = 0
        async for _, found in opened.run(asks(2000)):
            answers += isinstance(found, Answer)
            if opened.state.rate_limited:
                lowest = min(lowest, opened.state.allowed)
        assert answers == 2000
        assert lowest >= 10
        assert opened.state.rate_limited < 200
        assert 12 <= opened.state.allowed <= 18
        assert now_s() - 1000 < 2000 / 16 * 2 * 1.3

    run_virtually(work())


def test_a_request_that_hangs_is_given_up_and_sent_again() -> None:
    calls = 0

    async def hangs_once(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        await asyncio.sleep(1e9 if calls == 1 else 1)
        return answered()

    async def work() -> None:
        found = await outcome(hangs_once)
        assert isinstance(found, Answer)
        assert found.attempts == 2
        assert 121 <= now_s() - 1000 <= 122.1

    run_virtually(work())


def test_timeouts_follow_the_answers() -> None:
    async def work() -> None:
        opened = client(Script(answered(), latency_s=8.0))
        assert opened.state.timeout_s == 120
        await collect(opened.run(asks(64)))
        assert opened.state.timeout_s == pytest.approx(24)

    run_virtually(work())


def test_a_timeout_of_the_project_holds_for_every_request() -> None:
    script = Script(answered(), latency_s=4.0)
    found = run_virtually(outcome(script, limits=ModelLimits(timeout_s=3), patience=ClientLimits(retries=2)))
    assert isinstance(found, Failure)
    assert (found.reason, found.attempts) == ("timeout", 3)


def test_an_answer_that_never_ends_is_abandoned_and_not_asked_for_again() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    async def flood(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=endless())

    found = run_virtually(outcome(flood, patience=ClientLimits(body_bytes=1_000_000)))
    assert isinstance(found, Failure)
    assert (found.reason, found.attempts) == ("too-large", 1)
    assert sent < 1_200_000


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": 3}]}', b"[" * 100_000, b'{"a": 1', b"\xff"],
)
def test_rubbish_is_asked_for_once_more_and_then_malformed(body: bytes) -> None:
    bad = httpx.Response(200, content=body)
    script = Script(bad)
    found = run_virtually(outcome(script))
    assert isinstance(found, Failure)
    assert (found.reason, found.attempts) == ("malformed", 2)
    assert isinstance(run_virtually(outcome(Script(bad, answered()))), Answer)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "message", "content", "usage", "finish_reason", "prompt_tokens", "text", "type"]
                ),
                x,
            )
        ),
    )
)
@settings(max_examples=60, deadline=None)
def test_no_body_makes_it_raise(value: object) -> None:
    found = run_virtually(outcome(Script(httpx.Response(200, json=value))))
    assert isinstance(found, Answer | Failure)


def test_reasoning_is_no_part_of_an_answer() -> None:
    body = completion("<think>\nBlue, I think.\n</think>\n\nIt is blue.")
    body["choices"][0]["message"]["reasoning_content"] = "Blue, I think."
    found = run_virtually(outcome(Script(httpx.Response(200, json=body))))
    assert isinstance(found, Answer)
    assert found.text == "It is blue."


@pytest.mark.parametrize(
    ("text", "meant", "repaired"),
    [
        ('{"a": "x"}', '{"a": "x"}', False),
        ('Here:\n```json\n{"a": "ž"}\n```', '{"a": "ž"}', False),
        ('{"a": "x",}', '{"a": "x"}', True),
        ('{"a": "half a sen', '{"a": "half a sen"}', True),
        ("I would rather not.", "I would rather not.", False),
        ('{"a": "\ud800"}', '{"a": "?"}', False),
    ],
)
def test_with_a_schema_the_text_is_the_json_alone_mended_if_need_be(text: str, meant: str, repaired: bool) -> None:
    body = json.dumps(completion(text)).encode()
    found = run_virtually(outcome(Script(httpx.Response(200, content=body)), ask(schema=SCHEMA)))
    assert isinstance(found, Answer)
    assert (found.text, found.repaired) == (meant, repaired)


def formats(script: Script) -> list[str | None]:
    return [body.get("response_format", {}).get("type") for body in script.bodies]


def test_a_server_without_schemas_is_asked_for_json_and_remembered() -> None:
    script = Script(refused(400, "response_format json_schema is not supported"), answered("{}"))

    async def work() -> None:
        async with client(script, patience=ClientLimits(retries=0)) as opened:
            for _ in range(2):
                assert isinstance(await opened.complete(ask(schema=SCHEMA)), Answer)
            assert isinstance(await opened.complete(ask()), Answer)

    run_virtually(work())
    assert formats(script) == ["json_schema", "json_object", "json_object", None]
    assert script.bodies[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_a_server_without_formats_is_asked_for_nothing() -> None:
    script = Script(refused(422, "unknown field response_format"), refused(400, "response_format?"), answered("{}"))
    found = run_virtually(outcome(script, ask(schema=SCHEMA), patience=ClientLimits(retries=0)))
    assert isinstance(found, Answer)
    assert formats(script) == ["json_schema", "json_object", None]


def test_many_refused_formats_at_the_same_time_are_one_step_down() -> None:
    async def only_objects(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        kind = json.loads(request.content)["response_format"]["type"]
        return answered("{}") if kind == "json_object" else refused(400, "no schema")

    found = run_virtually(collect(client(only_objects).run(asks(50, schema=SCHEMA))))
    assert all(isinstance(one, Answer) for one in found.values())


def test_a_bad_request_that_has_nothing_to_do_with_formats_changes_none() -> None:
    script = Script(refused(400, "too long"), answered("{}"))

    async def work() -> None:
        opened = client(script)
        assert isinstance(await opened.complete(ask(schema=SCHEMA)), Failure)
        assert isinstance(await opened.complete(ask(schema=SCHEMA)), Answer)

    run_virtually(work())
    assert formats(script) == ["json_schema", "json_schema"]


@pytest.mark.parametrize("answer", [refused(500), refused(400), httpx.ConnectError("gone"), httpx.Response(200)])
def test_a_server_that_only_fails_stops_the_run_after_what_was_tried(answer: httpx.Response | Exception) -> None:
    script = Script(answer)

    async def work() -> None:
        taken, found = 0, []

        def counted() -> object:
            nonlocal taken
            for one in asks(100_000):
                taken += 1
                yield one

        opened = client(script)
        with pytest.raises(EngineError, match="nothing but failures"):
            async for _, one in opened.run(counted()):  # type: ignore[arg-type]
                found.append(one)
        assert all(isinstance(one, Failure) for one in found)
        assert 20 <= len(found) <= taken <= 28
        assert len(script.bodies) <= 28 * 6

    run_virtually(work())


def test_a_server_that_hangs_from_the_first_request_stops_the_run_within_minutes() -> None:
    async def work() -> None:
        opened = client(Script(answered(), latency_s=1e9))
        with pytest.raises(EngineError, match="no answer within"):
            await collect(opened.run(asks(1000)))
        assert now_s() - 1000 < 1000

    run_virtually(work())


def test_failures_with_answers_between_them_stop_nothing() -> None:
    calls = 0

    async def mostly_refuses(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return answered() if calls % 10 == 0 else refused(400)

    found = run_virtually(collect(client(mostly_refuses).run(asks(500))))
    assert sum(isinstance(one, Failure) for one in found.values()) == 450


@given(st.integers(1, 120), st.lists(st.floats(0, 20), min_size=1, max_size=60))
@settings(max_examples=30, deadline=None)
def test_no_minute_sees_more_requests_than_the_project_allows(allowed: int, gaps: list[float]) -> None:
    script = Script(answered(), latency_s=1.0)

    async def work() -> None:
        opened, tasks = client(script, ModelLimits(requests_per_minute=allowed)), []
        for gap in gaps:
            await asyncio.sleep(gap)
            tasks.append(asyncio.create_task(opened.complete(ask())))
        await asyncio.gather(*tasks)

    run_virtually(work())
    for start in script.at_s:
        assert sum(start <= at < start + 60 for at in script.at_s) <= allowed
    assert len(script.at_s) == len(gaps)


def test_tokens_an_answer_did_not_use_are_used_by_others() -> None:
    """Each ask might take about 1,000 tokens and takes 100; 6,000 a minute are then 60 asks and not 6."""
    script = Script(answered(prompt=50, written=50), latency_s=1.0)

    async def work() -> None:
        opened = client(script, ModelLimits(tokens_per_minute=6000))
        await collect(opened.run(asks(120, max_tokens=999)))
        assert 60 <= now_s() - 1000 <= 180

    run_virtually(work())


def test_no_more_are_in_flight_than_the_project_allows() -> None:
    flying = most = 0

    async def counts(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(1)
        flying -= 1
        return answered()

    run_virtually(collect(client(counts, ModelLimits(parallel=3)).run(asks(100))))
    assert most == 3


def test_a_name_without_a_model_is_refused() -> None:
    with pytest.raises(ProjectError, match="URL#MODEL"):
        open_client("http://127.0.0.1:1/v1")
