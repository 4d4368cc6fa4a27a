"""Jinja2 pages; every value is escaped, and the style sheet and script are named by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
STATIC_DIR = HERE / "static"


class Pages:
    """Renders the templates for one company."""

    def __init__(self, title: str) -> None:
        loader = FileSystemLoader(HERE / "templates")
        self._environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        self._environment.globals.update(title=title, static=_static)

    def page(self, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """A page as a response."""
        return HTMLResponse(self._environment.get_template(template).render(values), status)


def _static(name: str) -> str:
    # A new version has a new address, so that a browser never mixes a new page with an old script.
    digest = hashlib.sha256((STATIC_DIR / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"
