"""The company's OpenID Connect provider: discovery, keys, the way there, and the exchange of the code.

Authorization code flow with PKCE (RFC 7636, S256); what comes back is judged in ``_id_token``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.jwk import KeySet

from allotment.errors import MissingPartError, ProjectError
from allotment.gateway.identity._id_token import LoginRefused, NoSuchKey, key_set, verified_claims
from allotment.gateway.identity._provider_users import PendingLogin
from allotment.project import OidcConfig
from allotment.project._identity import LOOPBACK

CALLBACK_PATH = "/login/oidc/callback"
TIMEOUT_S = 10.0
METADATA_S = 3600.0
"""How long the discovery document and the keys are kept."""
NEW_KEYS_S = 10.0
"""A token signed with an unknown key brings the keys anew, but not more often than this."""


class ProviderUnavailable(MissingPartError):
    """The provider does not answer, or not as a provider does."""


class Provider:
    """One provider, as ``allotment.yaml`` declares it.

    Raises:
        ProjectError: the client's secret is not where the project says.
    """

    def __init__(self, config: OidcConfig, base_url: str) -> None:
        self.config = config
        self._redirect_uri = base_url + CALLBACK_PATH
        self._secret = _secret(config.client_secret)
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._known_until = self._new_keys_from = -1.0

    def address_of(self, login: PendingLogin) -> str:
        """Where the browser goes to log in.

        Raises:
            ProviderUnavailable: the provider does not answer.
        """
        with self._client() as client:
            address, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=login.state,
                nonce=login.nonce,
                code_verifier=login.verifier,
            )
        return str(address)

    def claims(self, login: PendingLogin, answer: Mapping[str, str]) -> dict[str, Any]:
        """The checked claims of the ID token that the code in the provider's answer is exchanged for.

        Raises:
            LoginRefused: the provider refused, or what it sent does not hold.
            ProviderUnavailable: the provider does not answer.
        """
        if "error" in answer:
            raise LoginRefused(f"the provider refused ({answer['error'][:80]})")
        if answer.get("iss", self.config.issuer) != self.config.issuer:
            raise LoginRefused("the answer comes from another provider")
        token = self._exchange(login, answer.get("code", ""))
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise LoginRefused("the provider sent no ID token")
        access_token = token.get("access_token")
        try:
            return verified_claims(self.config, id_token, self._key_set(), login.nonce, access_token)
        except NoSuchKey:
            return verified_claims(self.config, id_token, self._key_set(anew=True), login.nonce, access_token)

    def _exchange(self, login: PendingLogin, code: str) -> dict[str, Any]:
        try:
            with self._client() as client:
                token = client.fetch_token(
                    self._endpoint("token_endpoint"),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=login.verifier,
                    redirect_uri=self._redirect_uri,
                )
        except OAuthError as error:
            raise LoginRefused(f"the provider refused the code ({str(error.error)[:80]})") from None
        except (httpx2.HTTPError, ValueError) as error:
            raise _unavailable(self.config, error) from error
        return dict(token)

    def _key_set(self, *, anew: bool = False) -> KeySet:
        address = self._endpoint("jwks_uri")
        with self._lock:
            now = time.monotonic()
            if self._keys is None or (anew and now >= self._new_keys_from):
                if anew:
                    self._new_keys_from = now + NEW_KEYS_S
                self._keys = key_set(self._json(address))
            return self._keys

    def _endpoint(self, name: str) -> str:
        with self._lock:
            if time.monotonic() >= self._known_until:
                self._metadata, self._keys = self._discovered(), None
                self._known_until = time.monotonic() + METADATA_S
            address = self._metadata.get(name)
        parts = urlsplit(address) if isinstance(address, str) else None
        is_local = parts is not None and parts.scheme == "http" and parts.hostname in LOOPBACK
        if parts is None or not (parts.scheme == "https" or is_local):
            raise _unavailable(self.config, f"{name} is missing, or not https://")
        return str(address)

    def _discovered(self) -> dict[str, Any]:
        metadata = self._json(self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
        # OpenID Connect Discovery 4.3: another issuer in it means that somebody else answers.
        if metadata.get("issuer") != self.config.issuer:
            raise _unavailable(self.config, "its discovery document names another issuer")
        return metadata

    def _json(self, address: str) -> dict[str, Any]:
        try:
            with self._client() as client:
                response = client.request("GET", address, withhold_token=True)
            response.raise_for_status()
            found = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise _unavailable(self.config, error) from error
        if not isinstance(found, dict):
            raise _unavailable(self.config, f"{address} is no JSON object")
        return found

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            client_id=self.config.client_id,
            client_secret=self._secret,
            scope=" ".join(self.config.scopes),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            follow_redirects=False,
        )


def _secret(named: str | None) -> str | None:
    if named is None:
        return None
    kind, _, where = named.partition(":")
    if kind == "env":
        value = os.environ.get(where, "")
    else:
        try:
            value = Path(where).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            value = ""
    if not value:
        raise ProjectError(
            "the client's secret is not there, or empty.",
            element=f"identity.oidc.client_secret: {named}",
            remedy="Set the variable, or write the secret to the file.",
        )
    return value


def _unavailable(config: OidcConfig, why: object) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"the provider does not answer as one ({why}).",
        element=config.issuer,
        remedy="See that it runs and that identity.oidc.issuer is written as the provider writes it.",
    )
