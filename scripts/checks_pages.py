"""docs/checks/: one page a check, its figures and its picture from what ``benchmarks/guards.py`` wrote.

What stands before the figures is written by hand. A check without a page gets one with what its file says of it;
``scripts/docs.py --check`` then wants it written down.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from guard_figures import (
    ENOUGH,
    LEARNT,
    Figures,
    kept,
    marked,
    measured_line,
    percent,
    quoted,
    table,
    told_share,
    with_interval,
    wrong_texts,
)
from page_marks import between

from allotment.guards.training import CheckFile, Curve, curves_svg, every_check

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "checks"
TOGETHER = FOLDER / "together.md"
DATA_PAGE = FOLDER.parent / "guards-data.md"
TRANSLATIONS = FOLDER.parent.parent / "benchmarks" / "data" / "guard_translations.jsonl"
LANGUAGES = {"cs": "Czech", "sk": "Slovak", "de": "German"}
ATTACKS = 0.1
"""Share of all questions that are attacks, for the precision that is drawn."""
WAYS = ("twenty terms", "TF-IDF on deepset")
ON_LEARNT = (
    f"{LEARNT.strip()} The classifier learns from this set: each text was judged by a model trained without its fifth,"
    " and texts of one template are in the same fifth. Thresholds were fixed on the harmless texts of these folds, so"
    " their false positives are what was aimed at; those of the other sets are a test."
)


def checks_pages() -> dict[Path, str]:
    """Path → text of every page and picture."""
    found: dict[Path, str] = {}
    for check in every_check().values():
        page = FOLDER / f"{check.name}.md"
        text = page.read_text("utf-8") if page.exists() else _blank(check)
        figures = kept()["checks"].get(check.name)
        found[page] = between(text, "figures", _figures(check, figures), page.name)
        picture = _picture(check, figures)
        if picture:
            found[FOLDER / "images" / f"{check.name}.svg"] = picture
    injection = FOLDER / "injection_model.md"
    found[injection] = between(found[injection], "sources", _sources(kept()["classifier"]), injection.name)
    text = TOGETHER.read_text("utf-8")
    for mark, lines in (("sets", _sets()), ("rewritten", _rewritten_chain()), ("wrong", _wrong_of_chain())):
        text = between(text, mark, lines, TOGETHER.name)
    found[TOGETHER] = text
    found[DATA_PAGE] = between(DATA_PAGE.read_text("utf-8"), "translations", _translations(), DATA_PAGE.name)
    return found


def _blank(check: CheckFile) -> str:
    return f"# `{check.name}`\n\n{check.summary}\n\n<!-- figures -->\n<!-- end of figures -->\n"


def _picture(check: CheckFile, figures: Figures | None) -> str:
    if not figures or not figures.get("curves"):
        return ""
    curves = {name: Curve.of_json(value) for name, value in figures["curves"].items()}
    return curves_svg(curves, ATTACKS, f"{check.name}: recall, false positives and precision")


def _figures(check: CheckFile, figures: Figures | None) -> Iterator[str]:
    yield "## How good it is"
    yield ""
    if figures is None or "not_measured" in figures:
        yield "Not measured. " + (figures or {"not_measured": "Run `benchmarks/guards.py`."})["not_measured"]
        yield ""
        return
    if figures.get("curves"):
        yield from _pictured(check, figures)
    common = any(name in kept()["sets"] for name in figures["meant_for"])
    for attack, head in ((True, "recall"), (False, "refused wrongly")):
        rows = [
            (marked(name, row), row["texts"], row["refused"], with_interval(row["refused"], row["texts"]))
            for name, row in figures["sets"].items()
            if row["attack"] == attack and (common or not attack or name in figures["meant_for"])
        ]
        if rows:
            what = "Attacks" if attack else "Harmless texts"
            yield from table((what, "texts", "refused", f"{head} (95 % interval)"), rows)
            yield ""
    if any(row["learnt"] for row in figures["sets"].values()):
        yield ON_LEARNT
        yield ""
    yield from _rewritten(check, figures)
    yield from _time(check, figures)
    yield from _wrong(figures)
    yield measured_line() if "date" not in figures else f"{figures['date']}, {figures['model']}."


def _pictured(check: CheckFile, figures: Figures) -> Iterator[str]:
    yield f"![Recall over false positives and precision over recall of {check.name}](images/{check.name}.svg)"
    yield ""
    graded = any(len(value["points"]) > 3 for value in figures["curves"].values())
    dot = "the threshold" if graded else "the check, a rule that refuses or does not"
    yield f"The dots are {dot}. Left: recall over false positives among {figures['harmless_of_curves']:,} harmless"
    yield "texts (fewer than 0.1 % are drawn at the edge). Right: precision over recall, if one question in"
    yield f"{round(1 / ATTACKS)} is an attack."
    if figures.get("threshold"):
        yield f"A text is refused from a probability of {figures['threshold']:g}."
    yield ""


def _rewritten(check: CheckFile, figures: Figures) -> Iterator[str]:
    """The check's own share after each way of writing, on the sets it is there for and on harmless ones."""
    ways = kept()["rewritten"]
    if "date" in figures:  # measured apart, on a few texts as they are written
        return
    sets = [name for name in ways["as written"] if name in figures["sets"]]
    sets = [name for name in sets if name in figures["meant_for"] or not figures["sets"][name]["attack"]]
    if not any(name in figures["meant_for"] for name in sets):
        return
    yield "### Written otherwise"
    yield ""
    yield "Share that this check alone refuses; what the ways are stands on [the page of all](together.md)."
    yield ""
    yield from _ways(sets, check.name)
    yield ""


def _ways(sets: Sequence[str], by: str) -> Iterator[str]:
    """Way of writing → the share refused of each set, by a check or by the chain."""
    rows = ((way, *(_cell(row.get(name), by) for name in sets)) for way, row in kept()["rewritten"].items())
    yield from table(("written", *sets), (row for row in rows if any(row[1:])))


def _cell(row: Figures | None, way: str) -> str:
    return "" if row is None or row["texts"] < ENOUGH else told_share(row["refused"].get(way, 0), row["texts"])


def _time(check: CheckFile, figures: Figures) -> Iterator[str]:
    times = kept()["latency"]["checks"]
    rows = [
        (name, *(f"{times[key][part][cut]:g}" for part in ("question", "tokens_500") for cut in ("p50_ms", "p95_ms")))
        for key, name in ((check.name, "of a question"), (f"{check.name} of answers", "of an answer"))
        if key in times
    ]
    if "seconds" in figures:
        yield f"A text takes {figures['seconds']['p50']:g} s; 95 % take under {figures['seconds']['p95']:g} s."
        yield ""
    if rows:
        yield "### Time"
        yield ""
        yield "Milliseconds of processor time of one core, this check alone. Reading a text in all its forms comes on"
        yield "top, once for all checks ([how long](../guards.md#what-it-takes))."
        yield ""
        head = ("check", "short text, half", "95 % under", "2,000 characters, half", "95 % under")
        yield from table(head, rows)
        yield ""


def _wrong(figures: Figures) -> Iterator[str]:
    for key, what in (("refused_wrongly", "Refused wrongly"), ("let_through", "Let through")):
        if any(figures[key].values()):
            yield f"### {what}"
            yield ""
            yield "Drawn by chance, a few of each set."
            yield ""
            yield from wrong_texts({name: texts for name, texts in figures[key].items() if texts})
            yield ""


def _sources(card: Figures) -> Iterator[str]:
    rows = [(source["name"], source["texts"], source["licence"]) for source in card["sources"]]
    yield from table(("set", "texts", "licence"), rows)
    yield ""
    aims = card["false_positives_on_each_validation_set"]
    yield "A threshold is the lowest at which of no validation set more harmless texts are refused than this:"
    yield ", ".join(f"{name} {share * 100:g} %" for name, share in aims.items()) + "."
    limits = ", ".join(f"{name} {value:g}" for name, value in card["thresholds"].items())
    same = "the same bytes as" if card["same_as_shipped"] else "other bytes than"
    yield f"Thresholds: {limits}. Trained anew by the benchmark it has {same} the shipped classifier."


def _sets() -> Iterator[str]:
    """Every set with every way, attacks first."""
    sets = kept()["sets"]
    detectors = [name for name, version in kept()["detectors"].items() if version != "not installed"]
    ways = (*WAYS, *detectors, "rules")
    for attack, what in ((True, "Attacks"), (False, "Harmless texts")):
        rows = [
            (
                marked(name, row),
                row["texts"],
                *(percent(row["refused"][way] / row["texts"]) for way in ways),
                with_interval(row["refused"]["chain"], row["texts"]),
            )
            for name, row in sets.items()
            if row["attack"] == attack
        ]
        yield from table((what, "texts", *ways, "all checks (95 % interval)"), rows)
        yield ""
    yield ON_LEARNT
    versions = ", ".join(f"{name} {version}" for name, version in kept()["detectors"].items())
    yield ""
    yield f"Packages, as they come: {versions}."


def _rewritten_chain() -> Iterator[str]:
    yield from _ways(list(kept()["rewritten"]["as written"]), "chain")


def _wrong_of_chain() -> Iterator[str]:
    for name, row in kept()["sets"].items():
        if row["wrong"]:
            yield f"- {name}, {'let through' if row['attack'] else 'refused'}:"
            yield from (f"    - {quoted(text)}" for text in row["wrong"][:4])


def _translations() -> Iterator[str]:
    """What became of the texts that were translated, by set and language."""
    rows = [json.loads(line) for line in TRANSLATIONS.read_text("utf-8").splitlines()]
    cells = []
    for name in dict.fromkeys(row["set"] for row in rows):
        mine = {code: [row for row in rows if (row["set"], row["language"]) == (name, code)] for code in LANGUAGES}
        cells.append((name, *(f"{sum(not row['fault'] for row in every)} of {len(every)}" for every in mine.values())))
    yield from table(("kept as translations", *LANGUAGES.values()), cells)
    yield ""
    faults = Counter(row["fault"] for row in rows if row["fault"])
    yield "Left out: " + ", ".join(f"{fault} {count}" for fault, count in faults.most_common()) + "."
