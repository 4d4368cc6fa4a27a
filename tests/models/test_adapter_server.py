"""Adapters on a server of the project's own, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adapter_server_standin import AdapterServerStandIn, adapter_server
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from allotment.access import AdapterFacts, Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.access._policy import AgentRule
from allotment.errors import EngineError, NotGranted
from allotment.models import AdapterFile, Completion, Engines, Message
from allotment.models._adapter_server import KEY, AdapterServer, adapter_name
from allotment.models._embedded import EmbeddedEngine
from allotment.project import ModelsConfig

ASKED = [Message("user", "Where is it?")]
SHA = "ab" * 32
ROLES = frozenset({"sales", "director"})
NAME = "sales-v1-abababababab"


def granted(agent: str = "sales", version: str = "v1", sha256: str = SHA, role: str = "sales") -> Grant:
    """A grant as ``authorize`` gives it."""
    policy = Policy(ROLES, {agent: AgentRule(agent, ROLES, ROLES, None)})
    request = Request(agent, AdapterFacts(agent, version, ROLES, stale=False, sha256=sha256))
    return mint(decide(policy, Principal("ann", role), request), 1)


@pytest.fixture
def standin() -> Iterator[AdapterServerStandIn]:
    with adapter_server() as server:
        server.adapters = {NAME}
        yield server


@pytest.fixture
def engine(standin: AdapterServerStandIn) -> Iterator[AdapterServer]:
    opened = AdapterServer(standin.url)
    yield opened
    opened.close()


def test_the_server_is_asked_for_the_granted_version_by_name(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    found = engine.complete(ASKED, max_tokens=7, adapter="sales/v1", grant=granted())
    assert found == Completion(f"said by {NAME}", 5, 3, "stop")
    (asked,) = standin.asked
    assert (asked["model"], asked["max_tokens"]) == (NAME, 7)
    assert asked["messages"] == [{"role": "user", "content": "Where is it?"}]


@pytest.mark.parametrize(
    ("adapter", "grant"),
    [
        ("sales/v1", None),
        ("sales/v1", "granted"),
        ("sales/v2", granted()),
        ("board/v1", granted()),
        ("sales/v1", granted(version="v2")),
        ("sales/v1", granted(sha256="")),
        (None, granted()),
        (None, None),
    ],
)
def test_without_a_grant_for_this_agent_and_version_nothing_is_sent(
    engine: AdapterServer, standin: AdapterServerStandIn, adapter: str | None, grant: Grant | None
) -> None:
    with pytest.raises(NotGranted):
        engine.complete(ASKED, adapter=adapter, grant=grant)
    with pytest.raises(NotGranted):
        list(engine.stream(ASKED, adapter=adapter, grant=grant))
    assert standin.asked == []


def test_weights_that_were_trained_again_under_the_same_version_are_another_name(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    with pytest.raises(EngineError, match="has no adapter 'sales-v1-cdcdcdcdcdcd'"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted(sha256="cd" * 32))
    assert standin.asked == []


@given(st.text("ab-/", max_size=6), st.text("v12", max_size=3), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_name_ends_in_the_hash_so_no_two_weights_share_one(agent: str, version: str, sha256: str) -> None:
    assert adapter_name(agent, version, sha256).rpartition("-")[2] == sha256[:12]


def test_an_alias_of_the_base_model_is_not_taken_for_an_adapter(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    standin.adapters, standin.aliases = set(), {"base", NAME}
    with pytest.raises(EngineError, match="has no adapter"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted())
    assert standin.asked == []


def test_an_adapter_that_was_unloaded_is_an_error_and_not_the_base_model(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    engine.complete(ASKED, adapter="sales/v1", grant=granted())
    standin.adapters = set()
    with pytest.raises(EngineError, match="404"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted())
    with pytest.raises(EngineError, match="has no adapter"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted())


def test_what_a_server_says_in_another_models_name_is_no_answer(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    engine.complete(ASKED, adapter="sales/v1", grant=granted())
    standin.adapters, standin.ignores_names = set(), True
    with pytest.raises(EngineError, match="answered as 'base'"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted())
    with pytest.raises(EngineError, match="has no adapter"):
        list(engine.stream(ASKED, adapter="sales/v1", grant=granted()))


def test_a_server_that_is_not_there_is_an_error() -> None:
    engine = AdapterServer("http://127.0.0.1:9/v1")
    with pytest.raises(EngineError, match="did not give an answer"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted())
    engine.close()


def test_a_stream_gives_its_pieces_and_closing_it_is_seen_by_the_server(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    assert list(engine.stream(ASKED, adapter="sales/v1", grant=granted())) == ["one ", "two"]
    standin.endless = True
    stream = engine.stream(ASKED, adapter="sales/v1", grant=granted())
    assert next(stream) == "one "
    stream.close()
    assert standin.left.wait(10)


def test_roles_share_no_cache_of_the_server_and_one_role_keeps_its_own(
    engine: AdapterServer, standin: AdapterServerStandIn
) -> None:
    for role in ("sales", "director", "sales"):
        engine.complete(ASKED, adapter="sales/v1", grant=granted(role=role))
    salts = [asked["cache_salt"] for asked in standin.asked]
    assert salts[0] == salts[2] != salts[1]


def test_the_servers_own_key_is_told_and_that_of_other_servers_is_not(
    standin: AdapterServerStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOTMENT_SERVER_KEY", "of-a-hosted-model")
    silent = AdapterServer(standin.url)
    silent.complete(ASKED, adapter="sales/v1", grant=granted())
    monkeypatch.setenv(KEY, "own")
    telling = AdapterServer(standin.url)
    telling.complete(ASKED, adapter="sales/v1", grant=granted())
    assert [headers.get("authorization") for headers in standin.headers] == [None, "Bearer own"]
    silent.close()
    telling.close()


def test_a_proxy_of_the_environment_is_not_told_what_is_asked(
    standin: AdapterServerStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    engine = AdapterServer(standin.url)
    assert engine.complete(ASKED, adapter="sales/v1", grant=granted()).text == f"said by {NAME}"
    engine.close()


def test_engines_ask_the_declared_server_and_load_nothing_here(standin: AdapterServerStandIn, tmp_path: Path) -> None:
    def load(*_: object) -> EmbeddedEngine:
        raise AssertionError("loaded")

    with Engines(load=load, adapter_server=standin.url) as engines:
        engines.register_adapter("base", "sales/v1", AdapterFile(tmp_path / "adapter.gguf", SHA))
        engine = engines.get("base", "sales/v1")
        assert engine.complete(ASKED, adapter="sales/v1", grant=granted()).text == f"said by {NAME}"
    with pytest.raises(EngineError, match="closed"):
        engines.get("base", "sales/v1")


@pytest.mark.parametrize(
    "address",
    [
        "http://models.example.org/v1",
        "ftp://127.0.0.1/v1",
        "127.0.0.1:8001",
        "http://127.0.0.1:8001/v1#base",
        "http://user:secret@127.0.0.1:8001/v1",
        "http://127.0.0.1.example.org/v1",
        "",
    ],
)
def test_an_address_on_another_machine_without_tls_or_with_more_than_an_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        ModelsConfig(adapter_server=address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8001/v1", "http://[::1]:8001/v1", "https://gpu.example.org/v1"])
def test_a_server_here_or_behind_tls_may_be_declared(address: str) -> None:
    assert ModelsConfig(adapter_server=address).adapter_server == address
