"""An OpenID provider in a process of its own. It is honest until ``/control`` tells it how to forge its next tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import socket
import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "allotment", "the client's own secret"
app = FastAPI()
codes: dict[str, dict[str, str]] = {}
told: dict[str, Any] = {"claims": {}, "forge": "", "issuer": ""}
keys: list[RSAKey] = []
STRANGER = RSAKey.generate_key(2048, {"kid": "stranger", "use": "sig"})


def rotate() -> None:
    keys[:] = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})]


@app.post("/control")
async def control(request: Request) -> dict[str, Any]:
    body = await request.json()
    if body.pop("rotate", False):
        rotate()
    told.update(body)
    return told


@app.get("/.well-known/openid-configuration")
def discovery(request: Request) -> dict[str, Any]:
    own = str(request.base_url).rstrip("/")
    return {
        "issuer": told["issuer"] or own,
        "authorization_endpoint": f"{own}/authorize",
        "token_endpoint": f"{own}/token",
        "jwks_uri": f"{own}/jwks",
        "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
    }


@app.get("/jwks")
def jwks() -> dict[str, Any]:
    shared = {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"known to all").decode().rstrip("=")}
    return {"keys": [*KeySet(list(keys)).as_dict()["keys"], shared]}


@app.get("/authorize")
def authorize(request: Request) -> Response:
    asked = dict(request.query_params)
    if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256" or not asked.get("nonce"):
        return JSONResponse({"error": "invalid_request"}, 400)
    code = secrets.token_urlsafe(16)
    codes[code] = asked
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)


@app.post("/token")
async def token(request: Request) -> Response:
    form = await request.form()
    asked = codes.pop(str(form["code"]), None)
    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    if request.headers.get("authorization") != f"Basic {basic}":
        return JSONResponse({"error": "invalid_client"}, 401)
    verified = asked and create_s256_code_challenge(str(form.get("code_verifier", ""))) == asked["code_challenge"]
    if not asked or not verified or form["redirect_uri"] != asked["redirect_uri"]:
        return JSONResponse({"error": "invalid_grant"}, 400)
    own = str(request.base_url).rstrip("/")
    answer = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 60}
    if told["forge"] != "no ID token":
        answer["id_token"] = id_token(own, asked["nonce"])
    return JSONResponse(answer)


def id_token(issuer: str, nonce: str) -> str:
    now, forge = int(time.time()), told["forge"]
    claims = {"iss": issuer, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 60, "nonce": nonce, **told["claims"]}
    claims |= {
        "another audience": {"aud": "another client"},
        "several audiences": {"aud": [CLIENT, "another client"]},
        "made for another": {"aud": [CLIENT, "another client"], "azp": "another client"},
        "another issuer": {"iss": "https://login.example.org"},
        "expired": {"iat": now - 300, "exp": now - 120},
        "made long ago": {"iat": now - 3600},
        "from the future": {"iat": now + 3600, "exp": now + 7200},
        "not yet": {"nbf": now + 3600},
        "replayed nonce": {"nonce": "the nonce of an earlier login"},
        "nobody": {"sub": ""},
        "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    }.get(forge, {})
    for left_out in ("exp", "iat", "aud", "iss", "nonce", "sub"):
        if forge == f"without {left_out}":
            del claims[left_out]
    header: dict[str, Any] = {"alg": "RS256", "kid": keys[0].kid}
    if forge == "no signature":
        return unsigned({"alg": "none"}, claims) + "."
    if forge == "the signature cut off":
        return jwt.encode(header, claims, keys[0]).rpartition(".")[0] + "."
    secrets_of = {
        "the public key as a secret": keys[0].as_pem(private=False),
        "the client's secret": SECRET.encode(),
        "a shared key": b"known to all",
    }
    if forge in secrets_of:
        kid = "shared" if forge == "a shared key" else keys[0].kid
        signed = unsigned({"alg": "HS256", "kid": kid}, claims)
        return f"{signed}.{encoded(hmac.new(secrets_of[forge], signed.encode(), hashlib.sha256).digest())}"
    if forge == "another key under the same name":
        return jwt.encode(header, claims, STRANGER)
    if forge == "an unknown key":
        return jwt.encode({**header, "kid": STRANGER.kid}, claims, STRANGER)
    if forge == "a key it brings along":
        return jwt.encode({**header, "jwk": STRANGER.as_dict(private=False)}, claims, STRANGER)
    if forge == "other claims under the signature":
        head, _, signature = jwt.encode(header, claims, keys[0]).split(".")
        return f"{head}.{encoded(json.dumps({**claims, 'groups': ['board']}).encode())}.{signature}"
    if forge == "no token at all":
        return "eyJ.not.a token"
    return jwt.encode(header, claims, keys[0])


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


if __name__ == "__main__":
    rotate()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
