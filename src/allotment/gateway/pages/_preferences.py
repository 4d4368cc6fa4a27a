"""What a reader chose for his browser: the language and the theme. Cookies that say nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from allotment.gateway.wording import LANGUAGES, say
from allotment.gateway.wording._choice import COOKIE as LANGUAGE_COOKIE

THEME_COOKIE = "allotment-theme"
THEMES = ("auto", "light", "dark")
_YEAR_S = 365 * 24 * 3600


def theme_of(request: Request) -> str:
    """The theme that was chosen; ``auto`` follows the system."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def preference_routes() -> APIRouter:
    """``POST /preferences``, which works for those who are not signed in as well."""
    router = APIRouter()

    @router.post("/preferences")
    def choose(
        request: Request,
        language: Annotated[str, Form(max_length=8)] = "",
        theme: Annotated[str, Form(max_length=8)] = "",
        back: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, say("Another site asked for this. Nothing was changed."))
        response = RedirectResponse(_own(back), 303)
        secure = request.url.scheme == "https"
        for name, value, known in ((LANGUAGE_COOKIE, language, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
            if value in known:
                response.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure)
        return response

    return router


def _own(address: str) -> str:
    """An address of this very service; another one, or what a browser may take for one, becomes the first page."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain and "\\" not in address else "/"
