"""What a request may ask for: it is honoured, or refused with the parameter's name, and never half done."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient
from gateway_standin import ANSWER, StandInChain, script_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI

from allotment.access import Principal
from allotment.answering import MAX_SEED, AnswerOptions, Embedding
from allotment.errors import AccessDenied, EngineError
from allotment.gateway import UserStore
from allotment.gateway.api._requests import MAX_INPUTS, MAX_MESSAGES, MAX_PARTS, MAX_TEXT
from allotment.project import AnswerLimits

ASKED: list[Any] = [{"role": "user", "content": "How many orders went to Sweden?"}]
Post = Callable[..., Any]


@pytest.fixture
def bearer(store: UserStore) -> dict[str, str]:
    return {"authorization": f"Bearer {store.create_key('sofia')}"}


@pytest.fixture
def post(client: TestClient, bearer: dict[str, str]) -> Post:
    def send(path: str = "/v1/chat/completions", **body: Any) -> Any:
        whole = {"model": "auto", "messages": ASKED, **body} if "chat" in path else body
        return client.post(path, json=whole, headers=bearer)

    return send


@pytest.fixture
def sales(address: str, store: UserStore) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}/v1", api_key=store.create_key("sofia"), max_retries=0) as client:
        yield client


def test_how_an_answer_is_written_reaches_the_chain(sales: OpenAI, chain: StandInChain) -> None:
    sales.chat.completions.create(
        model="auto", messages=ASKED, max_tokens=20, temperature=0.5, seed=7, stop=["\n", "END"], top_p=1, n=1
    )
    sales.chat.completions.create(model="auto", messages=ASKED, max_completion_tokens=30, stop=".")
    sales.chat.completions.create(model="auto", messages=ASKED)
    assert [options for options, _ in chain.told] == [
        AnswerOptions(20, 0.5, 7, ("\n", "END")),
        AnswerOptions(30, 0.0, 0, (".",)),
        AnswerOptions(),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_says_so(sales: OpenAI, chain: StandInChain, stream: bool) -> None:
    chain.script = script_of(replace(ANSWER, finish="length"))
    if stream:
        *_, last = sales.chat.completions.create(model="auto", messages=ASKED, stream=True)
        assert last.choices[0].finish_reason == "length"
    else:
        whole = sales.chat.completions.create(model="auto", messages=ASKED)
        assert whole.choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    "parameter, value, code",
    [
        ("top_p", 0.5, "unsupported_value"),
        ("presence_penalty", 1, "unsupported_value"),
        ("frequency_penalty", -0.5, "unsupported_value"),
        ("logprobs", True, "unsupported_value"),
        ("top_logprobs", 3, "unsupported_value"),
        ("logit_bias", {"50256": -100}, "unsupported_value"),
        ("response_format", {"type": "json_object"}, "unsupported_value"),
        ("modalities", ["text", "audio"], "unsupported_value"),
        ("audio", {"voice": "alloy"}, "unsupported_value"),
        ("n", 2, "unsupported_value"),
        ("temperature", 1.5, "unsupported_value"),
        ("temperature", 3, None),
        ("temperature", -1, None),
        ("temperature", "0", None),
        ("max_tokens", 0, None),
        ("max_tokens", 1.5, None),
        ("max_tokens", True, None),
        ("max_completion_tokens", -1, None),
        ("seed", -1, None),
        ("seed", MAX_SEED + 1, None),
        ("stop", ["a"] * 5, None),
        ("stop", "", None),
        ("stop", ["x" * 101], None),
        ("stream", "yes", None),
        ("stream_options", {"include_usage": "yes"}, None),
        ("model", "", None),
        ("messages", ASKED * (MAX_MESSAGES + 1), None),
        ("messages", ASKED * 10_000, None),
        ("messages", [{"role": "root", "content": "x"}], None),
        ("messages", [{"role": "user", "content": [{"type": "text", "text": "x"}] * (MAX_PARTS + 1)}], None),
        ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}], None),
        ("messages", [{"role": "system", "content": "x" * MAX_TEXT}, *ASKED], "context_length_exceeded"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    post: Post, chain: StandInChain, parameter: str, value: object, code: str | None
) -> None:
    response = post(**{parameter: value})
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"].split(".")[0] == parameter and error["type"] == "invalid_request_error"
    assert error["code"] == code
    assert chain.asked == []


def test_values_that_say_nothing_are_taken(post: Post, chain: StandInChain) -> None:
    neutral = {"top_p": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False, "n": 1}
    nothing = dict.fromkeys(("stop", "seed", "stream", "stream_options", "max_tokens", "temperature", "audio"))
    assert post(**neutral, **nothing, response_format={"type": "text"}, modalities=["text"]).status_code == 200
    assert chain.told == [(AnswerOptions(), ())]


def test_two_bounds_that_differ_are_refused(post: Post) -> None:
    assert post(max_tokens=5, max_completion_tokens=6).json()["error"]["param"] == "max_completion_tokens"
    assert post(max_tokens=5, max_completion_tokens=5).status_code == 200


@given(st.integers(1, 10**6) | st.none(), st.floats(0, 2), st.integers(16, 4096), st.floats(0, 2))
def test_the_projects_bounds_hold_whatever_is_asked(
    asked: int | None, temperature: float, tokens: int, highest: float
) -> None:
    bounded = AnswerOptions(asked, temperature).within(AnswerLimits(tokens=tokens, temperature=highest))
    assert bounded.max_tokens is not None and 1 <= bounded.max_tokens <= min(asked or tokens, tokens)
    assert bounded.temperature <= highest


_WORDS = st.text(st.characters(codec="utf-8", min_codepoint=1), max_size=10)
_NOISE = st.recursive(st.none() | st.booleans() | st.integers(-(10**30), 10**30) | _WORDS, st.lists, max_leaves=4)


@given(
    st.dictionaries(
        st.sampled_from(["tools", "tool_choice", "functions", "function_call", "user", "metadata", "store", "role"]),
        _NOISE,
    )
)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_fields_that_carry_no_authority_are_not_even_looked_at(
    post: Post, chain: StandInChain, noise: dict[str, Any]
) -> None:
    chain.asked.clear()
    assert post(**noise).status_code == 200
    assert chain.asked == [(Principal("sofia", "sales"), ASKED[0]["content"], None)]


def test_all_that_stands_around_the_question_is_handed_on_to_be_looked_at(post: Post, chain: StandInChain) -> None:
    around = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind."}]},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "tool_calls": [{"id": "x"}]},
    ]
    after = [{"role": "tool", "content": "rows", "tool_call_id": "x"}]
    assert post(messages=[*around, *ASKED, *after]).status_code == 200
    assert chain.asked[0][1] == ASKED[0]["content"]
    assert chain.told[0][1] == ("Be brief.", "Be\nkind.", "first", "No.", "rows")


VECTORS = Embedding(((0.6, 0.8), (1.0, 0.0)), "sales", 77)


def test_the_official_client_gets_vectors_and_the_record_of_the_decision(sales: OpenAI, chain: StandInChain) -> None:
    chain.embedding = VECTORS
    found = sales.embeddings.create(model="sales", input=["one", "two"])
    assert [[round(x, 5) for x in row.embedding] for row in found.data] == [[0.6, 0.8], [1.0, 0.0]]
    assert found.model_extra == {"allotment": {"agent": "sales", "decision": 77}}
    assert chain.embedded == [(Principal("sofia", "sales"), ("one", "two"), "sales")]


def test_vectors_come_as_numbers_or_packed(post: Post, chain: StandInChain) -> None:
    chain.embedding = VECTORS
    plain = post("/v1/embeddings", model="auto", input="one").json()["data"][0]["embedding"]
    packed = post("/v1/embeddings", model="auto", input="one", encoding_format="base64").json()["data"][0]["embedding"]
    assert plain == [0.6, 0.8]
    assert struct.unpack("<2f", b64decode(packed)) == pytest.approx((0.6, 0.8))


@pytest.mark.parametrize(
    "body, parameter",
    [
        ({"model": "auto"}, "input"),
        ({"model": "auto", "input": ""}, "input"),
        ({"model": "auto", "input": []}, "input"),
        ({"model": "auto", "input": [1, 2, 3]}, "input"),
        ({"model": "auto", "input": ["a"] * (MAX_INPUTS + 1)}, "input"),
        ({"model": "auto", "input": ["a" * 8000] * 13}, "body"),
        ({"model": "auto", "input": "a", "dimensions": 8}, "dimensions"),
        ({"model": "auto", "input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_a_wrong_request_for_vectors_reaches_no_model(
    post: Post, chain: StandInChain, body: dict[str, Any], parameter: str
) -> None:
    chain.embedding = VECTORS
    response = post("/v1/embeddings", **body)
    assert response.status_code == 400
    assert response.json()["error"]["param"].split(".")[0] == parameter
    assert chain.embedded == []


def test_without_an_embedding_model_there_is_none(sales: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no embedding model"):
        sales.embeddings.create(model="auto", input="x")
    with pytest.raises(openai.NotFoundError, match="'board' does not exist"):
        sales.embeddings.create(model="board", input="x")


@pytest.mark.parametrize("error, status", [(AccessDenied("secret"), 503), (EngineError("secret"), 503)])
def test_vectors_that_were_denied_or_failed_tell_nothing_of_the_inside(
    post: Post, chain: StandInChain, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(chain, "embed", fails)
    response = post("/v1/embeddings", model="auto", input="x")
    assert response.status_code == status and "secret" not in response.text
