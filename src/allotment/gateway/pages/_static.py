"""The pages' files: named by their content, kept by browsers for good, and compressed."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

STATIC_DIR = Path(__file__).parent / "static"
_SMALL = 500
"""Bytes below which compressing gains nothing."""


@cache
def static(name: str) -> str:
    """The address of a file; a new version has a new one, so that no browser mixes a new page with an old script."""
    digest = hashlib.sha256((STATIC_DIR / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


class _Kept(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and scope["query_string"].startswith(b"v="):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def static_files() -> ASGIApp:
    """Serves the files. Pages themselves are not compressed: they hold secrets beside what others may have written."""
    return GZipMiddleware(_Kept(directory=STATIC_DIR), minimum_size=_SMALL)
