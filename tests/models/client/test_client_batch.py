"""A provider's batch endpoint: left at every step and joined again, with nothing paid twice."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from filelock import FileLock
from provider import MODEL, ask, completion
from virtual_time import now_s, run_virtually

from allotment.errors import EngineError, IntegrityError, ProjectError
from allotment.models.client import Answer, Ask, BatchLimits, BatchRun, ClientLimits, Failure

SMALL = BatchLimits(requests=2, poll_s=60)
ASKS = [ask(number, f"question {number}") for number in range(5)]


class Killed(BaseException):
    """The process is gone."""


class Provider:
    """Files and batches as OpenAI has them; a batch is done after two looks. Counts every request it is paid for."""

    def __init__(self, *, result: Callable[[str, dict[str, Any]], dict[str, Any]] | None = None) -> None:
        self.paid: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.uploads = self.requests = 0
        self.before: Callable[[int, httpx.Request], httpx.Response | None] = lambda number, request: None
        self.after: Callable[[int, httpx.Request], None] = lambda number, request: None
        self.final = "completed"
        self._result = result or (lambda key, body: answer_row(key, body["messages"][0]["content"]))
        self._looks: Counter[str] = Counter()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        number = self.requests
        self.requests += 1
        response = self.before(number, request) or self._respond(request)
        self.after(number, request)
        return response

    def _respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        if (request.method, path) == ("POST", "/files"):
            self.uploads += 1
            content = re.split(rb"\r\n--", request.content.split(b"application/jsonl\r\n\r\n")[1])[0]
            return httpx.Response(200, json={"id": self._keep(content)})
        if (request.method, path) == ("POST", "/batches"):
            return httpx.Response(200, json=self._create(json.loads(request.content)))
        if path == "/batches":
            return httpx.Response(200, json=self._page(request.url.params))
        if path.startswith("/batches/"):
            return httpx.Response(200, json=self._look(path.removeprefix("/batches/")))
        return httpx.Response(200, content=self.files[path.split("/")[2]])

    def _keep(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        assert wanted["endpoint"] == "/v1/chat/completions"
        assert wanted["completion_window"] == "24h"
        name = f"batch_{len(self.batches)}"
        rows = [json.loads(line) for line in self.files[wanted["input_file_id"]].splitlines()]
        self.paid.update(row["custom_id"] for row in rows)
        batch = {"id": name, "status": "in_progress", "metadata": wanted["metadata"], "rows": rows}
        self.batches[name] = batch
        return batch

    def _page(self, params: httpx.QueryParams) -> dict[str, Any]:
        """Newest first, two on a page."""
        names = list(reversed(self.batches))
        start = names.index(params["after"]) + 1 if "after" in params else 0
        shown = [self.batches[name] for name in names[start : start + 2]]
        return {"data": shown, "has_more": start + 2 < len(names)}

    def _look(self, name: str) -> dict[str, Any]:
        self._looks[name] += 1
        batch = self.batches[name]
        if self._looks[name] == 2:
            results = [self._result(row["custom_id"], row["body"]) for row in batch["rows"]]
            lines = [json.dumps(row).encode() for row in results if row]
            good = [line for line, row in zip(lines, filter(None, results), strict=True) if not row["error"]]
            batch |= {"status": self.final, "output_file_id": self._keep(b"\n".join(good) + b"\n")}
            bad = [line for line in lines if line not in good]
            if bad:
                batch["error_file_id"] = self._keep(b"\n".join(bad))
        return batch


def answer_row(key: str, text: str) -> dict[str, Any]:
    return {"custom_id": key, "response": {"status_code": 200, "body": completion(f"about {text}")}, "error": None}


def error_row(key: str, status: int, code: str) -> dict[str, Any]:
    return {"custom_id": key, "response": {"status_code": status}, "error": {"code": code, "message": "no"}}


def batch_run(provider: Provider, path: Path, limits: BatchLimits = SMALL, model: str = MODEL) -> BatchRun:
    patience = ClientLimits(retries=2)
    transport = httpx.MockTransport(provider)
    return BatchRun(model, path, limits=limits, patience=patience, transport=transport, chance=Random(1))


def finish(provider: Provider, path: Path, asks: list[Ask] = ASKS, **options: Any) -> dict[str, Answer | Failure]:
    async def work() -> dict[str, Answer | Failure]:
        return {key: found async for key, found in batch_run(provider, path, **options).run(asks)}

    return run_virtually(work())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "batches.json"


def texts(found: dict[str, Answer | Failure]) -> dict[str, str]:
    return {key: one.text for key, one in found.items() if isinstance(one, Answer)}


EXPECTED = {str(number): f"about question {number}" for number in range(5)}


def test_every_ask_is_answered_by_its_key_in_batches_of_the_allowed_size(path: Path) -> None:
    provider = Provider()
    assert texts(finish(provider, path)) == EXPECTED
    assert [len(batch["rows"]) for batch in provider.batches.values()] == [2, 2, 1]
    row = provider.batches["batch_0"]["rows"][0]
    assert (row["method"], row["url"], row["body"]["model"]) == ("POST", "/v1/chat/completions", "teacher")
    assert [file.name for file in path.parent.iterdir() if file.suffix != ".lock"] == []


def test_batches_are_no_larger_than_the_allowed_bytes(path: Path) -> None:
    provider = Provider()
    limits = BatchLimits(file_bytes=700)
    assert texts(finish(provider, path, limits=limits)) == EXPECTED
    sizes = [len(content) for content in list(provider.files.values())[: provider.uploads]]
    assert max(sizes) <= 700
    assert provider.uploads > 1


REQUESTS_OF_A_RUN = 27
"""At least as many as a run of three batches sends."""


@pytest.mark.parametrize("lost", ["request", "response"])
@pytest.mark.parametrize("at", range(REQUESTS_OF_A_RUN))
def test_killed_at_any_request_it_is_joined_again_and_nothing_is_paid_twice(path: Path, at: int, lost: str) -> None:
    provider = Provider()

    def kill(number: int, request: httpx.Request) -> None:
        if number == at:
            raise Killed

    setattr(provider, "before" if lost == "request" else "after", kill)
    try:
        finish(provider, path)
    except Killed:
        assert texts(finish(provider, path)) == EXPECTED
    assert provider.paid == Counter(EXPECTED.keys())


def test_the_kills_cover_a_whole_run(path: Path) -> None:
    provider = Provider()
    finish(provider, path)
    assert 15 <= provider.requests <= REQUESTS_OF_A_RUN


@pytest.mark.parametrize("at", range(REQUESTS_OF_A_RUN))
def test_an_answer_lost_at_any_request_is_asked_for_again_and_nothing_is_paid_twice(path: Path, at: int) -> None:
    provider = Provider()

    def lose(number: int, request: httpx.Request) -> None:
        if number == at:
            raise httpx.ReadTimeout("lost", request=request)

    provider.after = lose
    assert texts(finish(provider, path)) == EXPECTED
    assert provider.paid == Counter(EXPECTED.keys())


def test_killed_again_and_again_it_comes_to_its_end(path: Path) -> None:
    provider, chance, kills = Provider(), Random(5), 0

    def kill(number: int, request: httpx.Request) -> None:
        if chance.random() < 0.3:
            raise Killed

    provider.after = kill
    for _ in range(500):
        try:
            found = finish(provider, path)
            break
        except Killed:
            kills += 1
    assert kills > 3
    assert texts(found) == EXPECTED
    assert provider.paid == Counter(EXPECTED.keys())


def test_left_while_outcomes_are_handed_out_it_hands_out_all_when_joined_again(path: Path) -> None:
    provider = Provider()

    async def leave() -> None:
        async with aclosing(batch_run(provider, path).run(ASKS)) as run:
            async for _ in run:
                return

    run_virtually(leave())
    assert texts(finish(provider, path)) == EXPECTED
    assert provider.paid == Counter(EXPECTED.keys())


def test_cancelled_while_it_waits_it_lets_another_process_go_on(path: Path) -> None:
    provider = Provider()

    async def leave() -> None:
        async def read() -> None:
            async for _ in batch_run(provider, path).run(ASKS):
                pass

        reader = asyncio.create_task(read())
        await asyncio.sleep(30)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert len(asyncio.all_tasks()) == 1

    run_virtually(leave())
    assert path.exists()
    assert texts(finish(provider, path)) == EXPECTED


def test_a_run_that_is_over_is_answered_from_its_batches_when_asked_again(path: Path) -> None:
    provider = Provider()
    finish(provider, path)
    uploads = provider.uploads
    assert texts(finish(provider, path)) == EXPECTED
    assert provider.paid == Counter(EXPECTED.keys())
    assert provider.uploads == uploads


@pytest.mark.parametrize(("final", "reason"), [("failed", "refused"), ("cancelled", "refused"), ("expired", "timeout")])
def test_a_batch_that_ends_early_fails_what_it_did_not_answer(path: Path, final: str, reason: str) -> None:
    provider = Provider(result=lambda key, body: answer_row(key, "x") if key in "024" else {})
    provider.final = final
    found = finish(provider, path)
    assert sorted(texts(found)) == ["0", "2", "4"]
    failures = [one for one in found.values() if isinstance(one, Failure)]
    assert {(one.reason, one.attempts) for one in failures} == {(reason, 1)}
    assert len(failures) == 2
    assert final in failures[0].detail


def test_what_a_failed_batch_left_out_can_be_asked_for_again(path: Path) -> None:
    provider = Provider(result=lambda key, body: {})
    provider.final = "failed"
    assert texts(finish(provider, path)) == {}
    again = Provider()
    again.batches = {name: {**batch, "rows": []} for name, batch in provider.batches.items()}
    assert texts(finish(again, path)) == EXPECTED


def test_errors_of_single_requests_are_failures_of_their_kind(path: Path) -> None:
    kinds = {"0": (400, "bad"), "1": (429, "slow"), "2": (500, "broken"), "3": (0, "batch_expired")}

    def result(key: str, body: dict[str, Any]) -> dict[str, Any]:
        return error_row(key, *kinds[key]) if key in kinds else answer_row(key, "x")

    found = finish(Provider(result=result), path)
    reasons = [one.reason for key, one in sorted(found.items()) if isinstance(one, Failure)]
    assert reasons == ["refused", "rate-limited", "server-error", "timeout"]
    assert list(texts(found)) == ["4"]


def test_json_in_a_batch_is_mended_and_reasoning_removed(path: Path) -> None:
    provider = Provider(result=lambda key, body: answer_row(key, f'</think>{{"a": "{key}",}}'))
    found = finish(provider, path, [ask(1, schema={"type": "object"}), ask(2)])
    assert isinstance(found["1"], Answer)
    assert isinstance(found["2"], Answer)
    assert (found["1"].text, found["1"].repaired) == ('{"a": "1"}', True)
    assert (found["2"].text, found["2"].repaired) == ('{"a": "2",}', False)


def test_lines_that_are_broken_too_long_or_of_others_harm_no_other(path: Path) -> None:
    provider = Provider(result=lambda key, body: answer_row(key, "y" * 5000 if key == "1" else "x"))
    keep = provider._keep

    def add_rubbish(content: bytes) -> str:
        if b'"response"' not in content:
            return keep(content)
        stranger = json.dumps(answer_row("stranger", "x")).encode()
        half = b'{"custom_id": "3", "response": {"status_code": 200'
        kept = b"\n".join(line for line in content.splitlines() if b'"custom_id": "3"' not in line)
        return keep(b"\n".join([b"\xff{", stranger, b"", half, kept, kept]))

    provider._keep = add_rubbish  # type: ignore[method-assign]
    found = finish(provider, path, limits=BatchLimits(line_bytes=2000))
    assert sorted(texts(found)) == ["0", "2", "4"]
    assert {key: one.reason for key, one in found.items() if isinstance(one, Failure)} == {
        "1": "too-large",
        "3": "malformed",
    }


def test_the_wait_between_two_looks_is_kept(path: Path) -> None:
    async def work() -> None:
        provider = Provider()
        _ = [key async for key, _ in batch_run(provider, path, BatchLimits(poll_s=300)).run(ASKS)]
        assert now_s() - 1000 == pytest.approx(300)

    run_virtually(work())


def test_faults_are_tried_again_and_told_when_they_stay(path: Path) -> None:
    provider = Provider()
    provider.before = lambda number, request: httpx.Response(503, headers={"retry-after": "5"}) if number < 2 else None
    assert texts(finish(provider, path)) == EXPECTED
    provider.before = lambda number, request: httpx.Response(500)
    with pytest.raises(EngineError, match="does not answer"):
        finish(provider, path)


@pytest.mark.parametrize("status", [401, 404, 400])
def test_a_provider_that_refuses_is_told_at_once(path: Path, status: int) -> None:
    provider = Provider()
    provider.before = lambda number, request: httpx.Response(status, text="no batches here")
    with pytest.raises(EngineError, match="no batches here"):
        finish(provider, path)
    assert provider.requests == 1


@pytest.mark.parametrize("body", ["[]", "{}", "nonsense"])
def test_a_provider_that_answers_nonsense_is_not_there(path: Path, body: str) -> None:
    provider = Provider()
    provider.before = lambda number, request: httpx.Response(200, text=body)
    with pytest.raises(EngineError, match="does not answer"):
        finish(provider, path)


def test_other_asks_do_not_join_a_run_that_was_left(path: Path) -> None:
    provider = Provider()
    provider.before = lambda number, request: httpx.Response(401) if "batch_0" in request.url.path else None
    with pytest.raises(EngineError):
        finish(provider, path)
    with pytest.raises(ProjectError, match="other requests"):
        finish(provider, path, ASKS[1:])


def test_a_file_of_something_else_is_not_overwritten(path: Path) -> None:
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(IntegrityError):
        finish(Provider(), path)
    assert path.read_text(encoding="utf-8") == "[1]"


def test_two_processes_do_not_submit_at_the_same_time(path: Path) -> None:
    provider = Provider()
    with FileLock(path.with_name("batches.json.lock")), pytest.raises(ProjectError, match="another command"):
        finish(provider, path)
    assert provider.requests == 0


def test_two_asks_with_one_key_are_refused_before_anything_is_sent(path: Path) -> None:
    provider = Provider()
    with pytest.raises(ProjectError, match="same key"):
        finish(provider, path, [ask("a"), ask("a")])
    assert provider.requests == 0


def test_no_asks_are_no_batch(path: Path) -> None:
    provider = Provider()
    assert finish(provider, path, []) == {}
    assert provider.requests == 0
