"""The very requests that Open WebUI, LibreChat and the official Node client send."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_standin import ANSWER, StandInChain

from allotment.access import Principal
from allotment.answering import AnswerOptions
from allotment.gateway import UserStore

SOFIA = Principal("sofia", "sales")
TITLE_TASK = """### Task:
Generate a concise, 3-5 word title with an emoji summarizing the chat history.
### Guidelines:
- The title should clearly represent the main theme or subject of the conversation.
- Your entire response must consist solely of the JSON object, without any introductory or concluding text.
### Output:
JSON format: { "title": "your concise title here" }
### Chat History:
<chat_history>
USER: How many orders went to Sweden?
</chat_history>"""
"""What Open WebUI asks for a title, shortened."""


@pytest.fixture
def key(store: UserStore) -> str:
    return store.create_key("sofia")


@pytest.fixture
def client(address: str, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{address}/v1", headers={"authorization": f"Bearer {key}"}, timeout=60) as opened:
        yield opened


def frames(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_open_webui_lists_the_models_with_the_headers_it_forwards(client: httpx.Client) -> None:
    forwarded = {"x-openwebui-user-name": "Dana", "x-openwebui-user-role": "admin", "x-openwebui-user-id": "1"}
    listed = client.get("/models", headers={**forwarded, "content-type": "application/json"}).json()
    assert [model["id"] for model in listed["data"]] == ["auto", "handbook", "sales"]
    assert listed["object"] == "list" and all(model["object"] == "model" for model in listed["data"])


def test_open_webui_streams_a_chat_with_its_usage(client: httpx.Client, chain: StandInChain) -> None:
    body = {
        "stream": True,
        "model": "sales",
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "How many orders went to Sweden?"},
        ],
        "stream_options": {"include_usage": True},
        "metadata": {"user_id": "1", "chat_id": "c", "message_id": "m"},
    }
    response = client.post("/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    found = frames(response)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in found if c["choices"]) == ANSWER.text
    assert found[-1]["choices"] == [] and found[-1]["usage"]["total_tokens"] == 129
    assert chain.asked == [(SOFIA, "How many orders went to Sweden?", "sales")]


def test_open_webui_asks_for_a_title_and_gets_an_answer_in_its_shape(client: httpx.Client, chain: StandInChain) -> None:
    body = {
        "model": "sales",
        "messages": [{"role": "user", "content": TITLE_TASK}],
        "stream": False,
        "max_completion_tokens": 1000,
        "metadata": {"task": "title_generation", "chat_id": "c"},
    }
    whole = client.post("/chat/completions", json=body).json()
    assert whole["choices"][0]["message"]["content"] == ANSWER.text
    assert chain.told == [(AnswerOptions(1000), ())]


def test_librechat_streams_a_chat_with_its_default_parameters(client: httpx.Client, chain: StandInChain) -> None:
    body = {
        "model": "auto",
        "temperature": 1,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "user": "665f0c3b9a2d",
        "stream": True,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi how are you"}],
    }
    assert frames(client.post("/chat/completions", json=body))[-1]["choices"][0]["finish_reason"] == "stop"
    assert chain.asked == [(SOFIA, "hi how are you", None)]
    assert chain.told == [(AnswerOptions(temperature=1), ("Be brief.",))]


def test_librechat_with_the_documented_settings_drops_what_changes_an_answer(
    client: httpx.Client, chain: StandInChain
) -> None:
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    assert client.post("/chat/completions", json=body).status_code == 200
    assert chain.told == [(AnswerOptions(), ())]


@pytest.mark.parametrize("path", ["/models", "/chat/completions", "/embeddings"])
def test_a_page_of_another_site_is_given_no_leave(client: httpx.Client, chain: StandInChain, path: str) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = client.options(path, headers={**asked, "access-control-request-headers": "authorization"})
    assert preflight.status_code == 405 and preflight.json()["error"]["type"] == "invalid_request_error"
    simple = client.get("/models", headers={"origin": "https://evil.example"})
    for response in (preflight, simple):
        assert not [name for name in response.headers if name.startswith("access-control-")]
    assert chain.asked == []


def test_the_official_node_client_lists_asks_and_streams(
    address: str, key: str, tmp_path: Path, chain: StandInChain
) -> None:
    node = shutil.which("node")
    modules = Path(os.environ.get("ALLOTMENT_NODE_MODULES", "node_modules")).resolve()
    if node is None or not (modules / "openai").is_dir():
        pytest.skip("needs node, and `npm install openai` in the folder ALLOTMENT_NODE_MODULES names")
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "ask.mjs").write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": key}
    told = subprocess.run([node, "ask.mjs"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["models"] == ["auto", "handbook", "sales"]
    assert found["whole"] == found["streamed"] == ANSWER.text
    assert found["decision"] == 41 and found["usage"] == 129
    assert found["missing"] == [404, "model_not_found"]


SCRIPT = """
import OpenAI from 'openai';
const client = new OpenAI({ maxRetries: 0 });
const messages = [{ role: 'user', content: 'How many orders went to Sweden?' }];
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const whole = await client.chat.completions.create({ model: 'auto', messages });
let streamed = '';
let usage = 0;
const options = { model: 'auto', messages, stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create(options)) {
  streamed += chunk.choices[0]?.delta?.content ?? '';
  usage = chunk.usage?.total_tokens ?? usage;
}
let missing = null;
try {
  await client.chat.completions.create({ model: 'board', messages });
} catch (error) {
  missing = [error.status, error.code];
}
const text = whole.choices[0].message.content;
console.log(JSON.stringify({ models, whole: text, streamed, usage, missing, decision: whole.allotment.decision }));
"""
