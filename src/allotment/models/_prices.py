"""What a model's tokens cost: dated inputs, from ``allotment.yaml`` or the shipped list; unknown is never guessed."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlsplit

import yaml

from allotment.models._catalogue import is_server
from allotment.project import ModelPrice, ModelsConfig

FREE = ModelPrice(input=0.0, output=0.0)
"""Of a model computed on this machine."""


def price_of(model: str, config: ModelsConfig) -> ModelPrice | None:
    """Price of a model's tokens; none if it is not known.

    Args:
        model: name as in ``allotment.yaml``.
        config: its ``prices`` come before the shipped ones, by the full name or the part after ``#``.
    """
    url, _, served = model.partition("#")
    for name in (model, served):
        if name in config.prices:
            return config.prices[name]
    if not is_server(model) or _is_here(url):
        return FREE
    return shipped_prices().get(served)


@lru_cache
def shipped_prices() -> dict[str, ModelPrice]:
    """Published prices of hosted models, each with its day."""
    raw = yaml.safe_load((files("allotment.models") / "prices.yaml").read_text(encoding="utf-8"))
    return {name: ModelPrice(**entry) for name, entry in raw.items()}


def _is_here(url: str) -> bool:
    """Whether a server is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
