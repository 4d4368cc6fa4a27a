"""Where the pages lead: the places a user may go to, and no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from allotment.access import Principal
from allotment.gateway.wording import Message, say

Group = Literal["own", "admin"]


def everybody(principal: Principal) -> bool:
    """Whoever is signed in."""
    return True


@dataclass(frozen=True)
class Place:
    """A page in the navigation."""

    name: str
    """What templates call it: ``{% set here = "chat" %}`` marks it as the current one."""
    label: Message
    href: str
    icon: str
    """A symbol of ``static/icons.svg``."""
    group: Group = "own"
    may: Callable[[Principal], bool] = everybody
    """Whether it is shown to this principal; the route asks for itself once more."""


CHAT = Place("chat", say("New question"), "/", "chat")
ACCOUNT = Place("account", say("Account"), "/account", "user")


class Navigation:
    """All places, in order."""

    def __init__(self, places: Sequence[Place] = ()) -> None:
        """``places`` come after the chat and before the account."""
        self._places = (CHAT, *places, ACCOUNT)

    def of(self, principal: Principal) -> dict[Group, list[Place]]:
        """The places this principal may go to, by group."""
        shown: dict[Group, list[Place]] = {"own": [], "admin": []}
        for place in self._places:
            if place.may(principal):
                shown[place.group].append(place)
        return shown
