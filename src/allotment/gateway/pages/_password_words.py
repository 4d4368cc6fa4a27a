"""What is said of a password that cannot be taken."""

from __future__ import annotations

from allotment.gateway.identity._passwords import (
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    PasswordFault,
    password_fault,
)
from allotment.gateway.wording import Message, say

DIFFERENT = say("The two passwords are not the same. Type it again, twice.")
_WORDS: dict[PasswordFault, Message] = {
    "length": say(
        "A password has %(shortest)s to %(longest)s characters.",
        shortest=MIN_PASSWORD_LENGTH,
        longest=MAX_PASSWORD_LENGTH,
    ),
    "name": say("The password is the user's name. Choose another one."),
    "common": say(
        "This password is among the first to be guessed. Choose one that nobody else has, for example four unrelated"
        " words."
    ),
}


def fault_of(name: str, password: str) -> Message | None:
    """What is wrong with a new password of this user, if anything."""
    fault = password_fault(name, password)
    return _WORDS[fault] if fault else None
