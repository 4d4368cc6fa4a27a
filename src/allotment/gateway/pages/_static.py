"""The pages' files, held in memory: named by their content, kept by browsers for good, compressed once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

STATIC_DIR = Path(__file__).parent / "static"
BUNDLES = {
    "bundle/chat.js": (
        "markdown.js",
        "chart.js",
        "table.js",
        "origin.js",
        "feedback.js",
        "exchange.js",
        "conversations.js",
        "chat.js",
    )
}
"""Scripts of one page that are sent as one, in this order: a request for each costs more than all they say."""
_SMALL = 500
"""Bytes below which compressing gains nothing."""
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class _File:
    body: bytes
    compressed: bytes | None
    kind: str


@cache
def _files() -> dict[str, _File]:
    names = [path.relative_to(STATIC_DIR).as_posix() for path in STATIC_DIR.rglob("*") if path.is_file()]
    return {name: _file(name, (STATIC_DIR / name).read_bytes()) for name in names} | {
        name: _file(name, b"\n".join((STATIC_DIR / part).read_bytes() for part in parts))
        for name, parts in BUNDLES.items()
    }


def _file(name: str, body: bytes) -> _File:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return _File(body, gzip.compress(body, mtime=0) if len(body) > _SMALL else None, kind)


@cache
def static(name: str) -> str:
    """The address of a file; a new version has a new one, so that no browser mixes a new page with an old script."""
    return f"/static/{name}?v={hashlib.sha256(_files()[name].body).hexdigest()[:12]}"


def static_routes() -> APIRouter:
    """Serves the files. Pages themselves are not compressed: they hold secrets beside what others may have written."""
    router = APIRouter()

    @router.get("/static/{name:path}", include_in_schema=False)
    async def file(request: Request, name: str) -> Response:
        found = _files().get(name)
        if found is None:
            raise HTTPException(404)
        headers = {"vary": "accept-encoding"}
        if request.url.query:
            headers["cache-control"] = _FOR_GOOD
        if found.compressed is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(found.body, headers=headers, media_type=found.kind)
        return Response(found.compressed, headers={**headers, "content-encoding": "gzip"}, media_type=found.kind)

    return router
