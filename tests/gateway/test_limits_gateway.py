"""The limits as a program and a person meet them: refused with a reason and a time, before anything is reached."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import ANSWER, POLICY, Recorded, StandInChain, limiter_of, script_of
from openai import OpenAI, RateLimitError

from allotment.answering import Answer, Embedding, Step
from allotment.errors import ProjectError, RateLimited
from allotment.gateway import UserStore, create_app
from allotment.gateway.limits._places import Places
from allotment.project import Limit, LimitsConfig, load_project

ASK = {"model": "sales", "messages": [{"role": "user", "content": "How many orders?"}]}
Make = Callable[..., TestClient]


@pytest.fixture
def make(
    chain: StandInChain, store: UserStore, recorded: Recorded, state_dsns: tuple[str, str], run_sql: Callable[..., int]
) -> Iterator[Make]:
    """A client of an application with these limits; nothing is taken yet."""
    run_sql("TRUNCATE gateway.limit_use, gateway.limit_reservations")
    with ExitStack() as stack:

        def application(**limits: Any) -> TestClient:
            limiter = stack.enter_context(limiter_of(state_dsns[0], recorded, **limits))
            app: FastAPI = create_app(
                chain, store, title="N", ready=list, policy=POLICY, record=recorded, limiter=limiter
            )
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield application


@pytest.fixture
def key(store: UserStore) -> dict[str, str]:
    return {"authorization": f"Bearer {store.create_key('sofia')}"}


def used(run_sql: Callable[..., int], scope: str, tokens: int) -> bool:
    statement = "SELECT FROM gateway.limit_use WHERE scope = %s AND tokens = %s"
    return run_sql(statement, scope, tokens) == 1


def test_the_request_too_many_gets_429_in_openais_shape_and_reaches_nothing(
    make: Make, key: dict[str, str], chain: StandInChain, recorded: Recorded
) -> None:
    client = make(user={"requests_per_minute": 2})
    first = client.post("/v1/chat/completions", json=ASK, headers=key)
    assert (first.status_code, first.headers["x-ratelimit-remaining-requests"]) == (200, "1")
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert int(first.headers["x-ratelimit-limit-tokens"]) >= int(first.headers["x-ratelimit-remaining-tokens"]) > 0
    client.post("/v1/chat/completions", json=ASK, headers=key)
    for stream in (False, True, False):
        refused = client.post("/v1/chat/completions", json={**ASK, "stream": stream}, headers=key)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 65
        error = refused.json()["error"]
        assert error["code"] == "rate_limit_exceeded" and "2 requests a minute" in error["message"]
    assert len(chain.asked) == 2
    assert recorded.events.count(("sofia", "sales", "limit-reached")) == 1


@pytest.mark.parametrize("model", ["auto", "handbook"])
def test_vectors_count_for_user_and_agent_like_answers_and_cost_nothing_where_there_are_none(
    make: Make, key: dict[str, str], chain: StandInChain, run_sql: Callable[..., int], model: str
) -> None:
    client = make(agents={"handbook": {"requests_per_minute": 2}})
    body = {"model": model, "input": ["a text of forty characters, more or less"]}
    assert client.post("/v1/embeddings", json=body, headers=key).status_code == 404  # no model makes vectors yet
    assert used(run_sql, "user", 0)
    chain.embedding = Embedding(((0.6, 0.8),), "handbook", 77)
    assert client.post("/v1/embeddings", json=body, headers=key).status_code == 200
    assert used(run_sql, "user", 11) and used(run_sql, "agent", 11)
    assert client.post("/v1/embeddings", json=body, headers=key).status_code == 429
    assert [agent for _, _, agent in chain.embedded] == ["handbook"] * 2


def test_the_official_client_knows_the_refusal_for_what_it_is(make: Make, key: dict[str, str]) -> None:
    client = make(role={"requests_per_minute": 1})
    secret = key["authorization"].removeprefix("Bearer ")
    official = OpenAI(base_url="http://testserver/v1", api_key=secret, http_client=client, max_retries=0)  # type: ignore[arg-type]
    official.chat.completions.create(model="sales", messages=[{"role": "user", "content": "One?"}])
    with pytest.raises(RateLimitError, match="your role"):
        official.chat.completions.create(model="sales", messages=[{"role": "user", "content": "Two?"}])


def test_a_page_is_told_in_a_sentence(make: Make, csrf_in: Callable[[str], str], password: str) -> None:
    client = make(user={"requests_per_minute": 1})
    form = csrf_in(client.get("/login").text)
    client.post("/login", data={"name": "sofia", "password": password, "csrf": form})
    token = {"x-csrf-token": csrf_in(client.get("/").text)}
    assert client.post("/ask", json={"question": "One?"}, headers=token).status_code == 200
    refused = client.post("/ask", json={"question": "Two?"}, headers=token)
    assert refused.status_code == 429
    assert refused.json()["error"].startswith("The limit for you is 1 requests a minute")


def test_an_agent_the_chain_chose_is_counted_before_it_is_reached(
    make: Make, key: dict[str, str], chain: StandInChain
) -> None:
    client = make(agents={"sales": {"requests_per_minute": 1}})
    reached: list[str] = []

    def script() -> Iterator[Any]:
        yield from (Step("checking"), Step("routing"), Step("authorizing", "sales"))
        reached.append("sales")
        yield from script_of(ANSWER)[3:]

    chain.stream = lambda *asked, **options: script()  # type: ignore[method-assign]
    auto = {**ASK, "model": "auto", "stream": True}
    assert client.post("/v1/chat/completions", json=auto, headers=key).status_code == 200
    refused = client.post("/v1/chat/completions", json=auto, headers=key)
    assert (refused.status_code, reached) == (429, ["sales"])
    assert "this agent" in refused.json()["error"]["message"]


def test_real_tokens_are_charged_and_a_broken_off_answer_is_charged_what_was_reserved(
    make: Make, key: dict[str, str], chain: StandInChain, run_sql: Callable[..., int]
) -> None:
    client = make(tokens_reserved=500)
    client.post("/v1/chat/completions", json=ASK, headers=key)
    assert used(run_sql, "user", 129) and used(run_sql, "role", 129) and used(run_sql, "agent", 129)
    chain.script = (Step("checking"), Step("routing"), Step("answering"), RuntimeError("the engine died"))
    client.post("/v1/chat/completions", json=ASK, headers=key)
    assert used(run_sql, "user", 629)
    chain.script = (Step("checking"), Answer("refused", "No."))
    client.post("/v1/chat/completions", json=ASK, headers=key)
    assert used(run_sql, "user", 629)
    assert run_sql("SELECT FROM gateway.limit_reservations") == 0


def test_a_database_that_does_not_count_refuses(
    make: Make, key: dict[str, str], chain: StandInChain, run_sql: Callable[..., int]
) -> None:
    client = make()
    run_sql("ALTER TABLE gateway.limit_use RENAME TO limit_use_gone")
    try:
        assert client.post("/v1/chat/completions", json=ASK, headers=key).status_code >= 500
    finally:
        run_sql("ALTER TABLE gateway.limit_use_gone RENAME TO limit_use")
    assert chain.asked == []


def test_names_nobody_is_entitled_to_are_not_kept(make: Make, key: dict[str, str], run_sql: Callable[..., int]) -> None:
    client = make()
    for n in range(5):
        client.post("/v1/chat/completions", json={**ASK, "model": f"agent-{n}"}, headers=key)
    assert run_sql("SELECT FROM gateway.limit_use WHERE scope = 'agent'") == 0


def test_with_all_places_taken_a_request_waits_and_with_a_full_queue_it_is_refused(
    make: Make, key: dict[str, str], chain: StandInChain, recorded: Recorded
) -> None:
    client = make(answers=1, queue=1, wait_s=30.0)
    let, started = threading.Event(), threading.Semaphore(0)

    def stream(*asked: Any, **options: Any) -> Iterator[Any]:
        started.release()
        let.wait(30)
        yield ANSWER

    chain.stream = stream  # type: ignore[method-assign]
    with ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(client.post, "/v1/chat/completions", json=ASK, headers=key) for _ in range(6)]
        assert started.acquire(timeout=30)
        done = [job for job in jobs if _refused_early(job)]
        while len(done) < 4:
            done = [job for job in jobs if _refused_early(job)]
        let.set()
        codes = sorted(job.result().status_code for job in jobs)
    assert codes == [200, 200, 429, 429, 429, 429]
    assert recorded.events.count(("sofia", "sales", "limit-reached")) == 1


def _refused_early(job: Any) -> bool:
    return bool(job.done())


def test_a_free_place_goes_to_the_user_who_holds_fewest() -> None:
    places, order = Places(places=2, queue=10, wait_s=30.0), []
    places.enter("eager")
    places.enter("eager")
    waiting = threading.Semaphore(0)

    def wait(user: str) -> None:
        waiting.release()
        places.enter(user)
        order.append(user)

    threads = []
    for n, user in enumerate(("eager", "eager", "modest"), 1):
        threads.append(threading.Thread(target=wait, args=(user,)))
        threads[-1].start()
        while places.waiting < n:
            waiting.acquire(timeout=0.05)
    places.leave("eager")
    threads[2].join(30)
    assert order == ["modest"]
    places.leave("eager")
    places.leave("modest")
    for thread in threads:
        thread.join(30)
    assert order == ["modest", "eager", "eager"]
    places.leave("eager")
    places.leave("eager")
    assert (places.taken, places.waiting) == (0, 0)


def test_who_waits_too_long_is_told_when_to_come_again() -> None:
    places = Places(places=1, queue=5, wait_s=0.05)
    places.enter("ann")
    with pytest.raises(RateLimited) as refused:
        places.enter("bob")
    assert (refused.value.retry_after_s, places.waiting) == (1, 0)


@pytest.mark.parametrize("given", [{}, {"concurrent": 3}, {"tokens_per_day": 9000, "usd_per_month": 0}])
def test_what_a_limit_leaves_out_is_the_defaults_and_never_none(given: dict[str, Any]) -> None:
    limits = LimitsConfig(user=Limit(**given), users={"ann": Limit(requests_per_minute=1)}, roles={"sales": Limit()})
    for scope, name in (("user", "ann"), ("user", "unheard-of"), ("role", "sales"), ("agent", "")):
        found = limits.of(scope, name).model_dump()  # type: ignore[arg-type]
        assert None not in found.values()
    assert limits.of("user", "ann").requests_per_minute == 1


def test_a_model_whose_price_is_not_known_is_refused_when_money_is_to_be_limited(northwind: Any) -> None:
    from allotment.gateway.limits._cost import Costs

    load_project(northwind.root)
    hosted = northwind.model_copy(
        update={"models": northwind.models.model_copy(update={"sql": "https://models.example.org/v1#unheard-of"})}
    )
    with pytest.raises(ProjectError, match="price"):
        Costs.of(hosted)
