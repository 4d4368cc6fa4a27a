"""Which models do what, how hard they may be driven and what they cost."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from allotment.project._base import Strict


class ModelLimits(Strict):
    """How hard a model may be driven when very many completions are asked of it."""

    parallel: int | None = Field(default=None, ge=1, le=4096)
    """Most requests in flight; without it 256 for a server and 4, which is the most, for the embedded engine."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Most requests in any 60 seconds; without it only the server's own refusals slow the requests."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Most tokens, read and written together, in any 60 seconds."""
    timeout_s: float | None = Field(default=None, gt=0)
    """Seconds a request may take; without it they follow from how long the server's answers take."""


class ModelPrice(Strict):
    """What a model's tokens cost, in USD for a million."""

    input: float = Field(ge=0)
    """A million tokens of prompts."""
    output: float = Field(ge=0)
    """A million tokens of answers."""
    batch_discount: float = Field(default=0.0, ge=0, lt=1)
    """Share taken off by the provider's batch endpoint."""
    as_of: date | None = None
    """Day the price was looked up."""
    source: str = ""
    """Who published it."""

    def usd(self, prompt_tokens: float, completion_tokens: float, *, batch: bool = False) -> float:
        """Price of so many tokens."""
        full = (prompt_tokens * self.input + completion_tokens * self.output) / 1e6
        return full * (1 - self.batch_discount) if batch else full


class ModelsConfig(Strict):
    """Which models do what; names from the catalogue, or paths of GGUF files, relative to ``allotment.yaml``."""

    teacher: str = "qwen2.5-coder-1.5b-instruct"
    """Writes questions and answers."""
    base: str = "gemma-3-270m"
    """The frozen model under every adapter."""
    sql: str = "qwen2.5-coder-1.5b-instruct"
    """Writes SQL for agents with an account."""
    adapter_server: str | None = None
    """Address of a server of your own that has the adapters (vLLM with ``--enable-lora``), as
    ``http://127.0.0.1:8001/v1``; without it the embedded engine. Beyond this machine it must be ``https``."""
    threads: int = Field(default=0, ge=0)
    """Processor threads of the embedded engine; 0 takes all cores."""
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """Model (its name here, or the part after ``#``) → what its tokens cost; before the shipped prices."""
    limits: dict[str, ModelLimits] = Field(default_factory=dict)
    """Model, by the name it has above → how hard it may be driven."""

    @field_validator("adapter_server")
    @classmethod
    def _is_own(cls, value: str | None) -> str | None:
        parts = urlsplit("http://localhost" if value is None else value)
        is_here = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme not in (("http", "https") if is_here else ("https",)) or not parts.hostname:
            raise ValueError("write http://127.0.0.1:PORT/v1, or https://HOST/v1 for a server on another machine")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("an address has no model name, key or query; adapters have names of their own")
        return value
