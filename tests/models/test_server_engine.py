"""The client of OpenAI-compatible servers, over a transport that stands in for the network."""

from __future__ import annotations

import json

import httpx
import pytest

from allotment.errors import EngineError, ProjectError
from allotment.models import Message
from allotment.models._server import ServerEngine

NAME = "http://127.0.0.1:1/v1#small"


def engine(handler: object) -> ServerEngine:
    transport = httpx.MockTransport(handler)  # type: ignore[arg-type]
    return ServerEngine(NAME, httpx.Client(base_url="http://127.0.0.1:1/v1", transport=transport))


def test_a_schema_is_sent_as_response_format_and_the_answer_is_counted() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        assert body["model"] == "small"
        assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
        choice = {"message": {"content": "{}"}, "finish_reason": "stop"}
        return httpx.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})

    found = engine(handler).complete([Message("user", "hi")], schema={"type": "object"})
    assert (found.text, found.prompt_tokens, found.completion_tokens, found.finish) == ("{}", 3, 1, "stop")


def test_a_stream_gives_its_pieces_in_order() -> None:
    lines = [f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}" for piece in ("one ", "two")]
    text = "\n\n".join([*lines, "data: [DONE]", ""])
    found = engine(lambda _: httpx.Response(200, text=text)).stream([Message("user", "hi")])
    assert list(found) == ["one ", "two"]


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(200, text="no JSON"), httpx.Response(200, json={})]
)
def test_rubbish_from_a_server_is_an_engine_error(answer: httpx.Response) -> None:
    with pytest.raises(EngineError, match="did not give an answer"):
        engine(lambda _: answer).complete([Message("user", "hi")])


def test_a_server_is_never_asked_for_an_adapter() -> None:
    with pytest.raises(EngineError, match="not declared"):
        engine(lambda _: httpx.Response(200)).complete([Message("user", "hi")], adapter="a/v1")


def test_a_name_without_a_model_is_refused() -> None:
    with pytest.raises(ProjectError, match="URL#MODEL"):
        ServerEngine("http://127.0.0.1:1/v1")


def test_what_the_model_thought_is_no_part_of_the_answer() -> None:
    choice = {"message": {"content": "<think>Hm.</think>\n\nIt is blue.", "reasoning_content": "Hm."}}
    found = engine(lambda _: httpx.Response(200, json={"choices": [choice]})).complete([Message("user", "hi")])
    assert (found.text, found.prompt_tokens) == ("It is blue.", 0)
