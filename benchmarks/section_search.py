"""Does the search of sections find the right one, and how fast, beside plainer ways over the same sections.

The 200 passages of ``../shared/data/squad200`` (or the folder given) are ingested as documents, and each of their 974
questions is asked; right is the passage it was written for. Then the same questions at larger sizes, the rest made of
sentences of the same passages, for the time alone. Writes ``benchmarks/results/section_search.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg

from allotment.access import Grant, Policy, Principal, Request
from allotment.agents import SupportIndex
from allotment.agents._support import _rank, _words
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases
from allotment.databases.postgres._server import account_dsn
from allotment.databases.sections._fence import account_of
from allotment.databases.sections._schema import DATABASE
from allotment.documents import Section, ingest, load_sections
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
SQUAD = Path(__file__).parents[2] / "shared" / "data" / "squad200"
SIZES = (200, 2_000, 20_000)
MOST_HIDDEN = 2_000
TIMED_QUESTIONS = 200
TIMED_ILIKE = 20
SECTIONS_IN_FILE = 20
HIDDEN_ROUNDS = {"planned": 500, "without_indexes": 20}
SEED = 7

PROJECT = """
name: Passages
roles: {reader: asks, keeper: keeps what readers may not see}
documents: {open: {path: open, readers: [reader, keeper]}, shut: {path: shut, readers: [keeper]}}
agents: {desk: {roles: [reader], documents: [open]}}
"""
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

Found = Callable[[str], list[str]]
"""Question → ids of sections, best first."""


@dataclass(frozen=True)
class Question:
    """A question, and the heading of the passage it was written for."""

    text: str
    heading: str


@dataclass(frozen=True)
class Bench:
    """Ingested sections behind a running server, and who may search them."""

    databases: Databases
    grant: Grant
    sections: list[Section]
    ingest_s: float
    sync_s: float
    again_s: float
    edited_s: float


def passages(folder: Path) -> tuple[list[tuple[str, str]], list[Question]]:
    """Headings and texts, and all questions; a heading's number keeps passages of one article apart."""
    raw = json.loads((folder / "squad200.json").read_text(encoding="utf-8"))
    texts = [(f"{item['title']} {number}", item["context"]) for number, item in enumerate(raw)]
    asked = [
        Question(question["question"], heading)
        for (heading, _), item in zip(texts, raw, strict=True)
        for question in item["questions"]
    ]
    return texts, asked


def enlarged(texts: list[tuple[str, str]], size: int) -> list[tuple[str, str]]:
    """So many texts: the passages, then new ones made of five of their sentences each."""
    chance = random.Random(SEED)
    sentences = [sentence for _, text in texts for sentence in _SENTENCE.split(text)]
    more = range(len(texts), size)
    return [*texts, *((f"Made {number}", " ".join(chance.sample(sentences, 5))) for number in more)]


def write(folder: Path, texts: Sequence[tuple[str, str]]) -> None:
    """As Markdown files of some sections each."""
    folder.mkdir(parents=True)
    for start in range(0, len(texts), SECTIONS_IN_FILE):
        parts = [f"# {heading}\n\n{text}\n" for heading, text in texts[start : start + SECTIONS_IN_FILE]]
        (folder / f"{start:05}.md").write_text("\n".join(parts), encoding="utf-8")


@contextmanager
def opened(texts: Sequence[tuple[str, str]]) -> Iterator[Bench]:
    """A project of these texts, and up to 2,000 more that the searching role may not read."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "allotment.yaml").write_text(PROJECT, encoding="utf-8")
        write(root / "open", texts)
        write(root / "shut", [(f"Shut {heading}", text) for heading, text in texts[:MOST_HIDDEN]])
        project, workspace = load_project(root), Workspace(root)
        _, ingest_s = timed(lambda: ingest(project, workspace))
        with Databases(project, workspace) as databases:
            with AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor") as audit:
                audit.migrate(databases.admin_dsn())
                request, asking = Request("desk", search=True), Principal("reader", "reader")
                grant = authorize(audit, Policy.of(project), asking, request, question="benchmark")
                _, sync_s = timed(databases.sections.sync)
                _, again_s = timed(databases.sections.sync)
                with (root / "open" / "00000.md").open("a", encoding="utf-8") as file:
                    file.write("\nOne more sentence, so that one section of this file is other than before.\n")
                ingest(project, workspace)
                _, edited_s = timed(databases.sections.sync)
                sections = [section for section in load_sections(workspace) if section.document_set == "open"]
                yield Bench(databases, grant, sections, ingest_s, sync_s, again_s, edited_s)
            databases.server.remove()


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and the seconds it takes."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def searched(bench: Bench) -> Found:
    """The search as the chain uses it."""
    return lambda question: [hit.section_id for hit in bench.databases.sections.search(bench.grant, question, limit=5)]


def by_support_index(bench: Bench) -> Found:
    """The index that finds an answer's source, in memory, asked without an answer."""
    index = SupportIndex(bench.sections)

    def find(question: str) -> list[str]:
        asked = _words(question)
        found = sorted((index._support(one, asked, frozenset()) for one in index._sentences), key=_rank, reverse=True)
        return list(dict.fromkeys(support.section.id for support in found))[:5]

    return find


def by_plain_bm25(bench: Bench) -> Found:
    """BM25 in memory over words as they are written, lower case."""
    texts = {one.id: Counter(plain_words(" ".join(one.heading_path) + " " + one.text)) for one in bench.sections}
    sizes = {name: counts.total() for name, counts in texts.items()}
    mean = sum(sizes.values()) / len(sizes)
    entries: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, counts in texts.items():
        for word, count in counts.items():
            entries[word].append((name, count))

    def find(question: str) -> list[str]:
        scores: defaultdict[str, float] = defaultdict(float)
        for word in set(plain_words(question)):
            found = entries.get(word, [])
            weight = log(1 + (len(texts) - len(found) + 0.5) / (len(found) + 0.5))
            for name, count in found:
                scores[name] += weight * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * sizes[name] / mean))
        return sorted(scores, key=scores.__getitem__, reverse=True)[:5]

    return find


def plain_words(text: str) -> list[str]:
    """Words in lower case."""
    return _WORD.findall(text.lower())


def by_ilike(bench: Bench, owner: psycopg.Connection[Any]) -> Found:
    """So many of the question's longer words are parts of the section: what is written without full text."""
    count = "(SELECT count(*) FROM unnest(%s::text[]) w WHERE body ILIKE w OR heading ILIKE w)"
    query = f"SELECT id FROM section WHERE readers = '/keeper/reader/' ORDER BY {count} DESC, id LIMIT 5"

    def find(question: str) -> list[str]:
        words = [f"%{word}%" for word in set(plain_words(question)) if len(word) > 3]
        return [row[0] for row in owner.execute(query, [words]).fetchall()]

    return find


def by_ts_rank(bench: Bench, owner: psycopg.Connection[Any]) -> Found:
    """PostgreSQL's own ranking of the same stems, headings weighted, any word is enough."""
    owner.execute(
        "CREATE TEMP TABLE ranked AS SELECT id, setweight(to_tsvector('english', heading), 'A')"
        " || to_tsvector('english', body) AS words FROM section WHERE readers = '/keeper/reader/'"
    )
    matching = "SELECT id FROM ranked, to_tsquery('simple', %s) q WHERE words @@ q"
    query = f"{matching} ORDER BY ts_rank_cd(words, q, 1) DESC LIMIT 5"

    def find(question: str) -> list[str]:
        rows = owner.execute("SELECT quote_literal(lexeme) FROM unnest(to_tsvector('english', %s))", [question])
        return [row[0] for row in owner.execute(query, [" | ".join(row[0] for row in rows.fetchall())]).fetchall()]

    return find


def recall(find: Found, bench: Bench, asked: Sequence[Question]) -> dict[str, float]:
    """Share of questions whose passage is among the first, and the time of one."""
    heading = {section.id: section.heading_path[-1] for section in bench.sections}
    places: Counter[int] = Counter()
    seconds: list[float] = []
    for question in asked:
        found, took = timed(lambda text=question.text: find(text))
        seconds.append(took)
        names = [heading[name] for name in found]
        if question.heading in names:
            places[names.index(question.heading)] += 1
    at = {f"recall_at_{k}": round(sum(places[place] for place in range(k)) / len(asked), 3) for k in (1, 3, 5)}
    return {**at, **spread(seconds)}


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile, in milliseconds."""
    cuts = quantiles(seconds, n=20)
    return {"p50_ms": round(1000 * cuts[9], 1), "p95_ms": round(1000 * cuts[18], 1)}


def coverage(bench: Bench, asked: Sequence[Question]) -> dict[str, Any]:
    """How much of a question its own passage covers, and how much the best other one."""
    heading = {section.id: section.heading_path[-1] for section in bench.sections}
    right: list[float] = []
    other: list[float] = []
    for question in asked:
        hits = bench.databases.sections.search(bench.grant, question.text, limit=5)
        right += [hit.coverage for hit in hits if heading[hit.section_id] == question.heading][:1]
        other += [hit.coverage for hit in hits if heading[hit.section_id] != question.heading][:1]
    return {"right": tenths(right), "best_other": tenths(other)}


def tenths(values: Sequence[float]) -> list[float]:
    """The nine cuts that make ten equal parts."""
    return [round(cut, 2) for cut in quantiles(values, n=10)]


def hidden_words(bench: Bench) -> dict[str, Any]:
    """Whether the time tells of a word that only hidden sections have, all of them, from one that none has.

    Asked on the account's own login without any code of the search: as the server plans it, and with its indexes
    switched off, which the account may do.
    """
    dsn = account_dsn(bench.databases.server, account_of("desk"), DATABASE)
    found: dict[str, Any] = {}
    with psycopg.connect(dsn, autocommit=True) as login:
        for name, indexes in (("planned", "on"), ("without_indexes", "off")):
            for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
                login.execute(f"SET enable_{kind} = {indexes}".encode())
            seconds: dict[str, list[float]] = {"shut": [], "absentee": []}
            for _ in range(HIDDEN_ROUNDS[name]):
                for word, taken in seconds.items():
                    query = f"SELECT section FROM public.posting WHERE word = 'english:{word}'"
                    taken.append(timed(lambda text=query: login.execute(text.encode(), prepare=False).fetchall())[1])
            hidden, absent = (median(taken) for taken in seconds.values())
            found[name] = {"hidden_ms": 1000 * hidden, "absent_ms": 1000 * absent, "ratio": round(hidden / absent, 3)}
    return found


def at_size(size: int, texts: list[tuple[str, str]], asked: list[Question]) -> dict[str, Any]:
    """Times at one size; recall where nothing but the passages is there."""
    few = random.Random(SEED).sample(asked, TIMED_QUESTIONS)
    with opened(enlarged(texts, size)) as bench:
        found: dict[str, Any] = {
            "sections": len(bench.sections),
            "hidden_sections": min(size, MOST_HIDDEN),
            "ingest_s": round(bench.ingest_s, 1),
            "first_sync_s": round(bench.sync_s, 1),
            "unchanged_sync_s": round(bench.again_s, 2),
            "one_file_edited_sync_s": round(bench.edited_s, 2),
        }
        search = searched(bench)
        found["search"] = spread([timed(lambda text=one.text: search(text))[1] for one in few])
        found["hidden_words"] = hidden_words(bench)
        with psycopg.connect(bench.databases.server.dsn(user="allotment_admin", database=DATABASE)) as owner:
            ilike = by_ilike(bench, owner)
            found["ilike"] = spread([timed(lambda text=one.text: ilike(text))[1] for one in few[:TIMED_ILIKE]])
            if size == SIZES[0]:
                ways = {
                    "search": search,
                    "support_index": by_support_index(bench),
                    "bm25_plain_words": by_plain_bm25(bench),
                    "ts_rank_cd": by_ts_rank(bench, owner),
                    "ilike": ilike,
                }
                found["recall"] = {name: recall(find, bench, asked) for name, find in ways.items()}
                found["coverage"] = coverage(bench, few)
        return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SQUAD)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    arguments = parser.parse_args()
    texts, asked = passages(arguments.folder)
    report: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0], "system": platform.platform()},
        "questions": len(asked),
        "embeddings": "none: no embedding model is in the catalogue",
        "sizes": [],
    }
    RESULTS.mkdir(exist_ok=True)
    for size in arguments.sizes:
        report["sizes"].append(at_size(size, texts, asked))
        (RESULTS / "section_search.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
