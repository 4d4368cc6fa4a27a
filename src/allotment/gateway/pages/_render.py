"""Jinja2 pages in the reader's language and theme; every value is escaped, files are named by their content."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from allotment.gateway.identity._identity import Session
from allotment.gateway.pages._navigation import Navigation, Place
from allotment.gateway.pages._preferences import theme_of
from allotment.gateway.pages._static import static
from allotment.gateway.web._security import CSP_HTMX, csrf_token
from allotment.gateway.wording import (
    LANGUAGE_NAMES,
    LANGUAGES,
    Catalogue,
    Language,
    Message,
    catalogue,
    language_of,
    say,
)

HERE = Path(__file__).parent
NOT_THERE = say("There is no such page.")
TEMPLATES = (HERE / "templates", HERE / "admin" / "templates")


class Pages:
    """Renders the templates for one company."""

    def __init__(self, title: str, places: Sequence[Place] = ()) -> None:
        """``places`` are what the navigation shows besides the chat and the account."""
        self._title = title
        self._navigation = Navigation(places)
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    def page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        /,
        *,
        session: Session | None = None,
        htmx: bool = False,
        **values: Any,
    ) -> HTMLResponse:
        """A page, or the part of one that htmx asked for, as a response.

        Args:
            request: whose language and theme it has.
            template: file in one of the folders of templates.
            status: of the response.
            session: of whoever is signed in; templates see ``principal``, ``csrf`` and ``places``.
            htmx: whether the page works with htmx, which alone may then turn text of ours into markup.
            **values: what the template shows.
        """
        language = language_of(request)
        shared: dict[str, Any] = {"theme": theme_of(request), "here": "", "htmx": htmx, "path": _path(request)}
        if session is not None:
            shared["principal"] = session.principal
            shared["csrf"] = csrf_token(session.token)
            shared["places"] = self._navigation.of(session.principal)
        text = self._environments[language].get_template(template).render(shared | values)
        headers = {"content-language": language, "vary": "accept-language, cookie"}
        if htmx:
            headers["content-security-policy"] = CSP_HTMX
        # Half a character that somebody sent must not take the whole page away.
        return HTMLResponse(text.encode("utf-8", "replace"), status, headers)

    def problem(self, request: Request, status: int, words: Message | str) -> HTMLResponse:
        """A page that says what is wrong, for somebody who went to an address."""
        told = NOT_THERE if status == 404 and not isinstance(words, Message) else words
        return self.page(request, "problem.html", status, words=told)

    def _environment(self, language: Language) -> Environment:
        words = catalogue(language)
        made = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
        made.globals.update(
            title=self._title, static=static, language=language, languages=LANGUAGE_NAMES, script_words=_scripts(words)
        )
        made.filters.update(say=words.say, moment=partial(_moment, language), number=_number_in(language))
        return made


def _path(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def _moment(language: Language, value: datetime) -> Markup:
    """A moment as an element that a script moves into the reader's own time zone."""
    shown = format_datetime(value.astimezone(UTC), "medium", locale=language)
    return Markup('<time datetime="{}" data-moment>{} UTC</time>').format(value.isoformat(), shown)


def _number_in(language: Language) -> Callable[[float], str]:
    return partial(format_decimal, locale=language)


def _scripts(words: Catalogue) -> Markup:
    """What the scripts say, as JSON in which nothing can end the element around it."""
    text = json.dumps(words.scripts, ensure_ascii=False).replace("<", "\\u003c")
    return Markup(text)  # noqa: S704 - our own catalogue, and no "<" in it
