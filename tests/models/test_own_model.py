"""A model of an agent's own: nobody asks it past the grant, and it answers with its own weights and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from allotment.access import AdapterFacts, Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.errors import EngineError, MissingPartError, NotGranted
from allotment.models import AdapterFile, Engines, Message, find_model
from allotment.models._embedded import EmbeddedEngine
from allotment.models._turns import ModelTurns
from allotment.project import Project
from allotment.workspace import hash_file
from tiny_gguf import write_tiny_gguf

ASKED = [Message("user", "Where is the hen?")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A base model and two models of its shape with other weights."""
    folder = tmp_path_factory.mktemp("models")
    names = ("base", "board", "handbook")
    return {name: write_tiny_gguf(folder / f"{name}.gguf", seed=seed) for seed, name in enumerate(names)}


@pytest.fixture
def engines(files: dict[str, Path]) -> Iterator[Engines]:
    with Engines(threads=1, parallel=1) as opened:
        for agent in ("board", "handbook"):
            opened.register_adapter(str(files["base"]), f"{agent}/v1", own(files[agent]))
        yield opened


def own(file: Path) -> AdapterFile:
    return AdapterFile(file, hash_file(file), own_model=True)


def granted(project: Project, agent: str, file: Path, version: str = "v1") -> Grant:
    facts = AdapterFacts(agent, version, frozenset({"director"}), False, hash_file(file))
    return mint(decide(Policy.of(project), Principal("dana", "director"), Request(agent, facts)), 1)


def alone(file: Path, text: str = "") -> str:
    """What a model file says by itself, as nobody's."""
    with Engines(threads=1, parallel=1) as bare:
        return bare.get(str(file)).complete(ASKED, max_tokens=8).text


def test_an_own_model_answers_its_agent_with_its_own_weights(
    engines: Engines, files: dict[str, Path], northwind: Project
) -> None:
    base = str(files["base"])
    said = {}
    for agent in ("board", "handbook"):
        grant = granted(northwind, agent, files[agent])
        engine = engines.get(base, f"{agent}/v1")
        said[agent] = engine.complete(ASKED, max_tokens=8, adapter=f"{agent}/v1", grant=grant).text
        streamed = "".join(engine.stream(ASKED, max_tokens=8, adapter=f"{agent}/v1", grant=grant))
        assert streamed and said[agent].startswith(streamed)  # half a character at the end is not streamed
        assert said[agent] == alone(files[agent])
    bare = engines.get(base).complete(ASKED, max_tokens=8).text
    assert bare == alone(files["base"])
    assert len({bare, *said.values()}) == 3


def test_an_own_model_is_refused_without_a_grant(engines: Engines, files: dict[str, Path]) -> None:
    engine = engines.get(str(files["base"]), "board/v1")
    with pytest.raises(NotGranted):
        engine.complete(ASKED, adapter="board/v1")
    with pytest.raises(NotGranted):
        list(engine.stream(ASKED, adapter="board/v1"))


def test_an_own_model_is_refused_with_the_grant_of_another_agent_or_version(
    engines: Engines, files: dict[str, Path], northwind: Project
) -> None:
    engine = engines.get(str(files["base"]), "board/v1")
    others = granted(northwind, "handbook", files["handbook"]), granted(northwind, "board", files["board"], "v2")
    for grant in others:
        with pytest.raises(NotGranted):
            engine.complete(ASKED, adapter="board/v1", grant=grant)


def test_a_loaded_own_model_never_answers_as_if_it_were_the_base_model(
    engines: Engines, files: dict[str, Path], northwind: Project
) -> None:
    """Whoever holds the very engine gets no further: no adapter named, or another one's, is refused."""
    with engines.lease(str(files["base"]), "board/v1") as engine:
        for grant in (None, granted(northwind, "board", files["board"])):
            with pytest.raises(NotGranted, match="own"):
                engine.complete(ASKED, grant=grant)
        with pytest.raises(MissingPartError, match="not loaded"):
            engine.complete(ASKED, adapter="handbook/v1", grant=granted(northwind, "handbook", files["handbook"]))


def test_a_grant_for_other_weights_under_the_same_name_is_refused(
    engines: Engines, files: dict[str, Path], northwind: Project
) -> None:
    grant = granted(northwind, "board", files["handbook"])
    with pytest.raises(MissingPartError, match="not loaded"):
        engines.get(str(files["base"]), "board/v1").complete(ASKED, adapter="board/v1", grant=grant)


def test_an_own_model_whose_file_is_gone_or_another_is_not_loaded(
    files: dict[str, Path], tmp_path: Path, northwind: Project
) -> None:
    known = own(write_tiny_gguf(tmp_path / "model.gguf", seed=1))
    write_tiny_gguf(known.path, seed=5)
    base = str(files["base"])
    with Engines(threads=1, parallel=1) as engines:
        for file in (known, replace(known, path=tmp_path / "gone.gguf")):
            engines.register_adapter(base, "board/v1", file)
            with pytest.raises(MissingPartError, match="not what was trained"):
                engines.get(base, "board/v1")
        assert engines.get(base).complete(ASKED, max_tokens=2).completion_tokens == 2


def test_a_new_version_takes_the_old_model_out_of_memory_and_others_stay(
    engines: Engines, files: dict[str, Path], northwind: Project
) -> None:
    base = str(files["base"])
    with engines.lease(base, "board/v1") as old, engines.lease(base, "handbook/v1") as other:
        engines.register_adapter(base, "board/v2", own(files["board"]))
        grant = granted(northwind, "board", files["board"], "v2")
        engine = engines.get(base, "board/v2")
        assert engine.complete(ASKED, max_tokens=8, adapter="board/v2", grant=grant).text == alone(files["board"])
        request = granted(northwind, "board", files["board"])
        assert old.complete(ASKED, max_tokens=2, adapter="board/v1", grant=request).completion_tokens == 2
    with pytest.raises(EngineError, match="closed"):
        old.complete(ASKED, max_tokens=2, adapter="board/v1", grant=request)
    others = granted(northwind, "handbook", files["handbook"])
    assert other.complete(ASKED, max_tokens=2, adapter="handbook/v1", grant=others).completion_tokens == 2


def test_the_base_model_is_not_loaded_for_an_own_model(files: dict[str, Path], northwind: Project) -> None:
    base, made = str(files["base"]), []

    def load(model: str, adapters: dict[str, AdapterFile]) -> EmbeddedEngine:
        made.append(set(adapters))
        return EmbeddedEngine(find_model(model), adapters=adapters, turns=ModelTurns(), threads=1, parallel=1)

    with Engines(load=load) as engines:
        engines.register_adapter(base, "board/v1", own(files["board"]))
        grant = granted(northwind, "board", files["board"])
        engines.get(base, "board/v1").complete(ASKED, max_tokens=2, adapter="board/v1", grant=grant)
    assert made == [{"board/v1"}]


def test_two_own_models_are_never_loaded_into_one_engine(files: dict[str, Path]) -> None:
    both = {f"{agent}/v1": own(files[agent]) for agent in ("board", "handbook")}
    with pytest.raises(EngineError, match="alone"):
        EmbeddedEngine(find_model(str(files["base"])), adapters=both, turns=ModelTurns())


def test_requests_of_an_own_model_share_no_prompt_cache(
    engines: Engines, files: dict[str, Path], northwind: Project
) -> None:
    with engines.lease(str(files["base"]), "board/v1") as engine:
        assert isinstance(engine, EmbeddedEngine)
        grant = granted(northwind, "board", files["board"])
        request = engine._request(ASKED, 2, 0.0, 0, (), "board/v1", grant)
        for _ in range(2):
            usage = engine._write(request, [].append)["usage"]
            assert usage.get("prompt_tokens_details", {}).get("cached_tokens", 0) == 0
