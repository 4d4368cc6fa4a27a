"""Runs on Ray: an actor for each, on this machine or a cluster. Ray finds the node; the driver decides everything else.

An actor is detached where there is a cluster, so that it outlives the driver and the next one finds it by its name. Ray
restarts nothing: what a lost node costs is the driver's to count.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from allotment.dataset._ray_teacher import _connect, _load_ray
from allotment.errors import EngineError
from allotment.experiments import _ray_host, _supervise
from allotment.experiments._executor import Job, Look
from allotment.experiments._file import RayPlace
from allotment.experiments._local import is_at_work
from allotment.training._process import environment
from allotment.workspace import write_atomic

_NAMESPACE = "allotment-experiments"
_ANSWER_S = 20.0
_STOP_S = 40.0
_BEGIN_S = 120.0
"""How long an actor that has a place may take to say so, before the driver goes on without its node's name."""


class RayTasks:
    """One actor for each job."""

    name = "ray"

    def __init__(self, place: RayPlace, *, in_flight: int | None = None, on_cards: bool = False) -> None:
        """Connect to a cluster, or start Ray here.

        Args:
            place: the cluster.
            in_flight: most runs at once; as many as the cluster has cards, or cores, if none.
            on_cards: whether runs of this machine get a card; on a cluster they do if it has any.

        Raises:
            MissingPartError: Ray is not installed, or there is no cluster at the address.
        """
        self._ray, self._place = _load_ray(), place
        self._started = not self._ray.is_initialized()
        if self._started:
            _connect(self._ray, place.address)
        whole = self._ray.cluster_resources()
        self._on_cards = on_cards or bool(place.address and whole.get("GPU"))
        self._places = in_flight or max(1, int(whole.get("GPU" if self._on_cards else "CPU", 1)))
        self._held: set[str] = set()
        self._ray.cloudpickle.register_pickle_by_value(_ray_host)
        self._actor = self._ray.remote(max_restarts=0, max_task_retries=0)(_ray_host.Host)

    def has_place(self, job: Job) -> bool:
        """See ``Executor``; a node that has what the job asks for is found by Ray, which may have to wait for it."""
        return len(self._held) < self._places

    def start(self, job: Job) -> str:
        """See ``Executor``."""
        token = secrets.token_hex(16)
        write_atomic(job.folder / _ray_host.TOKEN, token)
        shared = self._place.shared_folder
        files = None if shared or (shared is None and self._place.address is None) else _ray_host.read_files(job.folder)
        wanted: dict[str, Any] = {
            "name": job.name,
            "namespace": _NAMESPACE,
            "get_if_exists": True,
            "lifetime": "detached",
            "resources": self._place.resources or None,
        }
        wanted |= self._needs(job)
        actor = self._actor.options(**wanted).remote(str(job.folder), job.attempt, token, files, _settings())
        self._held.add(job.name)
        try:
            return str(self._ray.get(actor.place.remote(), timeout=_BEGIN_S if self._place.address is None else 1.0))
        except self._ray.exceptions.GetTimeoutError:
            return "waits for a node"
        except self._ray.exceptions.RayError:
            return "lost"

    def _needs(self, job: Job) -> dict[str, Any]:
        if self._on_cards:
            return {"num_gpus": job.cards}
        memory = {"memory": int(job.needs_gib * 2**30)} if job.needs_gib else {}
        return {"num_cpus": 1, **memory}

    def look(self, job: Job) -> Look:
        """See ``Executor``.

        Raises:
            EngineError: the cluster does not answer; nothing is decided then.
        """
        try:
            actor = self._ray.get_actor(job.name, namespace=_NAMESPACE)
            told = self._ray.get(actor.poll.remote(), timeout=_ANSWER_S)
        except ValueError:
            return self._gone(job, "no node has it")
        except (self._ray.exceptions.GetTimeoutError, self._ray.exceptions.ActorUnavailableError):
            self._held.add(job.name)
            return Look("running")  # it waits for a node, or its node is slow; Ray says when a node is dead
        except self._ray.exceptions.RayActorError as error:
            return self._gone(job, _why(error))
        except (self._ray.exceptions.RaySystemError, ConnectionError, RuntimeError) as error:
            raise EngineError(
                f"the Ray cluster does not answer ({error}).",
                element=self._place.address or "local",
                remedy="What is done is kept. Run the same command again when the cluster is there.",
            ) from error
        _ray_host.write_files(job.folder, told["files"])
        if told["code"] is None or (told["code"] == _supervise.BUSY and is_at_work(job.folder)):
            self._held.add(job.name)
            return Look("running")
        self._let_go(actor)
        return self._gone(job, f"its process left no result (exit code {told['code']})")

    def _gone(self, job: Job, why: str) -> Look:
        if is_at_work(job.folder):  # of an earlier driver's Ray on this machine; it ends with its Ray
            self._held.add(job.name)
            return Look("running")
        self._held.discard(job.name)
        ended = _supervise.read_json(job.folder / _supervise.RESULT).get("attempt") == job.attempt
        return Look("ended") if ended else Look("absent", why)

    def stop(self, job: Job) -> None:
        """See ``Executor``."""
        with suppress(ValueError, self._ray.exceptions.RayError):
            actor = self._ray.get_actor(job.name, namespace=_NAMESPACE)
            self._ray.get(actor.stop.remote(), timeout=_STOP_S)
            _ray_host.write_files(job.folder, self._ray.get(actor.poll.remote(), timeout=_ANSWER_S)["files"])
            self._let_go(actor)
        deadline = time.monotonic() + _STOP_S
        while is_at_work(job.folder) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._held.discard(job.name)

    def _let_go(self, actor: Any) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._ray.get(actor.clean.remote(), timeout=_ANSWER_S)
            self._ray.kill(actor)

    def close(self) -> None:
        """See ``Executor``; a Ray that was started here ends with its runs, which go on from their checkpoints."""
        if self._started:
            self._ray.shutdown()


def _why(error: BaseException) -> str:
    """What became of an actor."""
    told = str(error).strip()
    if "creation task" in told:
        return f"its node could not begin: {told.rpartition(chr(10))[2].strip()[:200]}"
    return f"its node is gone ({type(error).__name__})"


def _settings() -> Mapping[str, str]:
    """What a training's environment has besides the driver's own."""
    return {key: value for key, value in environment().items() if os.environ.get(key) != value}
