"""Real processes: stopped while a stream runs, several at once, and one whose policy is changed under a stream."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from gateway_processes import PATIENCE_S, ModelServer, declare, new_key, open_company, serve, wait_until, write
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from allotment.cli._open import State
from allotment.databases import Databases
from allotment.errors import ProjectError
from allotment.workspace import Workspace


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
    shop: Path, key: str, model: ModelServer, state: State
) -> None:
    with serve(shop) as served:
        model.free.clear()
        with served.stream(key) as lines:
            model.wait_asked()
            served.signal(signal.SIGTERM)
            with served.client() as other:
                wait_until(lambda: other.get("/login").status_code == 503)
                assert other.get("/readyz").json() == {"status": "not ready", "problems": 3}  # two adapters, the stop
            model.free.set()
            last = [line for line in lines if line]
        assert last[-1] == "data: [DONE]" and "37" in "".join(last)
        assert served.process.wait(PATIENCE_S) == 0, served.told()
        assert "Traceback" not in served.told()
    assert state.audit.records(1)[0].event["kind"] == "answered"
    assert state.audit.verify().ok


def test_a_stream_that_is_too_long_for_the_stop_ends_with_an_error_event_and_is_on_record(
    tmp_path: Path, model: ModelServer
) -> None:
    declare(tmp_path, model.name, lambda declared: declared["gateway"]["timeouts"].update(shutdown_s=0.2))
    with open_company(tmp_path) as state:
        key = new_key(state, "sofia", "sales")
        with serve(tmp_path) as served:
            model.free.clear()
            with served.stream(key) as lines:
                model.wait_asked()
                served.signal(signal.SIGTERM)
                rest = [line for line in lines if line]
            model.free.set()
            assert "being restarted" in json.loads(rest[-1].removeprefix("data: "))["error"]["message"]
            assert served.process.wait(PATIENCE_S) == 0, served.told()
        kinds = [record.event["kind"] for record in state.audit.records(3)]
        assert "stream-ended" in kinds
        assert state.audit.verify().ok


def test_two_workers_answer_count_together_reload_in_step_and_are_replaced_when_they_die(
    tmp_path: Path, model: ModelServer
) -> None:
    declare(tmp_path, model.name)
    with open_company(tmp_path) as state:
        key = new_key(state, "sofia", "sales")
        with serve(tmp_path, "--workers", "2") as served:
            limits = {"limits": {"users": {"sofia": {"requests_per_minute": 5}}}, "timeouts": {"shutdown_s": 30.0}}
            change(tmp_path, gateway=limits)
            served.signal(signal.SIGHUP)
            served.wait_told("is in force", times=2)
            codes = [served.ask(key).status_code for _ in range(8)]
            assert codes == [200] * 5 + [429] * 3
            reloads = [record.event for record in state.audit.records(40) if record.event["kind"] == "reloaded"]
            assert len({event["detail"]["process"] for event in reloads}) == 2
            os.kill(reloads[0]["detail"]["process"], signal.SIGKILL)
            served.wait_told("another takes its place")
            wait_until(lambda: served.client().get("/healthz").status_code == 200)
            served.signal(signal.SIGTERM)
            assert served.process.wait(PATIENCE_S) == 0, served.told()


def test_a_reload_that_demotes_a_role_ends_its_stream_and_a_broken_or_half_written_file_changes_nothing(
    tmp_path: Path, model: ModelServer
) -> None:
    declare(tmp_path, model.name)
    file = tmp_path / "allotment.yaml"
    whole = file.read_text(encoding="utf-8")
    with open_company(tmp_path) as state:
        sofia, dana = new_key(state, "sofia", "sales"), new_key(state, "dana", "board")
        with serve(tmp_path) as served:
            for half in (whole[: whole.index("rows:")], whole[:-4], whole[: len(whole) // 2], "name: [", ""):
                told = served.told().count("was not loaded anew")
                file.write_text(half, encoding="utf-8")
                served.signal(signal.SIGHUP)
                served.wait_told("was not loaded anew", times=told + 1)
            model.free.clear()
            with served.stream(sofia) as lost, served.stream(dana, "board") as kept:
                model.wait_asked(2)
                file.write_text(whole, encoding="utf-8")
                change(tmp_path, agents={"sales": {"roles": ["board"], "documents": ["all"], "account": "sales"}})
                served.signal(signal.SIGHUP)
                end = [line for line in lost if line][-1]
                served.wait_told("is in force")
                model.free.set()
                assert [line for line in kept if line][-1] == "data: [DONE]"
            assert "What you may ask was changed" in json.loads(end.removeprefix("data: "))["error"]["message"]
            assert served.ask(sofia).status_code == 404
            assert served.ask(dana).status_code == 200
        kinds = [record.event["kind"] for record in state.audit.records(40)]
        assert kinds.count("reloaded") == 6 and "stream-ended" in kinds
        assert state.audit.verify().ok


def change(root: Path, **keys: Any) -> None:
    """Declare these keys anew; of a mapping within, what is not named stays."""
    path = root / "allotment.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, value in keys.items():
        declared[name] = {**declared.get(name, {}), **value}
    write(path, declared)


def test_two_copies_with_one_server_of_the_users_share_users_limits_and_one_record(
    tmp_path: Path, model: ModelServer, postgres: Databases
) -> None:
    with psycopg.connect(postgres.admin_dsn("allotment"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS shared_state")
        admin.execute("CREATE DATABASE shared_state TEMPLATE template0")
    own = {"SHARED_STATE": make_conninfo(postgres.admin_dsn("allotment"), dbname="shared_state")}
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()

    def shared(declared: dict[str, Any]) -> None:
        declared["state"] = {"url": "env:SHARED_STATE"}
        declared["gateway"]["limits"] = {"user": {"requests_per_minute": 3}}

    declare(first, model.name, shared)
    # The login of the tests' own state is there already on this server, with the password of that project.
    secret = Workspace(first).home / "secrets" / "postgres-allotment_app"
    secret.parent.mkdir(parents=True)
    secret.write_text(str(conninfo_to_dict(postgres.state_dsn)["password"]), encoding="ascii")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SHARED_STATE", own["SHARED_STATE"])
        with open_company(first) as state:
            key = new_key(state, "sofia", "sales")
            session = state.users.start_session("sofia")
            shutil.copytree(first, second)
            with serve(first) as one, serve(second) as other:
                codes = [server.ask(key).status_code for server in (one, other, one, other)]
                assert codes == [200, 200, 200, 429]
                page = httpx.get(f"{other.address}/", cookies={"allotment_session": session})
                assert page.status_code == 200 and "sofia" in page.text
            assert state.audit.verify().ok
            assert {"answered", "limit-reached"} <= {record.event["kind"] for record in state.audit.records(20)}


def test_a_state_login_with_another_password_is_refused_and_left_as_it_is(
    tmp_path: Path, model: ModelServer, postgres: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_STATE", postgres.admin_dsn("allotment"))
    declare(tmp_path, model.name, lambda declared: declared.update(state={"url": "env:OTHER_STATE"}))
    with pytest.raises(ProjectError, match="another password"), open_company(tmp_path):
        raise AssertionError("it was opened")
    psycopg.connect(postgres.state_dsn).close()
