"""What every connection to a server of models is made with: certificates, and the proxy the environment names."""

from __future__ import annotations

import ssl
import urllib.request
from functools import cache
from urllib.parse import urlsplit

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    """The authorities that are trusted, those of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` included."""
    return httpx.create_ssl_context()


def environment_proxy(url: str) -> str | None:
    """The proxy the environment names for a URL."""
    parts = urlsplit(url)
    if parts.hostname is None or urllib.request.proxy_bypass(parts.hostname):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
