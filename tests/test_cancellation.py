"""Work nobody waits for is stopped where it stands: in a queue, in an engine, in a statement."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from allotment.cancellation import Cancellation, cancellable, current
from allotment.databases import Databases
from allotment.databases._turns import Turns
from allotment.errors import Cancelled, EngineError, TimeLimitReached
from allotment.models import Engines, Message
from allotment.models._server import ServerEngine
from allotment.models._turns import ModelTurns
from model_server import Said, model_server, said
from small_company import grant_of, make_company, open_company
from tiny_gguf import write_tiny_gguf

GONE = Cancelled("the client went away.")
ASKED = [Message("user", "Go on for ever.")]


def test_the_first_reason_stays_and_everybody_inside_is_called_once() -> None:
    signal, calls = Cancellation(), list[str]()
    with signal.calling(lambda: calls.append("inside")):
        signal.cancel(TimeLimitReached("too long."))
        signal.cancel(GONE)
    with signal.calling(lambda: calls.append("later")):
        pass
    assert calls == ["inside", "later"]
    with pytest.raises(TimeLimitReached, match="too long"):
        signal.require()


def test_whoever_left_the_body_is_not_called() -> None:
    signal, calls = Cancellation(), list[str]()
    with signal.calling(lambda: calls.append("left")):
        pass
    signal.cancel(GONE)
    assert calls == []


def test_the_scope_is_that_of_its_thread_and_ends_with_it() -> None:
    signal = Cancellation()
    with ThreadPoolExecutor(1) as other, cancellable(signal):
        assert current() is signal
        assert other.submit(current).result(10) is not signal
    assert current() is not signal and not current().given


def in_a_scope(signal: Cancellation, work: Callable[[], object]) -> threading.Thread:
    """``work`` in a thread whose end is to be ``Cancelled``."""

    def run() -> None:
        with cancellable(signal), pytest.raises(Cancelled):
            work()
        ended.append(True)

    ended: list[bool] = []
    thread = threading.Thread(target=run)
    thread.ended = ended  # type: ignore[attr-defined]
    thread.start()
    return thread


def assert_ended(thread: threading.Thread) -> None:
    thread.join(20)
    assert not thread.is_alive() and thread.ended  # type: ignore[attr-defined]


def test_a_request_that_waits_for_the_processor_gives_its_place_back() -> None:
    turns, signal = ModelTurns(), Cancellation()
    with turns.turn("one"):
        waiting = in_a_scope(signal, lambda: ExitStack().enter_context(turns.turn("two")))
        while not turns._waiting:
            pass
        signal.cancel(GONE)
        assert_ended(waiting)
        with turns.turn("one"):  # it would stand behind the other for ever
            assert not turns._waiting


def test_a_question_that_waits_for_a_connection_gives_its_place_back() -> None:
    turns, signal = Turns(1, 1, wait_s=60), Cancellation()
    with turns.turn("clerk"):
        waiting = in_a_scope(signal, lambda: ExitStack().enter_context(turns.turn("clerk")))
        while not turns._queue.waiting:
            pass
        signal.cancel(GONE)
        assert_ended(waiting)
        assert not turns._queue.waiting
    with turns.turn("clerk"):
        assert turns._queue.taken == 1


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[tuple[Engines, str]]:
    with Engines(threads=1, parallel=2) as opened:
        yield opened, str(write_tiny_gguf(tmp_path / "tiny.gguf"))


@pytest.mark.heavy
def test_the_embedded_engine_stops_at_its_next_token_and_gives_its_turn_back(engines: tuple[Engines, str]) -> None:
    opened, model = engines
    whole = opened.get(model).complete(ASKED, max_tokens=400)
    assert whole.completion_tokens == 400
    signal, pieces = Cancellation(), list[str]()
    with opened.lease(model) as engine, cancellable(signal), pytest.raises(Cancelled):
        request = engine._request(ASKED, 400, 0.0, 0, (), None, None)  # type: ignore[attr-defined]

        def put(piece: str) -> None:
            pieces.append(piece)
            if len(pieces) == 3:
                signal.cancel(GONE)

        engine._write(request, put)  # type: ignore[attr-defined]
    assert 3 <= len(pieces) <= 4
    assert opened.get(model).complete(ASKED, max_tokens=4).completion_tokens == 4


@pytest.mark.heavy
def test_a_stream_of_the_embedded_engine_that_nobody_reads_on_stops(engines: tuple[Engines, str]) -> None:
    opened, model = engines
    stream = opened.get(model).stream(ASKED, max_tokens=400)
    assert next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert opened.get(model).complete(ASKED, max_tokens=4).completion_tokens == 4


@pytest.mark.heavy
def test_a_conversation_longer_than_the_model_reads_is_an_error_streamed_or_not(engines: tuple[Engines, str]) -> None:
    opened, model = engines
    for ask in (opened.get(model).complete, lambda asked: list(opened.get(model).stream(asked))):
        with pytest.raises(EngineError, match="refused"):
            ask([Message("user", "x" * 5000)])


def test_a_server_is_hung_up_on_in_the_middle_of_its_answer() -> None:
    signal, hung_up = Cancellation(), threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                signal.cancel(GONE)
                yield b'data: {"choices": [{"delta": {"content": "on "}}]}\n\n'
        finally:
            hung_up.set()

    with model_server(lambda _: (200, endless())) as url:
        opened = ServerEngine(f"{url}#small")
        with cancellable(signal), pytest.raises(Cancelled):
            opened.complete(ASKED)
        assert hung_up.wait(10)
        opened.close()


def test_a_server_is_hung_up_on_before_it_says_a_word() -> None:
    signal, asked, go_on = Cancellation(), threading.Event(), threading.Event()

    def late(_: object) -> Said:
        asked.set()
        go_on.wait(30)
        return said({})

    with model_server(late) as url:
        opened = ServerEngine(f"{url}#small")
        running = in_a_scope(signal, lambda: opened.complete(ASKED))
        assert asked.wait(10)
        signal.cancel(GONE)
        assert_ended(running)
        go_on.set()
        opened.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    sql = "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT * FROM generate_series(1, 4000);"
    tables = {"item": {"columns": ["id"]}}
    root = tmp_path_factory.mktemp("cancelled")
    project = make_company(root, {"shop": sql}, {"clerk": ("shop", tables)}, {"statement_s": 300})
    with open_company(project) as databases:
        yield databases


def test_a_running_statement_is_cancelled_and_its_connection_given_back(shop: Databases) -> None:
    signal = Cancellation()
    grant = grant_of(shop._project, "clerk")
    endless = "SELECT count(*) FROM item a, item b, item c, item d"
    running = in_a_scope(signal, lambda: shop.query(grant, endless))
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:

        def sessions(state: str) -> int:
            query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'clerk' AND state LIKE %s"
            return int((admin.execute(query, [state]).fetchone() or [0])[0])

        while sessions("active") == 0:
            pass
        signal.cancel(GONE)
        assert_ended(running)
        while sessions("%") > 0:
            pass
    assert shop.query(grant, "SELECT count(*) FROM item").rows == ((4000,),)
