"""Catalogues of translated words, read from their ``.po`` files once a process: nothing has to be compiled before."""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from allotment.gateway.wording._choice import Language
from allotment.gateway.wording._message import Message

LOCALE = Path(__file__).parent / "locale"


class Catalogue:
    """The words of one language. What is not translated stays English."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts: gettext.NullTranslations = gettext.NullTranslations()
        self.scripts: dict[str, str | list[str]] = {}
        """What the pages' scripts say, English → translated; a list of forms where it counts."""
        for file in sorted((LOCALE / language).glob("*.po")):
            self._read(file)

    def _read(self, file: Path) -> None:
        with file.open("rb") as opened:
            read = read_po(opened, locale=self.language)
        compiled = BytesIO()
        write_mo(compiled, read)
        compiled.seek(0)
        texts = gettext.GNUTranslations(compiled)
        texts.add_fallback(self._texts)
        self._texts = texts
        if file.stem.endswith("scripts"):
            self.scripts.update({_first(entry.id): _forms(entry.string) for entry in read if entry.id})

    def gettext(self, text: str) -> str:
        """A text in this language."""
        return self._texts.gettext(text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The form of a text that goes with this number."""
        return self._texts.ngettext(one, many, number)

    def say(self, message: Message | str) -> str:
        """A message in this language; plain words, of a user or a file, stay as they are."""
        if not isinstance(message, Message):
            return message
        if message.plural:
            text = self.ngettext(message.text, message.plural, message.number)
        else:
            text = self.gettext(message.text)
        told = {
            name: self.say(value) if isinstance(value, Message) else value for name, value in message.values.items()
        }
        return text % {**told, "num": message.number}


@cache
def catalogue(language: Language) -> Catalogue:
    """The catalogue of a language."""
    return Catalogue(language)


def _first(ident: Any) -> str:
    return str(ident[0] if isinstance(ident, tuple | list) else ident)


def _forms(string: Any) -> str | list[str]:
    return list(string) if isinstance(string, tuple | list) else str(string)
