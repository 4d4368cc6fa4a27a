"""The agents' adapters on a server of the project's own: vLLM or another that serves LoRA modules as models.

The name of an adapter there carries agent, version and the beginning of its sha256, so that another version is another
name. The server is asked for the very name a grant stands for, or not at all: one that does not list it as an
adapter, answers in another name or does not answer is an error, and the base model never takes its place.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Collection
from typing import Any

from allotment.access import Grant, require_grant
from allotment.errors import EngineError, NotGranted
from allotment.models._line import Line
from allotment.models._server import ServerEngine

KEY = "ALLOTMENT_ADAPTER_SERVER_KEY"
"""Environment variable with the server's key; never the one that other servers are told."""
_MODELS = "/models"
_HASH_LENGTH = 12
_SALT_KEY = secrets.token_bytes(32)


def adapter_name(agent: str, version: str, sha256: str) -> str:
    """What an adapter is called at the server (``--lora-modules NAME=FOLDER``)."""
    return f"{agent}-{version}-{sha256[:_HASH_LENGTH]}"


class AdapterServer(ServerEngine):
    """Adapters behind an OpenAI-compatible server; answers under a grant alone. Implements ``Engine``."""

    def __init__(self, url: str) -> None:
        """``url`` is what ``models.adapter_server`` declares."""
        address = url.rstrip("/")
        key = os.environ.get(KEY, "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # No proxy of the environment: what is asked of one's own server is told to nobody else.
        super().__init__(f"{address}#adapters", Line(address, headers, use_proxy=False))
        self._listed: set[str] = set()
        self._guard = threading.Lock()

    def _named(self, adapter: str | None, grant: Grant | None) -> dict[str, Any]:
        """The granted adapter's name, once the server says that it has it; and a cache of the role's own."""
        if adapter is None:
            raise NotGranted("this server answers with a granted adapter alone.", element=self.name)
        agent, _, version = adapter.partition("/")
        granted = require_grant(grant, agent=agent, adapter=version).decision
        facts = granted.request.adapter
        if facts is None or len(facts.sha256) < _HASH_LENGTH:
            raise NotGranted("the grant does not say which weights it is for.", element=adapter)
        name = adapter_name(agent, version, facts.sha256)
        self._need_listed(name)
        return {"model": name, "cache_salt": cache_salt(granted.principal.role)}

    def absent(self, names: Collection[str]) -> list[str]:
        """Those of these adapters that the server does not have now.

        Raises:
            EngineError: it does not answer.
        """
        there = self._adapters_there()
        return sorted(name for name in names if name not in there)

    def _need_listed(self, name: str) -> None:
        with self._guard:
            if name in self._listed:
                return
        found = self._adapters_there()
        if name not in found:
            raise EngineError(
                f"the server has no adapter {name!r}.",
                element=self.name,
                remedy=f"Start it with `--enable-lora --lora-modules {name}=FOLDER`; `allotment training export` "
                "writes the folder.",
            )
        with self._guard:
            self._listed = found

    def _adapters_there(self) -> set[str]:
        """Names with a parent: an alias of the base model has none."""
        try:
            listed = self._line.get(_MODELS)["data"]
            return {str(entry["id"]) for entry in listed if entry.get("parent")}
        except (ConnectionError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._failed(error) from error

    def _check_model(self, told: Any, name: str) -> None:
        if told != name:
            self._forget()
            raise EngineError(f"the server answered as {told!r} when {name!r} was asked.", element=self.name)

    def _failed(self, error: Exception) -> EngineError:
        self._forget()  # it may come back with other adapters
        return EngineError(
            f"the server of adapters did not give an answer ({error}).",
            element=self.name,
            remedy=f"Check that it runs, models.adapter_server in allotment.yaml, and the key in {KEY}.",
        )

    def _forget(self) -> None:
        with self._guard:
            self._listed = set()


def cache_salt(role: str) -> str:
    """What keeps the server's prefix cache of one role from telling another one anything by its speed."""
    return hmac.new(_SALT_KEY, role.encode(), hashlib.sha256).hexdigest()
