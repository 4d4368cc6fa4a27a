"""Engines under adapters that come and change while requests run; a stand-in takes the place of llama.cpp."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from allotment.errors import EngineError
from allotment.models import AdapterFile, Completion, Engines, Message
from allotment.workspace import hash_file

ASKED = [Message("user", "Where is it?")]


class StandIn:
    """A loaded engine that answers with the weights an adapter had when it was loaded."""

    name = "base"

    def __init__(self, adapters: Mapping[str, AdapterFile]) -> None:
        self.adapters = {key: file.sha256 for key, file in adapters.items()}
        self.closed = False
        self._weights = {key: file.path.read_text(encoding="utf-8") for key, file in adapters.items()}
        self.working = threading.Barrier(2, timeout=10)
        self.may_go_on = threading.Event()

    def complete(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Completion:
        if options.get("stop"):  # asked to stand still in the middle
            self.working.wait()
            assert self.may_go_on.wait(10)
        if self.closed:
            raise EngineError("the engine was closed.", element=self.name)
        return Completion(self._weights[adapter] if adapter else "bare", 1, 1, "stop")

    def stream(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Iterator[str]:
        for piece in ("one ", "two"):
            if self.closed:
                raise EngineError("the engine was closed.", element=self.name)
            yield piece

    def close(self) -> None:
        self.closed = True


class Loader:
    """Remembers every engine it made."""

    def __init__(self) -> None:
        self.made: list[StandIn] = []

    def __call__(self, model: str, adapters: Mapping[str, AdapterFile]) -> StandIn:
        self.made.append(StandIn(adapters))
        return self.made[-1]


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def engines(loader: Loader) -> Iterator[Engines]:
    with Engines(load=loader) as opened:
        yield opened


def weights(folder: Path, text: str) -> AdapterFile:
    file = folder / "adapter.gguf"
    folder.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return AdapterFile(file, hash_file(file))


def test_an_engine_in_hand_still_answers_after_another_adapter_came(engines: Engines, tmp_path: Path) -> None:
    engines.register_adapter("base", "a/v1", weights(tmp_path / "a", "of a"))
    in_hand = engines.get("base")
    engines.register_adapter("base", "b/v1", weights(tmp_path / "b", "of b"))
    assert engines.get("base").complete(ASKED, adapter="b/v1").text == "of b"
    assert in_hand.complete(ASKED, adapter="a/v1").text == "of a"


def test_an_engine_is_closed_only_when_the_requests_it_serves_have_ended(
    engines: Engines, loader: Loader, tmp_path: Path
) -> None:
    engines.register_adapter("base", "a/v1", weights(tmp_path / "a", "of a"))
    in_hand = engines.get("base")
    first = loader.made[0]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(in_hand.complete, ASKED, adapter="a/v1", stop=("here",))
        first.working.wait()
        engines.register_adapter("base", "b/v1", weights(tmp_path / "b", "of b"))
        assert engines.get("base").complete(ASKED, adapter="b/v1").text == "of b"
        assert not first.closed
        first.may_go_on.set()
        assert running.result(10).text == "of a"
    assert first.closed
    assert [engine.closed for engine in loader.made] == [True, False]


def test_a_stream_goes_on_while_another_adapter_is_loaded(engines: Engines, loader: Loader, tmp_path: Path) -> None:
    stream = engines.get("base").stream(ASKED)
    assert next(stream) == "one "
    engines.register_adapter("base", "b/v1", weights(tmp_path / "b", "of b"))
    engines.get("base").complete(ASKED, adapter="b/v1")
    assert list(stream) == ["two"]
    assert loader.made[0].closed


def test_adapters_registered_before_the_first_request_are_loaded_together(
    engines: Engines, loader: Loader, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        engines.register_adapter("base", f"{name}/v1", weights(tmp_path / name, f"of {name}"))
    assert [engines.get("base").complete(ASKED, adapter=f"{name}/v1").text for name in "cab"] == [
        "of c",
        "of a",
        "of b",
    ]
    assert len(loader.made) == 1


def test_an_adapter_trained_again_under_its_old_name_answers_with_its_new_weights(
    engines: Engines, tmp_path: Path
) -> None:
    engines.register_adapter("base", "a/v1", weights(tmp_path / "a", "old"))
    assert engines.get("base").complete(ASKED, adapter="a/v1").text == "old"
    engines.register_adapter("base", "a/v1", weights(tmp_path / "a", "new"))
    assert engines.get("base").complete(ASKED, adapter="a/v1").text == "new"


def test_an_adapter_whose_file_is_gone_or_another_is_not_loaded_and_keeps_no_other_from_it(
    engines: Engines, loader: Loader, tmp_path: Path
) -> None:
    for name in ("gone", "other", "whole"):
        engines.register_adapter("base", f"{name}/v1", weights(tmp_path / name, name))
    (tmp_path / "gone" / "adapter.gguf").unlink()
    (tmp_path / "other" / "adapter.gguf").write_text("forged", encoding="utf-8")
    engines.get("base")
    assert set(loader.made[0].adapters) == {"whole/v1"}


def test_closing_closes_what_is_idle_and_loads_nothing_more(engines: Engines, loader: Loader) -> None:
    in_hand = engines.get("base")
    engines.close()
    assert loader.made[0].closed
    with pytest.raises(EngineError, match="were closed"):
        in_hand.complete(ASKED)
