"""How fast documents are read, in how much memory, and how much of each format is kept.

(a) Ingest of a corpus of Markdown files cut from the AutoGen user guide, small and large, and a second run over it.
(b) The same documents in every format, read by the package and by other converters, in one run.

Reads ``../shared/data/autogen-docs`` or the folder given, and writes ``benchmarks/results/documents.json``. The other
converters are installed into a temporary folder with ``--alternatives``, or taken from an interpreter that has them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from document_files import MAKERS, Source, kept, sources

from allotment.documents import ingest
from allotment.documents._extract import extract
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
DOCUMENTS = Path(__file__).parents[2] / "shared" / "data" / "autogen-docs"
PROJECT = """
name: Corpus
roles: {reader: reads}
documents: {corpus: {path: corpus, readers: [reader]}}
agents: {helper: {roles: [reader], documents: [corpus]}}
"""
PACKAGES = {"markitdown": "markitdown[docx,pptx,xlsx,pdf]", "docling": "docling"}
CONVERT = """
import contextlib, json, sys, time
from pathlib import Path
name, folder = sys.argv[1], Path(sys.argv[2])
if name == "markitdown":
    from markitdown import MarkItDown
    one = MarkItDown()
    read = lambda path: one.convert(str(path)).text_content
else:
    from docling.document_converter import DocumentConverter
    one = DocumentConverter()
    read = lambda path: one.convert(path).document.export_to_markdown()
results = {}
with contextlib.redirect_stdout(sys.stderr):
    for path in sorted(folder.iterdir()):
        began = time.perf_counter()
        try:
            text = read(path)
        except Exception as error:
            results[path.name] = {"error": type(error).__name__}
            if len(results) == 1:
                break
            continue
        results[path.name] = {"seconds": time.perf_counter() - began, "text": text}
print(json.dumps(results))
"""


def main() -> None:
    """Run and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, default=DOCUMENTS)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--alternatives", action="store_true", help="install the other converters")
    for name in PACKAGES:
        parser.add_argument(f"--{name}", type=Path, help="an interpreter that has it")
    parser.add_argument("--ingest", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ingest:
        print(json.dumps(measured_ingest(arguments.ingest)))
        return
    if not arguments.documents.is_dir():
        print(f"skipped: there is no folder {arguments.documents}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(arguments, Path(temporary))
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "documents.json"
    target.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures."""
    sizes = sorted({max(1, arguments.files // 10), arguments.files})
    megabytes = arguments.megabytes / arguments.files
    corpora = [corpus_figures(arguments.documents, folder / str(size), size, size * megabytes) for size in sizes]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "ingest": corpora,
        "formats": list(format_figures(arguments, folder)),
    }


def corpus_figures(documents: Path, root: Path, files: int, megabytes: float) -> dict[str, Any]:
    """Ingest of so many files in a process of its own, twice."""
    write_corpus(documents, root / "corpus", files, int(megabytes * 1e6 / files))
    (root / "allotment.yaml").write_text(PROJECT, encoding="utf-8")
    size = sum(path.stat().st_size for path in (root / "corpus").iterdir()) / 1e6
    first, second = (in_own_process(root) for _ in range(2))
    row = {
        "files": files,
        "megabytes": round(size, 1),
        "megabytes_per_second": round(size / first["seconds"], 2),
        **first,
        "second_run": second,
    }
    print(json.dumps(row), flush=True)
    return row


def write_corpus(documents: Path, target: Path, files: int, size: int) -> None:
    """Files of whole lines of the pages, one after another and again from the first; no two are alike."""
    target.mkdir(parents=True)
    pages = [path.read_text(encoding="utf-8") for path in sorted(documents.rglob("*.md"))]
    lines = [line for page in pages for line in page.split("\n") if not line.lstrip().startswith(("```", "~~~"))]
    place = 0
    for number in range(files):
        taken = [f"# Document {number}", ""]
        length = 0
        while length < size - 20:
            taken.append(lines[place % len(lines)])
            length += len(taken[-1].encode()) + 1
            place += 1
        (target / f"{number:06}.md").write_text("\n".join(taken) + "\n", encoding="utf-8")


def in_own_process(root: Path) -> dict[str, Any]:
    """Figures of one ingest, its memory apart from this process's."""
    command = [sys.executable, __file__, "--ingest", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measured_ingest(root: Path) -> dict[str, Any]:
    """One ingest in this process: seconds, counts, and peak memory of it and of its largest worker in MiB."""
    project, workspace = load_project(root), Workspace(root)
    began = time.perf_counter()
    report = ingest(project, workspace)
    seconds = time.perf_counter() - began
    peaks = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    names = ("peak_mib", "largest_worker_peak_mib")
    return {"seconds": round(seconds, 2), **dict(zip(names, peaks, strict=True)), "report": asdict(report)}


def format_figures(arguments: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """A row for each format and reader."""
    documents = sources(arguments.documents)
    interpreters = {name: interpreter(arguments, name, folder) for name in PACKAGES}
    for suffix, make in MAKERS.items():
        target = folder / f"files{suffix}"
        target.mkdir()
        for document in documents:
            (target / f"{document.name}{suffix}").write_bytes(make(document))
        yield row("allotment", suffix, target, documents, own_results(target, suffix))
        for name, python in interpreters.items():
            if isinstance(python, str):
                yield {"format": suffix, "reader": name, "skipped": python}
            else:
                yield row(name, suffix, target, documents, other_results(name, python, target))


def own_results(folder: Path, suffix: str) -> dict[str, Any]:
    """Text and seconds of each file, by the package; the first is read twice, for it loads the libraries."""
    results: dict[str, Any] = {}
    for path in [*sorted(folder.iterdir())[:1], *sorted(folder.iterdir())]:
        began = time.perf_counter()
        text = extract(suffix, path.read_bytes()).text
        results[path.name] = {"seconds": time.perf_counter() - began, "text": text}
    return results


def other_results(name: str, python: Path, folder: Path) -> dict[str, Any]:
    """The same by another converter."""
    done = subprocess.run([str(python), "-c", CONVERT, name, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"": {"error": (done.stderr.strip().splitlines() or ["unknown"])[-1][:200]}}
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


def row(reader: str, suffix: str, folder: Path, documents: list[Source], results: dict[str, Any]) -> dict[str, Any]:
    """Speed and what is kept, over the files that were read."""
    errors = [result["error"] for result in results.values() if "error" in result]
    done = [(document, results[name]) for document in documents if _read(results, name := f"{document.name}{suffix}")]
    figures: dict[str, Any] = {"format": suffix, "reader": reader, "files": len(done)}
    if done:
        size = sum((folder / f"{document.name}{suffix}").stat().st_size for document, _ in done) / 1e6
        seconds = sum(result["seconds"] for _, result in done)
        found = [kept(document, suffix, result["text"]) for document, result in done]
        wholes = [(len(d.titles), len(d.rows), d.words.total()) for d, _ in done]
        figures |= {"megabytes": round(size, 2), "seconds": round(seconds, 2)}
        figures["megabytes_per_second"] = round(size / seconds, 2)
        for index, what in enumerate(("headings_kept", "table_rows_kept", "words_kept")):
            share = sum(one[index] for one in found) / max(1, sum(one[index] for one in wholes))
            figures[what] = round(share, 4)
    if errors:
        figures["failed"] = f"{len(errors)} files: {errors[0]}"
    print(json.dumps(figures), flush=True)
    return figures


def _read(results: dict[str, Any], name: str) -> bool:
    return "text" in results.get(name, {})


def interpreter(arguments: argparse.Namespace, name: str, folder: Path) -> Path | str:
    """One that has the converter, or why there is none."""
    given: Path | None = getattr(arguments, name)
    if given is not None or not arguments.alternatives:
        return given or "not asked for; run with --alternatives"
    home = folder / f"venv-{name}"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", PACKAGES[name]], capture_output=True, check=False)
    return python if done.returncode == 0 else "cannot be installed here"


if __name__ == "__main__":
    main()
