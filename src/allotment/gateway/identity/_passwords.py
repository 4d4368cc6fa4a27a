"""Rules for names and passwords, and the hashing of passwords (argon2id, parameters of RFC 9106's second choice)."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from allotment.errors import ProjectError

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 256
MIN_DISTINCT = 5
PasswordFault = Literal["length", "name", "common"]

_ANOTHER = "Choose one that nobody else has, for example four unrelated words."
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}\Z")
_HASHER = PasswordHasher()
# One verification takes 64 MiB, so a crowd at the login page must not take it all at once.
_AT_ONCE = threading.BoundedSemaphore(4)
_DUMMY_HASH = _HASHER.hash("no user has this password")


def clean_name(name: str) -> str | None:
    """The stored form of a user name (NFKC, lower case), or none if no user can be called so.

    Names are ASCII: a look-alike letter of another script makes a name impossible, not another user.
    """
    cleaned = unicodedata.normalize("NFKC", name).strip().lower()
    return cleaned if name.isascii() and _NAME.match(cleaned) else None


def require_name(name: str) -> str:
    """``clean_name``, or an error that says what a name looks like."""
    cleaned = clean_name(name)
    if cleaned is None:
        remedy = "Use a-z, 0-9, '.', '_', '@' and '-', starting with a letter or digit, at most 64 long."
        raise ProjectError("is not a user name.", element=repr(name), remedy=remedy)
    return cleaned


def password_fault(name: str, password: str) -> PasswordFault | None:
    """What rule a password of this user breaks, if any."""
    composed = _composed(password)
    if not MIN_PASSWORD_LENGTH <= len(composed) <= MAX_PASSWORD_LENGTH:
        return "length"
    folded = unicodedata.normalize("NFKC", composed).strip().casefold()
    if folded in (name, name.partition("@")[0]):
        return "name"
    return "common" if folded in common_passwords() or len(set(folded)) < MIN_DISTINCT else None


def require_password(name: str, password: str) -> None:
    """Refuse a password that is too short, too long, the user's own name, or among the first to be guessed."""
    fault = password_fault(name, password)
    if fault == "length":
        rule = f"Choose {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters."
        raise ProjectError(f"the password has {len(_composed(password))} characters.", element=name, remedy=rule)
    if fault == "name":
        raise ProjectError("the password is the user's name.", element=name, remedy="Choose another one.")
    if fault == "common":
        raise ProjectError("this password is among the first to be guessed.", element=name, remedy=_ANOTHER)


@cache
def common_passwords() -> frozenset[str]:
    """The most common passwords that are long enough to be chosen here (from zxcvbn's list, see NOTICE)."""
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").splitlines())


def hash_password(password: str) -> str:
    """An argon2id hash with its own salt and parameters inside."""
    with _AT_ONCE:
        return _HASHER.hash(_composed(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one hashed in ``stored``; with none it takes as long and says no."""
    if len(password) > MAX_PASSWORD_LENGTH:
        password = ""
    with _AT_ONCE:
        try:
            matches = _HASHER.verify(stored or _DUMMY_HASH, _composed(password))
        except (VerificationError, InvalidHashError):
            return False
    return matches and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def _composed(password: str) -> str:
    # The same letter can be typed composed or decomposed, depending on the keyboard.
    return unicodedata.normalize("NFC", password)
