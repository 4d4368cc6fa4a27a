"""Who may log in, and how: sessions, keys, set-up links, and the company's own OpenID provider."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from allotment.project._base import Name, Strict

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRET = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)\Z")


def _address(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(f"{value!r} is not the address of a service: write https://HOST, with a path if it has one")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{value!r} must begin with https://; http:// is for this machine alone")
    return value


def _secret(value: str) -> str:
    if not _SECRET.match(value):
        raise ValueError("a secret does not stand in this file: write env:NAME or file:PATH")
    return value


Address = Annotated[str, AfterValidator(_address)]
Secret = Annotated[str, AfterValidator(_secret)]


class OidcConfig(Strict):
    """Login with the company's own accounts, through its OpenID Connect provider."""

    issuer: Address
    """The provider's issuer, exactly as the provider writes it; its discovery document lies below it."""
    client_id: str = Field(min_length=1, max_length=500)
    """The name the provider knows the gateway by."""
    client_secret: Secret | None = None
    """``env:NAME`` or ``file:PATH``; none for a public client, which PKCE alone protects."""
    label: str = Field(default="Sign in with your company account", min_length=1, max_length=80)
    """The words on the button."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked for; some providers send groups only for a scope of their own."""
    user_claim: str = Field(min_length=1)
    """Claim of the ID token with the user's name. It must be one that users cannot edit and that never passes to
    somebody else; ``email`` counts only when the provider says that it was verified."""
    group_claim: str = "groups"
    """Claim of the ID token with the user's groups, a list of texts or one text."""
    roles: dict[str, Name] = Field(min_length=1)
    """Group → role. A user gets in with exactly one role: none of his groups here, or groups with different roles, is
    no access. Groups that are not here give nothing."""
    claims: dict[Name, str] = Field(default_factory=dict)
    """Name for row filters (``user.NAME``) → claim of the ID token it is copied from at each login."""
    keys_days: float = Field(default=30, gt=0, le=366)
    """Days the API keys of a user work after his last login; the provider is not asked about a key."""

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes: 'openid' is missing; without it there is no ID token")
        if "name" in self.claims:
            raise ValueError("claims.name: user.name is always the login name; choose another name")
        return self


class IdentityConfig(Strict):
    """Who may log in, and how."""

    url: Address | None = None
    """Address people reach the gateway at; set-up links and the way back from the provider are made of it. None is
    http://127.0.0.1:8000."""
    passwords: bool = True
    """Whether users of the gateway's own log in with a password; ``false`` leaves the provider alone."""
    session_idle_h: float = Field(default=8, gt=0, le=24 * 31)
    """Hours without a request after which a session ends."""
    session_life_h: float = Field(default=24, gt=0, le=24 * 31)
    """Hours after which a session ends however it was used; then the provider, or the password, is asked again."""
    set_up_link_h: float = Field(default=24, gt=0, le=24 * 7)
    """Hours a set-up link is good for."""
    key_days: int = Field(default=90, ge=1)
    """Days an API key works if its maker does not say."""
    key_most_days: int = Field(default=365, ge=1, le=3660)
    """Most days an API key may be made for."""
    oidc: OidcConfig | None = None
    """The company's OpenID Connect provider; none is built-in users alone."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.key_days > self.key_most_days:
            raise ValueError("key_days: is more than key_most_days")
        if not self.passwords and self.oidc is None:
            raise ValueError("passwords: nobody could log in; declare oidc, or leave passwords on")
        return self

    @property
    def base_url(self) -> str:
        """The gateway's address, without a slash at its end."""
        return (self.url or "http://127.0.0.1:8000").rstrip("/")
