"""A real server over a raw socket: smuggling, framing, tricks with the path, sizes; a good request works after each."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from gateway_standin import POLICY, Recorded, StandInChain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.gateway import Limiter, UserStore, create_app, hosts_of
from allotment.project import GatewayConfig

Raw = Callable[..., bytes]
EVERYTHING = 60
"""Seconds; a refused connection is closed by the server long before."""
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def app(chain: StandInChain, store: UserStore, recorded: Recorded, limiter: Limiter) -> FastAPI:
    """As `serve` makes it: it answers under its own names alone."""
    return create_app(
        chain,
        store,
        title="N",
        ready=list,
        policy=POLICY,
        record=recorded,
        limiter=limiter,
        allowed_hosts=hosts_of(GatewayConfig(), "127.0.0.1"),
    )


@pytest.fixture
def key(store: UserStore) -> str:
    return store.create_key("sofia")


@pytest.fixture
def raw(address: str, chain: StandInChain, key: str) -> Raw:
    """Sends bytes as they are and reads until the server closes, or for a full response."""
    place = urlsplit(address)

    def send(data: bytes, *, closes: bool = True) -> bytes:
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=EVERYTHING) as connection:
            connection.sendall(data)
            if not closes:
                connection.shutdown(socket.SHUT_WR)
            found = b""
            with suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    found += part
        asked = len(chain.asked)
        good = httpx.get(f"{address}/v1/models", headers={"authorization": f"Bearer {key}"})
        assert good.status_code == 200 and len(chain.asked) == asked
        return found

    return send


def head(method: str = "POST", target: str = "/v1/chat/completions", *lines: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode("latin-1")


BODY = b'{"model":"auto","messages":[{"role":"user","content":"hello"}]}'
SIZE = f"Content-Length: {len(BODY)}"


@pytest.mark.parametrize(
    "data",
    [
        head("POST", "/v1/chat/completions", "Content-Length: 4", "Transfer-Encoding: chunked")
        + b"0\r\n\r\n"
        + SMUGGLED,
        head("POST", "/v1/chat/completions", "Transfer-Encoding: chunked", SIZE) + b"0\r\n\r\n" + SMUGGLED,
        head("POST", "/v1/chat/completions", "Content-Length: 4", SIZE) + BODY,
        head("POST", "/v1/chat/completions", "Content-Length: 4, 5") + BODY,
        head("POST", "/v1/chat/completions", "Content-Length: +4") + BODY,
        head("POST", "/v1/chat/completions", "Content-Length: 0x10") + BODY,
        head("POST", "/v1/chat/completions", "Content-Length: -1") + BODY,
        head("POST", "/v1/chat/completions", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
        head("POST", "/v1/chat/completions", "Transfer-Encoding: chunked") + b"-1\r\n{}\r\n0\r\n\r\n",
        head("POST", "/v1/chat/completions", "Transfer-Encoding: chunked") + b"1" * 40 + b"\r\n",
        head("POST", "/v1/chat/completions", "Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
        head("POST", "/v1/chat/completions", "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        head("POST", "/v1/chat/completions", "Transfer-Encoding : chunked") + b"0\r\n\r\n",
        head("GET", "/v1/models", "Host: evil.example"),
        head("GET", "/v1/models", "Authorization: Bearer a", "Authorization: Bearer b"),
        b"GET /v1/models HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\x00c\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX A: b\r\n\r\n",
        b"GET  /v1/models  HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
    ],
)
def test_a_request_two_servers_could_read_in_two_ways_is_refused_once_and_nothing_hides_behind_it(
    raw: Raw, chain: StandInChain, recorded: Recorded, data: bytes
) -> None:
    found = raw(data)
    assert found.split(b" ")[1] in (b"400", b"501"), found[:200]
    assert found.count(b"HTTP/1.1 ") == 1
    assert chain.asked == []
    assert is_on_record(recorded)


def is_on_record(recorded: Recorded) -> bool:
    """Whether a refused request comes on record; what no parser could read is recorded beside its answer."""
    limit = time.monotonic() + EVERYTHING
    while ("", "", "request-refused") not in recorded.events and time.monotonic() < limit:
        pass
    return ("", "", "request-refused") in recorded.events


def test_a_folded_header_is_one_value_and_says_nothing_of_its_own(raw: Raw, key: str, chain: StandInChain) -> None:
    folded = b"X-Note: a\r\n Authorization: Bearer stolen\r\n"
    found = raw(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + folded + b"\r\n")
    assert found.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost:8000@evil.example"])
def test_a_request_for_another_host_is_refused_in_the_shape_of_its_callers(raw: Raw, host: str) -> None:
    found = raw(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert found.startswith(b"HTTP/1.1 400") and b'"invalid_request_error"' in found


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:9"])
def test_a_request_for_this_machine_is_answered(raw: Raw, host: str) -> None:
    found = raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert found.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "target, status",
    [
        ("/v1/../healthz", 404),
        ("/v1/%2e%2e/healthz", 404),
        ("/v1/.%2E/healthz", 404),
        ("//v1/models", 404),
        ("/v1//models", 404),
        ("/v1/models/", 404),
        ("/v1/models/.", 404),
        ("/v1/models/..", 404),
        ("/v1/models.", 404),
        ("/v1/models/sales%2f..%2fboard", 404),
        ("/v1/models/sales%5cboard", 404),
        ("/v1/models;a=b", 404),
        ("/V1/models", 404),
        ("/v1%00/models", 404),
        ("/v1/models%0d%0aX-A:b", 404),
        ("/v1/models/%", 404),
        ("/v1/models/%zz", 404),
        ("http://evil.example/v1/models", 404),
        ("*", 404),
        ("/v1/models?" + "a" * 5000, 414),
        ("/" + "a" * 5000, 414),
        ("/static/%2e%2e/_render.py", 404),
        ("/static/..%5c_render.py", 404),
    ],
)
def test_a_trick_with_the_address_leads_nowhere(raw: Raw, key: str, target: str, status: int) -> None:
    found = raw(head("GET", target, f"Authorization: Bearer {key}", "Connection: close"))
    assert found.startswith(b"HTTP/1.1 %d" % status), found[:200]
    assert b"sales" not in found and b"import" not in found


_SEGMENT = st.sampled_from(
    ["v1", "models", "healthz", "static", "..", ".", "", "%2e%2e", "%2f", "%5c", "login", "V1", "%00"]
)


@given(st.lists(_SEGMENT, min_size=1, max_size=6), st.booleans())
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_no_address_made_of_pieces_gets_past_the_key(address: str, segments: list[str], upper: bool) -> None:
    target = "/" + "/".join(segments)
    place = urlsplit(address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=EVERYTHING) as connection:
        connection.sendall(head("GET", target.upper() if upper else target, "Connection: close"))
        found = b""
        while part := connection.recv(65536):
            found += part
    if int(found.split(b" ")[1]) == 200:
        assert target in ("/healthz", "/login")
    assert b"handbook" not in found


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Long: " + "a" * 9000],
        [f"X-{n}: {'a' * 500}" for n in range(70)],
        [f"X-{n}: a" for n in range(120)],
    ],
)
def test_headers_that_are_too_large_or_too_many_are_refused(raw: Raw, recorded: Recorded, lines: list[str]) -> None:
    found = raw(head("GET", "/v1/models", *lines))
    assert found.startswith(b"HTTP/1.1 431"), found[:100]
    assert is_on_record(recorded)


def test_headers_that_never_end_are_refused(raw: Raw) -> None:
    found = raw(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 140_000)
    assert found.startswith(b"HTTP/1.1 400") or found == b""  # what was not read yet may cut the answer off


def test_a_body_that_is_announced_too_large_is_refused_unread_and_the_connection_closed(raw: Raw) -> None:
    found = raw(head("POST", "/v1/chat/completions", "Content-Length: 5000000") + SMUGGLED)
    assert found.startswith(b"HTTP/1.1 413") and found.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("target", ["/v1/../healthz", "/v1/%2e%2e/healthz", "/v1/models%0d%0aX-A:b", "/" + "a" * 5000])
def test_a_trick_with_the_address_is_on_record(raw: Raw, recorded: Recorded, target: str) -> None:
    raw(head("GET", target, "Connection: close"))
    assert is_on_record(recorded)


@pytest.mark.parametrize(
    "body",
    [b"{" * 100_000, b'{"model":"auto","model":"sales","messages":[]}', b'{"model":"\xff"}', b"[" + b"1," * 50_000],
)
def test_a_body_that_is_no_request_is_on_record_with_whose_key_it_came(
    raw: Raw, recorded: Recorded, key: str, chain: StandInChain, body: bytes
) -> None:
    lines = [f"Authorization: Bearer {key}", f"Content-Length: {len(body)}", "Connection: close"]
    found = raw(head("POST", "/v1/chat/completions", *lines) + body)
    assert found.startswith(b"HTTP/1.1 400")
    assert recorded.events == [("sofia", "sales", "request-refused")]
    assert chain.asked == []


def test_who_sends_rubbish_without_end_fills_no_record(raw: Raw, recorded: Recorded) -> None:
    for _ in range(30):
        raw(head("GET", "/v1/%2e%2e/healthz", "Connection: close"))
    assert recorded.events.count(("", "", "request-refused")) == 10


def test_headers_that_do_not_come_to_an_end_close_the_connection_on_record(raw: Raw, recorded: Recorded) -> None:
    assert raw(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ") == b""
    assert is_on_record(recorded)


def test_a_connection_on_which_nothing_comes_is_closed(raw: Raw, recorded: Recorded) -> None:
    assert raw(b"") == b""
    assert recorded.events == []


def test_headers_that_stop_after_a_request_was_answered_close_the_connection_too(
    raw: Raw, recorded: Recorded, key: str
) -> None:
    whole = head("GET", "/v1/models", f"Authorization: Bearer {key}")
    found = raw(whole + b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
    assert found.count(b"HTTP/1.1 ") == 1
    assert is_on_record(recorded)


def test_two_requests_on_one_connection_get_two_answers(raw: Raw, key: str, chain: StandInChain) -> None:
    one = head("POST", "/v1/chat/completions", f"Authorization: Bearer {key}", SIZE) + BODY
    last = head("GET", "/v1/models", f"Authorization: Bearer {key}", "Connection: close")
    found = raw(one + last)
    assert found.count(b"HTTP/1.1 200") == 2 and len(chain.asked) == 1
