"""One request over HTTP as a program or a page sends it, and everything that comes back."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import httpx

from allotment.evaluation.attacks._framing import send_anyhow
from allotment.evaluation.attacks._types import Attack, Send

_TIMEOUT = httpx.Timeout(600.0, connect=10.0)
_CSRF = re.compile(r'name="csrf(?:-token)?" (?:value|content)="([0-9a-f]{64})"')
_CONVERSATION = "{conversation}"


HUNG_UP = 0
"""Status of no response at all: a server may close on what is no request; why, its record alone says."""


@dataclass(frozen=True)
class Reply:
    """One response, whole or as far as it was read."""

    status: int
    text: str
    """All of it: headers, body as it came, and every text that stands in its JSON, pieces of a stream joined."""
    finish: str = ""
    """``finish_reason`` where there is one."""


def chat_body(send: Send, model: str | None = None) -> dict[str, Any]:
    """The body of a chat completion."""
    messages = [{"role": role, "content": text} for role, text in send.messages]
    asked = [*messages, {"role": "user", "content": send.text}]
    return {"model": model or send.model, "messages": asked, "stream": send.stream, **send.body}


def page_body(send: Send) -> dict[str, Any]:
    """The body of a question of the web page."""
    earlier = [text for role, text in send.messages if role == "user"][-3:]
    return {"question": send.text, "agent": send.model, "earlier": earlier, **send.body}


def exchange(client: httpx.Client, send: Send, url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
    """Send one request, read what is wanted of the response."""
    content = send.raw or json.dumps(body)
    # What the attempt says itself stands in place of what is usual, however it is spelt: names have no case.
    given = {"content-type": "application/json", **headers} | {key.lower(): text for key, text in send.headers.items()}
    if send.method in ("GET", "HEAD"):
        content, given = "", {key: value for key, value in given.items() if key != "content-type"}
    # A stand-alone surrogate is no UTF-8, yet an attacker may send its bytes.
    raw = content.encode("utf-8", "surrogatepass")
    written = _encoded(given)
    try:
        with client.stream(send.method, url, content=raw or None, headers=written) as response:
            return _read(response, send.cut_after)
    except httpx.LocalProtocolError:  # the client will not send it; an attacker has another one
        whole = str(client.base_url.join(url))
        if "host" not in given:
            written.append((b"host", httpx.URL(whole).netloc))
        try:
            return _read(send_anyhow(send.method, whole, written, raw), None)
        except ConnectionError as error:
            return Reply(HUNG_UP, f"the server hung up: {error}")


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1", "replace"), value.encode("utf-8", "replace")) for name, value in headers.items()]


def _read(response: httpx.Response, cut_after: int | None) -> Reply:
    head = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    pieces: list[str] = []
    for number, piece in enumerate(response.iter_lines(), start=1):
        pieces.append(piece)
        if cut_after is not None and number >= 2 * max(1, cut_after):  # an empty line follows each
            break
    body = "\n".join(pieces)
    texts = list(_texts(body))
    found = next((text for name, text in texts if name == "finish_reason" and text), "")
    return Reply(response.status_code, "\n".join([head, body, *_joined(texts)]), found)


def _joined(texts: list[tuple[str, str]]) -> Iterator[str]:
    """Every text by itself, then the pieces of a stream as one."""
    yield from (text for _, text in texts)
    yield "".join(text for name, text in texts if name == "content")


def _texts(body: str) -> Iterator[tuple[str, str]]:
    """Name and text of everything in the JSON of a body, or of each event of a stream."""
    for line in [body, *(line.partition(":")[2] for line in body.splitlines() if line.startswith("data:"))]:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        yield from _within("", found)


def _within(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _within(str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(name, inner)
    elif value is not None and not isinstance(value, bool):
        yield name, str(value)


def together(count: int, ask: Any) -> list[Reply]:
    """``ask()`` as often as said, all at the same moment."""
    if count <= 1:
        return [ask()]
    with ThreadPoolExecutor(count) as threads:
        return [future.result() for future in [threads.submit(ask) for _ in range(count)]]


def csrf_of(page: str) -> str:
    """The token of a page, which a request of that page sends back; empty where there is none."""
    found = _CSRF.search(page)
    return found[1] if found else ""


def in_conversation(send: Send, conversation: str | None) -> Send:
    """The request with somebody's conversation where its place is; nobody's where he has none."""
    number = conversation or str(uuid.UUID(int=7))
    body = json.loads(json.dumps(dict(send.body)).replace(_CONVERSATION, number))
    return replace(send, path=send.path.replace(_CONVERSATION, number), body=body)


def asked_of(attack: Attack) -> str:
    """Everything the attempt itself said, so that an echo is no leak."""
    parts: list[str] = []
    for send in attack.sends:
        parts += [send.text, send.model, *(text for _, text in send.messages), send.raw, send.path]
        parts += [json.dumps(dict(send.body), ensure_ascii=False), *send.headers.values()]
    return "\n".join(parts)


def new_client(address: str) -> httpx.Client:
    """A client that keeps its connections and follows nothing."""
    return httpx.Client(base_url=address, timeout=_TIMEOUT, follow_redirects=False, trust_env=False)
