"""Agents, and which of them answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from allotment.project._base import Name, Strict


class AgentConfig(Strict):
    """One agent: whom it serves, what it learns, which account it works with."""

    description: str = ""
    """What it is asked about, in words; the router reads it."""
    roles: frozenset[Name] = Field(min_length=1)
    """Roles it serves; its dataset takes only what *all* of them may read."""
    documents: tuple[Name, ...] = Field(min_length=1)
    """Document sets it learns."""
    account: Name | None = None
    """Its database account; none means it has no database."""


class RoutingConfig(Strict):
    """Which entitled agent answers."""

    default: dict[Name, Name] = Field(default_factory=dict)
    """Role → agent that gets a question that may be for any of several, and one that it knows as well as another."""
    unclear: Literal["default", "ask"] = "default"
    """What happens to a question that no agent of the role clearly matches. `default`: the role's default agent gets
    it. `ask`: the user is asked which of the likeliest agents is meant."""
