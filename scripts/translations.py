"""Bring the catalogues in line with what the pages say: `python scripts/translations.py [--check]`.

Every text of the source, the templates and the scripts gets its place in a catalogue (`gateway/wording/locale`); texts
that are gone leave it. `--check` writes nothing and fails if a catalogue is not in line, or a text is not translated.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
GATEWAY = ROOT / "src" / "allotment" / "gateway"
LOCALE = GATEWAY / "wording" / "locale"
LANGUAGES = ("cs",)
JINJA = {"trimmed": "false", "trim_blocks": "true", "lstrip_blocks": "true"}
METHODS = {".py": "python", ".html": "jinja2", ".js": "javascript"}
KEYWORDS = {"say": None, "say_many": (1, 2), "_": None, "gettext": None, "ngettext": (1, 2), "t": None, "nt": (1, 2)}
WIDTH = 120


def catalogue_of(file: Path) -> str:
    """The catalogue a file's texts belong to: the administration has its own, and so have the scripts."""
    is_admin = bool({"admin", "administration"} & set(file.relative_to(GATEWAY).parts))
    scripts = file.suffix == ".js"
    return {(False, False): "pages", (False, True): "scripts", (True, False): "admin", (True, True): "admin-scripts"}[
        is_admin, scripts
    ]


def files() -> Iterator[Path]:
    """Everything that can say something, in order; what others wrote says nothing of ours."""
    for file in sorted(GATEWAY.rglob("*")):
        if file.suffix in METHODS and "vendor" not in file.parts:
            yield file


def extracted() -> dict[str, Catalog]:
    """Catalogue → all texts of its files, not translated."""
    found: dict[str, Catalog] = {}
    for file in files():
        catalogue = found.setdefault(catalogue_of(file), Catalog())
        options = JINJA if file.suffix == ".html" else {}
        for _line, text, comments, context in extract_from_file(
            METHODS[file.suffix], file, keywords=KEYWORDS, options=options
        ):
            place = (str(file.relative_to(GATEWAY)), 0)
            catalogue.add(text, None, [place], auto_comments=comments, context=context)
    return {name: each for name, each in found.items() if len(each)}


def updated(name: str, language: str, template: Catalog) -> Catalog:
    """The catalogue as it is kept, with the texts there are now and their translations so far."""
    file = LOCALE / language / f"{name}.po"
    catalogue = Catalog(locale=language)
    if file.is_file():
        with file.open("rb") as opened:
            catalogue = read_po(opened, locale=language)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def text_of(catalogue: Catalog) -> bytes:
    """The file: sorted, without dates and line numbers, so that it changes only when words do."""
    for message in catalogue:
        message.locations = [(place, None) for place in dict.fromkeys(place for place, _ in message.locations)]
    catalogue.header_comment = "# Words of the pages. Kept in line by scripts/translations.py."
    catalogue.mime_headers = [
        (key, value)
        for key, value in catalogue.mime_headers
        if key in ("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Language", "Plural-Forms")
    ]
    written = BytesIO()
    write_po(written, catalogue, width=WIDTH, sort_output=True, include_lineno=False, omit_header=True)
    plural = f'msgid ""\nmsgstr ""\n"Language: {catalogue.locale}\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n'
    kind = '"Content-Type: text/plain; charset=utf-8\\n"\n'
    return f"{catalogue.header_comment}\n{plural}{kind}\n".encode() + written.getvalue()


def is_whole(message: Message) -> bool:
    """Whether a text is translated, in all its forms."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(forms) and not message.fuzzy


def faults_of(message: Message, catalogue: Catalog) -> list[str]:
    """What is wrong with the translation of a text."""
    if not message.id:
        return []
    if not is_whole(message):
        return [f"not translated: {message.id!r}"]
    return [f"{message.id!r}: {error}" for error in message.check(catalogue)]


def main() -> int:
    """Write the catalogues, or check them; returns the exit code."""
    check = "--check" in sys.argv[1:]
    faults = []
    templates = extracted()
    for language in LANGUAGES:
        kept = {file.stem for file in (LOCALE / language).glob("*.po")}
        faults += [f"{language}/{name}.po: nothing says any of it" for name in sorted(kept - set(templates))]
        for name, template in templates.items():
            file = LOCALE / language / f"{name}.po"
            catalogue = updated(name, language, template)
            for message in catalogue:
                faults += [f"{language}/{name}.po: {fault}" for fault in faults_of(message, catalogue)]
            text = text_of(catalogue)
            if not check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text)
            elif not file.is_file() or file.read_bytes() != text:
                faults.append(f"{language}/{name}.po: not in line with the source; run scripts/translations.py")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
