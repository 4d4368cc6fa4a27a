"""Brings the tables to what was read of the documents: in one transaction, and only what is other than before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from allotment.databases.sections._text import configuration_of, pieces, storable
from allotment.documents import DocumentRecord, Section
from allotment.workspace import hash_json

if TYPE_CHECKING:
    from allotment.dataset import Embedder

HEADING_WEIGHT = 2
"""A word of a heading counts as so many of the text."""
_BATCH = 256
_EMBEDDED_CHARACTERS = 8000
"""Of a section at most so many are given to the embedding model."""

_INTO = "COPY incoming (key, id, document, heading, body, configuration, readers, source, words, embedding) FROM STDIN"

_COUNTED = """CREATE TEMP TABLE counted ON COMMIT DROP AS
    SELECT p.section, p.configuration || ':' || w.lexeme AS word,
      sum(cardinality(w.positions) * p.weight)::real AS frequency, sum(cardinality(w.positions)) AS times
    FROM piece p, unnest(to_tsvector(p.configuration::regconfig, p.text)) w GROUP BY 1, 2"""

_SECTIONS = """INSERT INTO public.section
    SELECT i.key, i.id, i.document, i.heading, i.body, i.configuration, i.readers, i.source,
      coalesce((SELECT sum(c.times) FROM counted c WHERE c.section = i.key), 0), i.embedding FROM incoming i"""

_POSTINGS = """INSERT INTO public.posting (readers, word, section, frequency, words)
    SELECT s.readers, c.word, c.section, c.frequency, s.words FROM counted c JOIN public.section s ON s.key = c.section
    ORDER BY 1, 2, 3"""

_READER_SETS = """INSERT INTO public.reader_set (readers, configuration, sections, words, digest)
    SELECT s.readers, s.configuration, count(*), sum(s.words), %s::jsonb ->> s.readers FROM public.section s
    GROUP BY s.readers, s.configuration"""

Admin = Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class SyncReport:
    """What a sync changed; all zero but ``unchanged`` where the table was as the documents are."""

    written: int
    """Sections that are new, have other words or other readers."""
    removed: int
    """Sections that are not there any more."""
    unchanged: int


@dataclass(frozen=True)
class _Row:
    key: int
    section: Section
    readers: str
    source: str

    @property
    def heading(self) -> str:
        return " › ".join(self.section.heading_path)

    @property
    def text(self) -> str:
        return self.section.with_header


def readers_text(readers: Iterable[str]) -> str:
    """Roles as one text, ``/director/sales/``: it can be compared in an index, and a role is found between strokes."""
    return "".join(f"/{role}" for role in sorted(readers)) + "/"


def synchronise(
    admin: Admin, sections: Iterable[Section], digests: Mapping[str, str], embedder: Embedder | None
) -> SyncReport:
    """Write what is new, take away what is gone, and note what the tables are made from; all of it or nothing.

    Args:
        admin: the owner's connection.
        sections: all sections of the last ingest; those without readers are nobody's and are left out.
        digests: readers as ``readers_text`` → hash of what was read for them.
        embedder: gives each section a vector; none leaves them out.

    Raises:
        EngineError: the embedding model does not answer; the tables are as before.
    """
    model = embedder.name if embedder else None
    with admin.transaction():
        known: dict[int, str] = dict(admin.execute("SELECT key, source FROM public.section").fetchall())
        admin.execute("CREATE TEMP TABLE incoming (LIKE public.section) ON COMMIT DROP")
        admin.execute(
            "CREATE TEMP TABLE piece (section bigint, configuration text, weight int, text text) ON COMMIT DROP"
        )
        wanted: dict[int, str] = {}
        rows = (_row(section, model) for section in sections if section.readers)
        while batch := list(islice(rows, _BATCH)):
            wanted.update((row.key, row.source) for row in batch)
            _stage(admin, [row for row in batch if known.get(row.key) != row.source], embedder)
        unchanged = sum(known.get(key) == source for key, source in wanted.items())
        if unchanged != len(known) or unchanged != len(wanted):
            _replace(admin, [key for key, source in known.items() if wanted.get(key) != source])
        admin.execute("DELETE FROM public.reader_set")
        admin.execute(_READER_SETS, [json.dumps(dict(digests))])
    return SyncReport(len(wanted) - unchanged, len(known.keys() - wanted.keys()), unchanged)


def _replace(admin: Admin, gone: list[int]) -> None:
    admin.execute("DELETE FROM public.posting WHERE section = ANY (%s)", [gone])
    admin.execute("DELETE FROM public.section WHERE key = ANY (%s)", [gone])
    admin.execute(_COUNTED)
    admin.execute("CREATE INDEX ON counted (section)")
    admin.execute(_SECTIONS)
    admin.execute(_POSTINGS)
    admin.execute("ANALYZE public.section, public.posting")


def _stage(admin: Admin, rows: list[_Row], embedder: Embedder | None) -> None:
    if not rows:
        return
    vectors = _vectors(rows, embedder)
    with admin.cursor().copy(_INTO) as copy:
        for row, vector in zip(rows, vectors, strict=True):
            section = row.section
            texts = [storable(text) for text in (section.id, section.document, row.heading, row.text)]
            copy.write_row((row.key, *texts, configuration_of(section.language), row.readers, row.source, 0, vector))
    with admin.cursor().copy("COPY piece (section, configuration, weight, text) FROM STDIN") as copy:
        for row in rows:
            for piece in _pieces(row):
                copy.write_row(piece)


def _pieces(row: _Row) -> Iterator[tuple[int, str, int, str]]:
    configuration = configuration_of(row.section.language)
    for text, weight in ((row.heading, HEADING_WEIGHT), (row.text, 1)):
        for piece in pieces(text, configuration):
            yield row.key, configuration, weight, piece


def _vectors(rows: list[_Row], embedder: Embedder | None) -> list[str | None]:
    if embedder is None:
        return [None] * len(rows)
    vectors = embedder.embed([f"{row.heading}\n{row.text}"[:_EMBEDDED_CHARACTERS] for row in rows])
    return [vector_text(vector.tolist()) for vector in vectors]


def vector_text(values: Iterable[float]) -> str:
    """Numbers as ``vector`` reads them."""
    return "[" + ",".join(f"{value:.7g}" for value in values) + "]"


def _row(section: Section, model: str | None) -> _Row:
    readers = readers_text(section.readers)
    made_from = [section.document, section.heading_path, section.with_header, section.language, readers, model]
    digest = sha256(json.dumps([section.id, made_from]).encode("ascii")).hexdigest()
    return _Row(_key_of(section.id), section, readers, digest)


def _key_of(section_id: str) -> int:
    return int.from_bytes(sha256(section_id.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)


def digests_of(records: Iterable[DocumentRecord], model: str | None) -> dict[str, str]:
    """What the tables should be made from: readers as ``readers_text`` → hash of their documents and of the model."""
    documents: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        if record.sections and record.readers:
            documents.setdefault(readers_text(record.readers), []).append((record.path, record.rows_sha256))
    return {readers: hash_json([model, sorted(files)]) for readers, files in documents.items()}
