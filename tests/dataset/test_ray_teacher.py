"""Generation over a cluster of two nodes, of which one dies in the middle; and machines without a cluster."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from conftest_dataset import DECLARATION, Teacher, good_reply

from allotment.dataset import RayTeacher, generate, load_items
from allotment.errors import MissingPartError
from allotment.models import Message
from allotment.project import ModelsConfig, Project
from allotment.workspace import Ledger, Workspace

MakeProject = Callable[..., tuple[Project, Workspace]]
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SECTIONS = 40
"""More than one actor holds at once, so that both have some."""
PATIENCE_S = 100
STAYS, GOES = "stays", "goes"
AT_ONCE = {STAYS: 3, GOES: 2}
"""Requests of each node that are answered before one of them dies."""


class Stub(ThreadingHTTPServer):
    """A server whose requests each node signs with a key of its own.

    All but the first of each node are held until one node is gone; what the lost node had asked is never answered.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.early: set[str] = set()
        """Prompts answered before the node died."""
        self.a_lost_one_is_held = threading.Event()
        self.gone = threading.Event()
        self.over = threading.Event()
        self._at_once: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1#teacher"

    def may_answer(self, node: str, prompt: str) -> bool:
        """Waits as long as an answer must be held; whether there is to be one."""
        with self._lock:
            self.asked[prompt] += 1
            if not self.gone.is_set() and self._at_once[node] < AT_ONCE[node]:
                self._at_once[node] += 1
                self.early.add(prompt)
                return True
        lost = node == GOES
        if lost:
            self.a_lost_one_is_held.set()
            self.over.wait(PATIENCE_S)  # a connection that ends would be tried again
        self.gone.wait(PATIENCE_S)
        return not lost

    def note(self, prompt: str) -> None:
        with self._lock:
            self.answered[prompt] += 1


class _Handler(BaseHTTPRequestHandler):
    server: Stub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages = [Message(message["role"], message["content"]) for message in body["messages"]]
        prompt = messages[-1].content
        node = self.headers["Authorization"].removeprefix("Bearer ")
        if not self.server.may_answer(node, prompt):
            self.close_connection = True
            return
        choice = {"message": {"role": "assistant", "content": good_reply(messages)}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        content = json.dumps({"choices": [choice], "usage": usage}).encode()
        self.server.note(prompt)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.gone.set()
        server.over.set()
        server.shutdown()
        thread.join()


NODE = {"num_cpus": 1, "object_store_memory": 80 * 1024 * 1024, "include_dashboard": False}


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head and one more node; what runs on each signs with the node's key."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    quick = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 2}
    head = {**NODE, "env_vars": {"ALLOTMENT_SERVER_KEY": STAYS}, "_system_config": quick}
    made = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    yield made
    made.shutdown()


def _documents() -> dict[str, str]:
    chapters = [
        f"## Boat {n}\n\nThe boat with the number {n} is moored at the long pier, and its berth costs {1000 + n} EUR.\n"
        for n in range(SECTIONS)
    ]
    return {"shared/boats.md": "# Harbour\n\n" + "\n".join(chapters)}


def test_a_node_that_dies_costs_only_what_it_had_not_answered_and_the_dataset_is_the_same(
    make_project: MakeProject, stub: Stub, cluster: Any
) -> None:
    project, workspace = make_project(_documents(), DECLARATION.replace("questions: 2", "questions: 1"))
    expected = generate(project, workspace, "helper", Teacher(good_reply, name=stub.model))
    items = load_items(workspace, "helper")
    ledger = workspace.dataset_dir("helper") / "ledger.jsonl"
    requests = set(Ledger(ledger).rows)
    ledger.unlink()
    second = cluster.add_node(**NODE, env_vars={"ALLOTMENT_SERVER_KEY": GOES})
    cluster.wait_for_nodes()

    def progress(label: str, done: int, total: int) -> None:
        if done == sum(AT_ONCE.values()) and not stub.gone.is_set():
            assert stub.a_lost_one_is_held.wait(PATIENCE_S)
            cluster.remove_node(second, allow_graceful=False)
            stub.gone.set()

    with RayTeacher(project.models, stub.model, cluster.address) as teacher:
        assert generate(project, workspace, "helper", teacher, progress) == expected
    assert load_items(workspace, "helper") == items
    assert set(Ledger(ledger).rows) == requests
    assert (len(requests), len(stub.early)) == (SECTIONS, sum(AT_ONCE.values()))
    assert set(stub.answered.values()) == {1} and len(stub.answered) == SECTIONS
    assert all(stub.asked[prompt] == 1 for prompt in stub.early)
    assert max(stub.asked.values()) == 2, "what the lost node held is asked again"


def test_without_ray_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPartError, match=r"Ray: is not installed.*allotment\[ray\]"):
        RayTeacher(ModelsConfig(), "http://stand-in/v1#teacher")


@pytest.mark.parametrize("address", ["auto", "127.0.0.1:9", "[::1]:9", "127.0.0.1:port"])
def test_without_a_cluster_at_the_address_it_is_told_how_to_start_one(address: str) -> None:
    with pytest.raises(MissingPartError, match=r"there is no Ray cluster.*ray start --head"):
        RayTeacher(ModelsConfig(), "http://stand-in/v1#teacher", address)
