"""From a verified ID token to a user: his name, his one role, his claims. Pure, and no access wherever in doubt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allotment.access import Claims, ClaimValue, claims_of
from allotment.gateway.identity._id_token import LoginRefused
from allotment.gateway.identity._passwords import clean_name
from allotment.project import OidcConfig

MAX_VALUES = 100
MAX_VALUE_LENGTH = 200


@dataclass(frozen=True)
class ProviderIdentity:
    """Somebody whom the provider vouches for, and what the project's table makes of him."""

    name: str
    subject: str
    """The provider's own identifier; it is never given to somebody else."""
    role: str
    claims: Claims


def name_in(config: OidcConfig, claims: Mapping[str, Any]) -> str:
    """The user name in a token.

    Raises:
        LoginRefused: it is missing, is no name, or is an e-mail address nobody verified.
    """
    value = claims.get(config.user_claim)
    name = clean_name(value) if isinstance(value, str) and len(value) <= MAX_VALUE_LENGTH else None
    if name is None:
        raise LoginRefused(f"the claim {config.user_claim!r} holds no user name")
    if config.user_claim == "email" and claims.get("email_verified") is not True:
        raise LoginRefused("the provider did not verify the e-mail address")
    return name


def role_in(config: OidcConfig, claims: Mapping[str, Any]) -> str:
    """The one role that the user's groups stand for in the declared table.

    Raises:
        LoginRefused: the groups are missing or malformed, none is in the table, or they stand for different roles.
    """
    value = claims.get(config.group_claim)
    groups = [value] if isinstance(value, str) else value
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise LoginRefused(f"the claim {config.group_claim!r} is missing, or is no list of groups")
    roles = {config.roles[group] for group in groups if group in config.roles}
    if not roles:
        raise LoginRefused("none of the user's groups has a role")
    if len(roles) > 1:
        raise LoginRefused(f"the user's groups have different roles ({', '.join(sorted(roles))})")
    return roles.pop()


def identity_of(config: OidcConfig, claims: Mapping[str, Any]) -> ProviderIdentity:
    """Who logs in, with which role and claims.

    Raises:
        LoginRefused: name, groups or a declared claim are not as they must be.
    """
    there = {name: source for name, source in config.claims.items() if claims.get(source) is not None}
    copied = {name: _values(source, claims[source]) for name, source in there.items()}
    return ProviderIdentity(name_in(config, claims), claims["sub"], role_in(config, claims), claims_of(copied))


def _values(source: str, value: Any) -> tuple[ClaimValue, ...]:
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES or not all(_is_plain(item) for item in values):
        raise LoginRefused(f"the claim {source!r} is no text, number or short list of them")
    return tuple(values)


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_VALUE_LENGTH and value.isprintable()
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
