"""Real processes: stopped while a stream runs, several at once, and one whose policy is changed under a stream."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_processes import ModelServer, declare, new_key, open_company, serve

from allotment.cli._open import State


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Path:
    root = tmp_path_factory.mktemp("shop")
    declare(root, model.name)
    return root


@pytest.fixture(scope="module")
def state(shop: Path) -> Iterator[State]:
    with open_company(shop) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(state: State) -> str:
    return new_key(state, "sofia", "sales")


def test_a_stop_lets_a_stream_finish_takes_no_new_request_and_ends_with_exit_code_0(
    shop: Path, key: str, model: ModelServer
) -> None:
    with serve(shop) as served:
        model.free.clear()
        with served.stream(key) as lines:
            model.wait_asked()
            served.signal(signal.SIGTERM)
            with served.client() as other:
                while other.get("/readyz").json()["problems"] != 3:  # two adapters that are not there, and the stop
                    pass
                assert other.get("/login").status_code == 503
            model.free.set()
            last = [line for line in lines if line]
        assert last[-1] == "data: [DONE]"
        assert "37" in "".join(last)
        assert served.process.wait(30) == 0, served.told()
        assert "Traceback" not in served.told()
