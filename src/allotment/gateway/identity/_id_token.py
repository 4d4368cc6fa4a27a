"""Is an ID token genuine, of this provider, for this gateway, of this login, and of now?

The checks of OpenID Connect Core 3.1.3.7, with an allow-list of algorithms: none, and everything keyed with a shared
secret, is not in it, so neither a bare token nor one signed with a public key as if it were a password is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from allotment.access import Principal
from allotment.errors import PolicyError
from allotment.project import OidcConfig

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
LEEWAY_S = 60
MAX_AGE_S = 600
"""How old a token may be: it was asked for a moment ago."""
MAX_TOKEN_LENGTH = 100_000
MAX_SUBJECT_LENGTH = 255


class LoginRefused(PolicyError):
    """A login with the provider that is no access; the message says why, for the record."""

    who = Principal("", "")
    """Whom the provider vouched for, as far as that is known."""


class NoSuchKey(LoginRefused):
    """The token names a key that is not among the provider's as they are known; they may have been changed."""


def key_set(document: Mapping[str, Any]) -> KeySet:
    """The provider's public keys for signatures; shared secrets and keys for encryption are left out.

    Raises:
        LoginRefused: there is none.
    """
    listed = document.get("keys")
    found = listed if isinstance(listed, list) else []
    usable = [
        key
        for key in found
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, KeyError) as error:
        raise LoginRefused(f"the provider has no usable key ({error})") from error


def verified_claims(
    config: OidcConfig, id_token: str, keys: KeySet, nonce: str, access_token: str | None
) -> dict[str, Any]:
    """The claims of an ID token that holds.

    Args:
        config: the provider, and the name it knows the gateway by.
        id_token: as the token endpoint sent it.
        keys: the provider's public keys.
        nonce: what this login was begun with.
        access_token: what came with it; held against ``at_hash`` where that is there.

    Raises:
        NoSuchKey: it names a key that is not among ``keys``.
        LoginRefused: it does not hold.
    """
    if len(id_token) > MAX_TOKEN_LENGTH:
        raise LoginRefused("the ID token is too long")
    try:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        token = jwt.decode(id_token, keys, registry=registry)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": config.issuer}, "aud": {"essential": True, "value": config.client_id}},
            {"nonce": nonce, "client_id": config.client_id, "access_token": access_token},
        )
        claims.validate(leeway=LEEWAY_S)
    except InvalidKeyIdError as error:
        raise NoSuchKey("the ID token is signed with an unknown key") from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise LoginRefused(f"the ID token does not hold ({error})") from error
    return _of_this_moment(config, dict(token.claims))


def _of_this_moment(config: OidcConfig, claims: dict[str, Any]) -> dict[str, Any]:
    """What the libraries leave to the caller: for us alone or expressly, made just now, about somebody."""
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if len(audiences) > 1 and claims.get("azp") != config.client_id:
        raise LoginRefused("the ID token was made for several, and not for this gateway")
    if not isinstance(claims["iat"], int | float) or time.time() - claims["iat"] > MAX_AGE_S:
        raise LoginRefused("the ID token is too old")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise LoginRefused("the ID token is about nobody")
    return claims
