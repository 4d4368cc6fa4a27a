"""`allotment transcripts chapters`: stdout is one JSON value, whatever happens."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cli_call import Call


def _clock(seconds: float) -> str:
    return f"00:{int(seconds) // 60:02}:{int(seconds) % 60:02},{round(seconds * 1000) % 1000:03}"


_SAID = [f"Teď mluvíme o skladu a o zásobách číslo {place}." for place in range(60)]
_SAID += [f"Další věc jsou faktury a jejich účtování {place}." for place in range(60)]
TRANSCRIPT = "\n".join(
    f"{number}\n{_clock(5 * number)} --> {_clock(5 * number + 4.5)}\n{text}\n"
    for number, text in enumerate(_SAID, start=1)
)
Reply = Callable[[list[str]], str | None]
"""From the keys of the schema to the model's text; none never answers."""


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "talk.srt"
    path.write_text(TRANSCRIPT, encoding="utf-8")
    return path


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], str]]:
    """Start a server that speaks as a model; its model's name is returned."""
    servers: list[ThreadingHTTPServer] = []
    release = threading.Event()

    def start(reply: Reply) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(reply, release))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/v1#model"

    yield start
    release.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(reply: Reply, release: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            text = reply(_keys(body))
            if text is None:
                release.wait()
                return
            answer = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    return Handler


def _keys(body: dict[str, Any]) -> list[str]:
    wanted = body.get("response_format")
    return list(wanted["json_schema"]["schema"]["properties"]) if wanted else []


def good(keys: list[str]) -> str:
    names = ("stock", "invoices", "suppliers", "returns", "payments", "storage", "accounts", "delivery", "pricing")
    return json.dumps({key: f"All about {names[int(key) - 1]}" for key in keys}) if keys else "It is about stock."


@pytest.mark.parametrize("flag", [(), ("--json",)])
def test_stdout_is_the_json_alone(
    call: Call, serve: Callable[[Reply], str], transcript: Path, flag: tuple[str, ...]
) -> None:
    done = call("transcripts", "chapters", transcript, "--model", serve(good), *flag)
    assert done.code == 0
    value = done.json()
    assert list(value) == ["chapters", "findings"]
    assert all(list(chapter) == ["start", "end", "first_cue", "title"] for chapter in value["chapters"])
    assert value["chapters"][0]["first_cue"] == 1
    assert value["chapters"][0]["start"] == "00:00:05.000"
    assert all(before["end"] == after["start"] for before, after in pairwise(value["chapters"]))
    assert value["chapters"][-1]["end"] == "00:10:04.500"


@pytest.mark.parametrize("text", ["", "I cannot do that.", '{"1": "Wareh', "[]", '{"1": "Sklad a zásoby"}'])
def test_a_model_that_gives_no_titles_is_owned_up_to(
    call: Call, serve: Callable[[Reply], str], transcript: Path, text: str
) -> None:
    done = call("transcripts", "chapters", transcript, "--model", serve(lambda keys: text))
    assert done.code == 1
    value = done.json()
    assert [chapter["title"] for chapter in value["chapters"]] == [
        f"Untitled chapter {number}" for number in range(1, len(value["chapters"]) + 1)
    ]
    failed = [finding for finding in value["findings"] if finding["kind"] == "title-failed"]
    assert len(failed) == len(value["chapters"])
    assert done.err.count("Error: ") == 1
    assert "got no title" in done.err


def test_a_model_that_hangs_does_not_keep_the_command(serve: Callable[[Reply], str], transcript: Path) -> None:
    arguments = ["transcripts", "chapters", str(transcript), "--model", serve(lambda keys: None), "--timeout", "1"]
    code = "import sys; from allotment.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert json.loads(done.stdout)["chapters"][0]["title"] == "Untitled chapter 1"
    assert "hangs" in done.stderr


def test_a_server_that_is_not_there_leaves_the_chapters(call: Call, transcript: Path) -> None:
    done = call("transcripts", "chapters", transcript, "--model", "http://127.0.0.1:9/v1#model")
    assert done.code == 1
    assert done.json()["chapters"][0]["title"] == "Untitled chapter 1"


def test_a_model_that_is_not_here_is_named_with_the_command_that_brings_it(
    call: Call, transcript: Path, no_models: None, tmp_path: Path
) -> None:
    done = call("transcripts", "chapters", transcript, "-C", tmp_path)
    assert done.code == 4
    assert "allotment models pull qwen2.5-coder-1.5b-instruct" in done.err
    assert done.json()["error"]["exit_code"] == 4


def test_a_project_brings_its_own_teacher(call: Call, transcript: Path, no_models: None, small: Path) -> None:
    file = small / "allotment.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "models: {teacher: gemma-3-270m}\n", encoding="utf-8")
    done = call("transcripts", "chapters", transcript, "-C", small)
    assert done.code == 4
    assert "allotment models pull gemma-3-270m" in done.err


def test_a_file_that_is_not_there_is_a_wrong_call(call: Call, tmp_path: Path) -> None:
    done = call("transcripts", "chapters", tmp_path / "none.srt")
    assert done.code == 2
    assert "does not exist" in done.json()["error"]["message"]


def test_a_file_that_is_no_transcript_has_no_chapters(call: Call, tmp_path: Path) -> None:
    (tmp_path / "notes.srt").write_text("Just some notes.\n", encoding="utf-8")
    done = call("transcripts", "chapters", tmp_path / "notes.srt")
    assert done.code == 1
    assert done.json()["error"]["exit_code"] == 1
