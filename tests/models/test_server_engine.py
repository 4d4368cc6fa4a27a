"""The client of OpenAI-compatible servers, against a server on the loopback interface."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from allotment.errors import EngineError, ProjectError
from allotment.models import Message
from allotment.models import _line as line
from allotment.models._server import ServerEngine
from model_server import Said, model_server, said

HI = [Message("user", "hi")]


@contextmanager
def engine(answer: Callable[[Any], Said]) -> Iterator[ServerEngine]:
    with model_server(answer) as url:
        opened = ServerEngine(f"{url}#small")
        yield opened
        opened.close()


def test_a_schema_is_sent_as_response_format_and_the_answer_is_counted() -> None:
    told: list[Any] = []

    def answer(body: Any) -> Said:
        told.append(body)
        choice = {"message": {"content": "{}"}, "finish_reason": "stop"}
        return said({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})

    with engine(answer) as opened:
        found = opened.complete(HI, schema={"type": "object"})
    assert (found.text, found.prompt_tokens, found.completion_tokens, found.finish) == ("{}", 3, 1, "stop")
    assert told[0]["model"] == "small"
    assert told[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_a_stream_gives_its_pieces_in_order_wherever_its_blocks_are_cut() -> None:
    lines = [f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}" for piece in ("one ", "two")]
    text = "\n\n".join([*lines, "data: [DONE]", ""]).encode()
    cuts = iter(range(1, len(text)))

    def in_two(_: Any) -> Said:
        cut = next(cuts)
        return 200, [text[:cut], text[cut:]]

    with engine(in_two) as opened:
        for _ in range(1, len(text)):
            assert list(opened.stream(HI)) == ["one ", "two"]


@pytest.mark.parametrize("answer", [said({}, 500), (200, [b"no JSON"]), said({}), said([])])
def test_rubbish_from_a_server_is_an_engine_error(answer: Said) -> None:
    with engine(lambda _: answer) as opened, pytest.raises(EngineError, match="did not give an answer"):
        opened.complete(HI)


def test_an_answer_that_does_not_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MOST_BYTES", 100_000)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 10_000

    with engine(lambda _: (200, endless())) as opened, pytest.raises(EngineError, match="does not end"):
        opened.complete(HI)


def test_a_server_that_hangs_up_between_two_questions_is_asked_all_the_same() -> None:
    choice = {"message": {"content": "yes"}}
    with model_server(lambda _: said({"choices": [choice]}), closes=True) as url:
        opened = ServerEngine(f"{url}#small")
        assert [opened.complete(HI).text for _ in range(20)] == ["yes"] * 20
        opened.close()


def test_a_server_that_is_not_there_is_an_engine_error() -> None:
    with model_server(lambda _: said({})) as url:
        opened = ServerEngine(f"{url}#small")
    with pytest.raises(EngineError, match="did not give an answer"):
        opened.complete(HI)
    opened.close()


def test_a_server_is_never_asked_for_an_adapter() -> None:
    with engine(lambda _: said({})) as opened, pytest.raises(EngineError, match="not declared"):
        opened.complete(HI, adapter="a/v1")


def test_a_name_without_a_model_is_refused() -> None:
    with pytest.raises(ProjectError, match="URL#MODEL"):
        ServerEngine("http://127.0.0.1:1/v1")


def test_what_the_model_thought_is_no_part_of_the_answer() -> None:
    choice = {"message": {"content": "<think>Hm.</think>\n\nIt is blue.", "reasoning_content": "Hm."}}
    with engine(lambda _: said({"choices": [choice]})) as opened:
        found = opened.complete(HI)
    assert (found.text, found.prompt_tokens) == ("It is blue.", 0)
