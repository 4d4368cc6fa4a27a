"""Generation through a provider's batch endpoint, left at any request and joined again."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest_dataset import BOATS, DECLARATION, Teacher, good_reply

from allotment.dataset import BatchTeacher, DatasetStats, Item, generate, load_items
from allotment.errors import DatasetError, IntegrityError
from allotment.models import Message
from allotment.project import Project
from allotment.workspace import Ledger, Workspace

MakeProject = Callable[..., tuple[Project, Workspace]]
MODEL = "http://stand-in/v1#teacher"
KINDS = DECLARATION.replace("backwards: false, rewrites: []", "rewrites: [summary]")
FERRY = """# Ferries

Every morning at 6:55 sharp we board the ferry Heron from the long pier, whatever the weather brings to us that day.
The old lighthouse keeper likes strong coffee and green tea while the boats come home in the evening light.
"""


class Killed(BaseException):
    """The process is gone."""


def reply(messages: list[Message]) -> str:
    """A good teacher that leaves out the last fact of two, so that it is asked once more, alone."""
    text = good_reply(messages)
    if "contain:" in messages[-1].content or not text.startswith("{"):
        return text
    facts = json.loads(text)["facts"]
    return json.dumps({"facts": facts[:1]})


class Provider:
    """Files and batches as OpenAI has them; every batch is done at once. Counts every request it is paid for."""

    def __init__(self) -> None:
        self.paid: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.sizes: list[int] = []
        self.requests = 0
        self.reply: Callable[[list[Message]], str] = reply
        self.finish = "stop"
        self.before: Callable[[int], None] = lambda number: None
        self.after: Callable[[int], None] = lambda number: None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        number, self.requests = self.requests, self.requests + 1
        self.before(number)
        response = self._respond(request)
        self.after(number)
        return response

    def _respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        if (request.method, path) == ("POST", "/files"):
            content = re.split(rb"\r\n--", request.content.split(b"application/jsonl\r\n\r\n")[1])[0]
            return httpx.Response(200, json={"id": self._keep(content)})
        if (request.method, path) == ("POST", "/batches"):
            return httpx.Response(200, json=self._create(json.loads(request.content)))
        if path == "/batches":
            return httpx.Response(200, json={"data": list(self.batches.values()), "has_more": False})
        if path.startswith("/batches/"):
            return httpx.Response(200, json=self.batches[path.removeprefix("/batches/")])
        return httpx.Response(200, content=self.files[path.split("/")[2]])

    def _keep(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        rows = [json.loads(line) for line in self.files[wanted["input_file_id"]].splitlines()]
        self.paid.update(row["custom_id"] for row in rows)
        self.sizes.append(len(rows))
        results = b"\n".join(json.dumps(self._result(row)).encode() for row in rows)
        name = f"batch_{len(self.batches)}"
        done = {"id": name, "status": "completed", "metadata": wanted["metadata"]}
        self.batches[name] = done | {"output_file_id": self._keep(results)}
        return self.batches[name]

    def _result(self, row: dict[str, Any]) -> dict[str, Any]:
        text = self.reply([Message(message["role"], message["content"]) for message in row["body"]["messages"]])
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": self.finish}
        body = {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}
        return {"custom_id": row["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


Made = tuple[DatasetStats, list[Item]]


@pytest.fixture
def project(make_project: MakeProject) -> tuple[Project, Workspace]:
    return make_project({"shared/boats.md": BOATS, "shared/ferry.md": FERRY}, KINDS)


def run(project: tuple[Project, Workspace], provider: Provider) -> Made:
    teacher = BatchTeacher(MODEL, _folder(project), transport=httpx.MockTransport(provider))
    counts = generate(*project, "helper", teacher, batch=True)
    return counts, load_items(project[1], "helper")


def _folder(project: tuple[Project, Workspace]) -> Path:
    return project[1].dataset_dir("helper")


def begin_again(project: tuple[Project, Workspace]) -> None:
    for path in _folder(project).glob("*"):
        path.unlink()


def test_a_run_gives_the_dataset_a_teacher_asked_one_by_one_gives(project: tuple[Project, Workspace]) -> None:
    provider = Provider()
    found = run(project, provider)
    assert set(provider.paid) == set(Ledger(_folder(project) / "ledger.jsonl").rows)
    assert set(provider.paid.values()) == {1}
    assert len(provider.batches) == 3, "a round, second tries, backwards"
    assert not list(_folder(project).glob("batch.keys*")) and not (_folder(project) / "batch.json").exists()
    begin_again(project)
    counts = generate(*project, "helper", Teacher(reply, name=MODEL))  # type: ignore[arg-type]
    assert (counts, load_items(project[1], "helper")) == found


@pytest.mark.parametrize("lost", ["before", "after"])
def test_killed_at_any_request_and_joined_again_it_is_the_same_and_nothing_is_paid_twice(
    project: tuple[Project, Workspace], lost: str
) -> None:
    whole = Provider()
    expected = run(project, whole)
    for at in range(whole.requests):
        begin_again(project)
        provider = Provider()
        setattr(provider, lost, _kill_at(at))
        with pytest.raises(Killed):
            run(project, provider)
        assert run(project, provider) == expected
        assert provider.paid == whole.paid


def _kill_at(at: int) -> Callable[[int], None]:
    def kill(number: int) -> None:
        if number == at:
            raise Killed

    return kill


def test_killed_while_any_answer_is_written_down_it_is_the_same_and_nothing_is_paid_twice(
    project: tuple[Project, Workspace],
) -> None:
    whole = Provider()
    expected = run(project, whole)
    for at in range(1, len(whole.paid) + 1):
        begin_again(project)
        provider = Provider()
        with pytest.raises(Killed):
            _leave_after(project, provider, at)
        assert run(project, provider) == expected
        assert provider.paid == whole.paid


def _leave_after(project: tuple[Project, Workspace], provider: Provider, answers: int) -> None:
    seen = 0

    def progress(label: str, done: int, total: int) -> None:
        nonlocal seen
        seen += done > 0
        if seen == answers:
            raise Killed

    teacher = BatchTeacher(MODEL, _folder(project), transport=httpx.MockTransport(provider))
    generate(*project, "helper", teacher, progress, batch=True)


LOOK_AT_THE_FIRST_BATCH = 4
"""Request after the looks for a batch, the upload and the creation."""
PRICED = KINDS + f'models:\n  prices:\n    "{MODEL}": {{input: 1.0, output: 1.0}}\n'


def test_a_batch_left_under_a_limit_of_cost_is_joined_by_a_run_with_a_higher_one(make_project: MakeProject) -> None:
    project = make_project({"shared/boats.md": BOATS, "shared/ferry.md": FERRY}, PRICED)
    whole = Provider()
    expected = run(project, whole)
    begin_again(project)
    provider = Provider()
    provider.after = _kill_at(LOOK_AT_THE_FIRST_BATCH)
    teacher = BatchTeacher(MODEL, _folder(project), transport=httpx.MockTransport(provider))
    with pytest.raises(Killed):
        generate(*project, "helper", teacher, max_cost_usd=0.002, batch=True)
    assert 0 < len(provider.paid) < whole.sizes[0]
    assert run(project, provider) == expected
    assert provider.paid == whole.paid


def test_a_limit_of_cost_stops_a_batch_before_it_and_a_higher_one_goes_on(make_project: MakeProject) -> None:
    project = make_project({"shared/boats.md": BOATS, "shared/ferry.md": FERRY}, PRICED)
    provider = Provider()
    teacher = BatchTeacher(MODEL, _folder(project), transport=httpx.MockTransport(provider))
    with pytest.raises(DatasetError, match="Raise --max-cost"):
        generate(*project, "helper", teacher, max_cost_usd=0.002, batch=True)
    assert provider.paid
    run(project, provider)
    assert set(provider.paid.values()) == {1}


@pytest.mark.parametrize("content", ["{", "3", "null"])
def test_a_broken_file_of_what_is_out_is_told_and_kept(project: tuple[Project, Workspace], content: str) -> None:
    _folder(project).mkdir(parents=True, exist_ok=True)
    path = _folder(project) / "batch.keys.json"
    path.write_text(content, encoding="utf-8")
    provider = Provider()
    with pytest.raises(IntegrityError, match=r"batch\.keys\.json"):
        run(project, provider)
    assert (path.read_text(encoding="utf-8"), provider.requests) == (content, 0)


def test_a_fact_that_was_mended_where_its_answer_broke_off_is_no_fact(project: tuple[Project, Workspace]) -> None:
    provider = Provider()
    provider.reply, provider.finish = lambda messages: good_reply(messages)[:-60], "length"
    counts, items = run(project, provider)
    assert counts.kinds["question"].failed["cut-off"] > 0
    assert all(item.question.endswith(("?", ".")) for item in items if item.is_fact)
