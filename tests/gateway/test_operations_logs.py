"""What is logged, measured and ended: nobody's words, no secrets, nothing after the end."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import ANSWER, POLICY, Recorded, StandInChain
from prometheus_client import generate_latest

from allotment.access import Principal
from allotment.answering import Delta, Step
from allotment.errors import SqlRefused
from allotment.gateway import Gate, GatedChain, Limiter, Operations, UserStore, allows, create_app
from allotment.gateway.operations._logs import JsonFormatter, without_secrets
from allotment.gateway.operations._tracing import OtelTracing, open_tracing
from allotment.project import TimeoutsConfig

PROMPT = "zebra-orange-7 whisper the salaries"
SECRETS = ("al-PLANTEDsecretKEY1234567890", "PLANTED-PASSWORD-9", "planted-cookie-value-11")
ASK = {"model": "sales", "messages": [{"role": "user", "content": PROMPT}]}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, as it would be on stderr, at the chattiest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(details=False))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("allotment").setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("allotment").setLevel(logging.NOTSET)


@pytest.fixture
def operations() -> Operations:
    return Operations()


@pytest.fixture
def build(
    chain: StandInChain, store: UserStore, recorded: Recorded, limiter: Limiter, operations: Operations
) -> Callable[..., FastAPI]:
    def make(**more: Any) -> FastAPI:
        given = {"operations": operations, "limiter": limiter, **more}
        asked = given.pop("chain", chain)
        return create_app(asked, store, title="N", ready=list, policy=POLICY, record=recorded, **given)

    return make


@pytest.fixture
def key(store: UserStore) -> dict[str, str]:
    return {"authorization": f"Bearer {store.create_key('sofia')}"}


def test_no_word_of_anybody_and_no_secret_is_logged_or_measured(
    build: Callable[..., FastAPI],
    chain: StandInChain,
    key: dict[str, str],
    operations: Operations,
    written: io.StringIO,
) -> None:
    with TestClient(build(), raise_server_exceptions=False) as client:
        post = client.post
        nasty: list[Any] = [
            ANSWER,
            SqlRefused(f"SELECT '{PROMPT}' may not run"),
            RuntimeError(f"{PROMPT} {SECRETS[1]}"),
            ValueError(PROMPT),
        ]
        for event in nasty:
            chain.script = (Step("checking"), Step("routing"), Step("authorizing", "sales"), event)
            for stream in (True, False):
                post("/v1/chat/completions", json={**ASK, "stream": stream}, headers=key)
        post("/v1/chat/completions", json=ASK, headers={"authorization": f"Bearer {SECRETS[0]}"})
        post("/v1/chat/completions", content=f'{{"model": "{PROMPT}"'.encode(), headers=key)
        post("/v1/chat/completions", json={**ASK, "model": PROMPT}, headers=key)
        post("/login", data={"name": PROMPT, "password": SECRETS[1], "csrf": SECRETS[2]})
        client.get(f"/{SECRETS[0]}", params={"q": PROMPT}, headers={"cookie": f"allotment_session={SECRETS[2]}"})
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    own = [line for line in lines if line["logger"].startswith("allotment")]
    everything = json.dumps(own) + generate_latest(operations.metrics.registry).decode()
    for planted in (PROMPT, *SECRETS, "zebra", key["authorization"], "sofia"):
        assert planted not in everything
    answered = [line for line in own if line.get("outcome") == "answered"]
    assert {line["agent"] for line in answered} == {"sales"}
    assert all(line["decision"] == ANSWER.record and line["seconds"] >= 0 and line["request"] for line in answered)
    assert any(line.get("error") == "RuntimeError" and line["places"] for line in own)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer al-PLANTEDsecretKEY1234567890",
        "postgresql://app:PLANTED-PASSWORD-9@host/db failed",
        "password=PLANTED-PASSWORD-9 host=x",
        "cookie: planted-cookie-value-11; b=c",
    ],
)
def test_what_looks_like_a_secret_in_a_message_is_not_written(text: str) -> None:
    assert not any(secret in without_secrets(text) for secret in SECRETS)


def test_figures_have_labels_of_bounded_sets_whatever_is_asked(
    build: Callable[..., FastAPI], chain: StandInChain, key: dict[str, str], operations: Operations
) -> None:
    with TestClient(build(), raise_server_exceptions=False) as client:
        for n in range(20):
            client.get(f"/nowhere/{n}")
            client.get(f"/v1/models/model-{n}", headers=key)
            client.post("/v1/chat/completions", json={**ASK, "model": f"model-{n}"}, headers=key)
        client.post("/v1/chat/completions", json=ASK, headers=key)
    figures = generate_latest(operations.metrics.registry).decode()
    assert "model-" not in figures and "nowhere" not in figures
    assert 'allotment_answers_total{agent="sales",outcome="answered"} 1.0' in figures
    assert 'allotment_tokens_total{agent="sales",kind="prompt"} 120.0' in figures
    assert 'route="/v1/chat/completions",status="2xx"' in figures
    assert 'allotment_step_seconds_count{step="authorizing"} 1.0' in figures


def test_an_answer_over_its_time_ends_with_an_error_event_and_frees_its_place(
    build: Callable[..., FastAPI], chain: StandInChain, key: dict[str, str], limiter: Limiter, recorded: Recorded
) -> None:
    chain.endless = True
    app = build(timeouts=TimeoutsConfig(answer_s=0.5))
    with TestClient(app, raise_server_exceptions=False) as client:
        lines = client.post("/v1/chat/completions", json={**ASK, "stream": True}, headers=key).text.splitlines()
        last = json.loads([line for line in lines if line][-1].removeprefix("data: "))
        assert "took too long" in last["error"]["message"]
        assert chain.closed.wait(30)
    assert limiter.places.taken == 0
    assert ("sofia", "sales", "stream-ended") in recorded.events


def test_a_demotion_by_reload_ends_a_running_stream_and_nothing_more_of_it_leaves(
    build: Callable[..., FastAPI],
    key: dict[str, str],
    operations: Operations,
    serve_app: Callable[[FastAPI], AbstractContextManager[str]],
) -> None:
    gate, passed = Gate(), threading.Event()

    class Slow(StandInChain):
        def stream(self, principal: Principal, question: str, *, agent: str | None = None, **more: Any) -> Any:
            yield Step("authorizing", "sales")
            yield Delta("before ")
            passed.set()
            self.gate.wait(30)
            yield Delta("SECRET-AFTER")
            yield ANSWER

    slow = Slow()
    app = build(chain=GatedChain(slow, gate))
    with serve_app(app) as address, httpx.Client(base_url=address, headers=key, timeout=60) as client:
        body = {**ASK, "stream": True}
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            lines = response.iter_lines()
            assert passed.wait(30)
            ended = gate.narrow(allows(POLICY, lambda agent: True), operations.running)  # sales is in no policy there
            slow.gate.set()
            rest = "\n".join(lines)
        assert ended == 1
        assert "SECRET-AFTER" not in rest and "[DONE]" not in rest
        assert "What you may ask was changed" in rest
        assert client.get("/v1/models", headers=key).json()["data"] == []
        gate.widen()
        assert client.get("/v1/models", headers=key).json()["data"] != []


def test_spans_tell_an_answer_and_its_steps_and_nobodys_words(
    build: Callable[..., FastAPI], chain: StandInChain, key: dict[str, str]
) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with TestClient(build(operations=Operations(tracing=OtelTracing(provider)))) as client:
        client.post("/v1/chat/completions", json=ASK, headers=key)
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["checking", "routing", "authorizing", "answering", "releasing", "answer"]
    assert dict(spans[-1].attributes or {})["allotment.agent"] == "sales"
    assert len({span.context.trace_id for span in spans if span.context}) == 1
    assert PROMPT not in str([(span.name, dict(span.attributes or {})) for span in spans])


def test_without_a_collector_nothing_of_opentelemetry_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    open_tracing(None).answer([("checking", 0.0, 1.0)], {})
