"""The files of a batch: requests as a provider wants them, and results as it gives them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from allotment.errors import ProjectError
from allotment.models._openai import chat_body, read_completion, schema_format
from allotment.models.client._ask import Answer, Ask, Failure
from allotment.models.client._finish import excerpt, reason_of, to_answer
from allotment.workspace import atomic_writer

ENDPOINT = "/v1/chat/completions"
_KEY = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large one batch may be, and how often it is looked at."""

    requests: int = 50_000
    """Most requests in one batch."""
    file_bytes: int = 190_000_000
    """Most bytes of a batch's file; providers take 200 MB."""
    poll_s: float = 60.0
    """Seconds between two looks at the batches."""
    line_bytes: int = 4 * 1024 * 1024
    """A longer line of results is passed over."""


@dataclass(frozen=True, slots=True)
class Part:
    """The requests of one batch, in a file."""

    path: Path
    digest: str
    """SHA-256 of the file, in hex; the batch is known by it."""


def write_parts(model: str, asks: Iterable[Ask], target: Path, limits: BatchLimits) -> list[Part]:
    """Write the requests into as few files as the limits allow, beside ``target``; they are not held in memory.

    Raises:
        ProjectError: two asks of one file have the same key.
        StorageError: the disk is full.
    """
    lines = ((ask.key, _request(model, ask)) for ask in asks)
    parts: list[Part] = []
    line = next(lines, None)
    while line is not None:
        path = target.with_name(f"{target.name}.{len(parts)}.jsonl")
        with atomic_writer(path) as file:
            digest, line = _fill(file, line, lines, limits)
        parts.append(Part(path, digest))
    return parts


def _fill(
    file: IO[bytes], line: tuple[str, bytes] | None, lines: Iterator[tuple[str, bytes]], limits: BatchLimits
) -> tuple[str, tuple[str, bytes] | None]:
    """Fill one file; gives its hash and the line that did not fit any more."""
    digest, size, keys = hashlib.sha256(), 0, set[str]()
    while line is not None and (not keys or (len(keys) < limits.requests and size + len(line[1]) <= limits.file_bytes)):
        key, request = line
        if key in keys:
            raise ProjectError("two asks have the same key.", element=key, remedy="Give every ask a key of its own.")
        keys.add(key)
        file.write(request)
        digest.update(request)
        size += len(request)
        line = next(lines, None)
    return digest.hexdigest(), line


def _request(model: str, ask: Ask) -> bytes:
    body = chat_body(model, ask.messages, max_tokens=ask.max_tokens, temperature=ask.temperature, seed=ask.seed)
    if ask.schema is not None:
        body["response_format"] = schema_format(ask.schema)
    return json.dumps({"custom_id": ask.key, "method": "POST", "url": ENDPOINT, "body": body}).encode("ascii") + b"\n"


def keys_of(part: Part) -> dict[str, bool]:
    """Keys of a file's requests, in order → whether the answer must follow a schema."""
    with part.path.open("rb") as file:
        rows = (json.loads(line) for line in file)
        return {row["custom_id"]: "response_format" in row["body"] for row in rows}


def read_results(path: Path, asked: dict[str, bool], limits: BatchLimits) -> Iterator[tuple[str, Answer | Failure]]:
    """The outcomes in a file of results; each key is taken out of ``asked``, and keys that are not in it are none."""
    with path.open("rb") as file:
        for line in _lines(file, limits.line_bytes):
            key = _key_of(line)
            if key is not None and key in asked:
                yield key, _outcome(line, limits, with_schema=asked.pop(key))


def _lines(file: IO[bytes], most: int) -> Iterator[bytes]:
    """Lines, of which at most one byte more than ``most`` is kept."""
    while line := file.readline(most + 1):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(most)
        yield line


def _key_of(line: bytes) -> str | None:
    found = _KEY.search(line)
    try:
        return str(json.loads(found[1])) if found else None
    except ValueError:
        return None


def _outcome(line: bytes, limits: BatchLimits, *, with_schema: bool) -> Answer | Failure:
    if len(line) > limits.line_bytes:
        return Failure("too-large", f"the answer has more than {limits.line_bytes} bytes", 0.0, 1)
    try:
        row = json.loads(line)
        response = row.get("response") or {}
        status, body = int(response.get("status_code") or 0), response.get("body")
        if status == 200:
            return to_answer(read_completion(body), with_schema=with_schema, seconds=0.0, attempts=1)
        return _failure(status, row.get("error") or body)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Failure("malformed", f"not a chat completion: {excerpt(line)}", 0.0, 1)


def _failure(status: int, error: Any) -> Failure:
    told = excerpt(json.dumps(error, ensure_ascii=False))
    if status == 0 and "expired" in told:
        return Failure("timeout", told, 0.0, 1)
    return Failure(reason_of(status), f"HTTP {status}: {told}" if status else told, 0.0, 1)


def outcome_of_missing(batch: dict[str, Any]) -> Failure:
    """Why a batch has no result for a request."""
    status = str(batch.get("status"))
    errors = batch.get("errors")
    told = f"the batch is {status}" + (f": {excerpt(json.dumps(errors, ensure_ascii=False))}" if errors else "")
    if status == "completed":
        return Failure("malformed", "the batch has no result for it", 0.0, 1)
    return Failure("timeout" if status == "expired" else "refused", told, 0.0, 1)
