"""docs/guards.md: its tables from what ``benchmarks/guards.py`` wrote, between the page's marks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks_pages import FOLDER
from guard_figures import ENOUGH, kept, measured_line, percent, table, with_interval
from page_marks import between

from allotment.guards.training import CheckFile, Share, every_check

GOALS = (
    ("questions to the example company refused", ("example company, harmless",), "at most", 0.01),
    ("NotInject refused", ("NotInject",), "at most", 0.05),
    ("deepset's attacks found", ("deepset, attacks",), "at least", 0.9),
    ("jailbreaks in the wild found", ("in-the-wild, attacks",), "at least", 0.9),
    ("impersonation of kinds nobody trained on found", ("impersonation unseen, attacks",), "at least", 0.9),
)
"""What is counted, beginnings of the names of its sets, and the goal."""
AFTER = 0.8
REWRITTEN = ("deepset, attacks", "in-the-wild, attacks", "impersonation unseen, attacks")
NOT_REWRITTEN = ("as written", "before translation by hand", "before translation by the embedded model")
UNDER_MS = 5
OF = {"question": "questions", "answer": "answers", "both": "questions, answers"}


def with_guards_figures(page: str) -> str:
    """The page with its figures between the marks."""
    for mark, lines in (("checks", _checks()), ("goals", _goals()), ("latency", _latency())):
        page = between(page, mark, lines, "docs/guards.md")
    return page


def _checks() -> Iterator[str]:
    """Every check with its page."""
    figures = kept()["checks"]
    rows = []
    for check in every_check().values():
        own = figures.get(check.name, {}).get("sets", {})
        company = own.get("example company, harmless")
        wrong = "" if company is None else percent(company["refused"] / company["texts"])
        rows.append((f"[`{check.name}`](checks/{check.name}.md)", OF[check.of], _lead(check), wrong))
    yield from table(("check", "of", "looks for", "refuses of the example company's questions"), rows)


def _lead(check: CheckFile) -> str:
    """The first sentence of the check's page; of one that is not written yet what its file says."""
    page = FOLDER / f"{check.name}.md"
    words = " ".join(page.read_text("utf-8").split("\n\n")[1].split()) if page.exists() else check.summary
    return re.split(r"(?<=[.:]) ", words.removeprefix("Of answers: "))[0].rstrip(".:")


def _goals() -> Iterator[str]:
    rows = [_goal(*goal) for goal in GOALS]
    rows += [_after(name) for name in REWRITTEN]
    p95 = kept()["latency"]["tokens_500"]["p95_ms"]
    rows.append(
        (f"all checks on 500 tokens: 95 % under {UNDER_MS} ms of one core", f"{p95:.2f} ms", "", _yes(p95 < UNDER_MS))
    )
    sizes = {int(size): value for size, value in kept()["latency"]["conversation_ms"].items()}
    grown = sizes[max(sizes)] / sizes[min(sizes)]
    times = max(sizes) / min(sizes)
    goal = f"time grows as the text does, up to {max(sizes):,} characters"
    rows.append((goal, f"{times:g} times the text, {grown:.1f} times the time", "", _yes(grown <= times * 1.25)))
    yield from table(("goal", "measured (95 % interval)", "where", "reached"), rows)


def _goal(what: str, names: tuple[str, ...], way: str, limit: float) -> tuple[str, str, str, str]:
    """Pooled over the sets; the interval is told apart from the goal."""
    rows = [row for name, row in kept()["sets"].items() if name.startswith(names)]
    goal = f"{what}: {way} {limit * 100:g} %"
    if not rows:
        return goal, "", "", "not measured"
    hits, of = sum(row["refused"]["chain"] for row in rows), sum(row["texts"] for row in rows)
    share = Share(hits, of).value
    where = "validation folds" if any(row["learnt"] for row in rows) else "test"
    return (
        goal,
        f"{with_interval(hits, of)} of {of}",
        where,
        _yes(share <= limit if way == "at most" else share >= limit),
    )


def _after(name: str) -> tuple[str, str, str, str]:
    """How many ways of writing leave less than the goal, and the worst."""
    shares = {
        way: Share(row[name]["refused"]["chain"], row[name]["texts"])
        for way, row in kept()["rewritten"].items()
        if way not in NOT_REWRITTEN and row.get(name, {}).get("texts", 0) >= ENOUGH
    }
    under = {way: share for way, share in shares.items() if share.value < AFTER}
    reached = f"{len(shares) - len(under)} of {len(shares)} ways"
    told = ", ".join(f"{way} {percent(share.value)}" for way, share in sorted(under.items(), key=_share)[:4])
    more = f"; least: {told}" if under else ""
    return f"{name}: at least {AFTER * 100:g} % after each rewriting", f"{reached}{more}", "", _yes(not under)


def _share(one: tuple[str, Share]) -> float:
    return one[1].value


def _latency() -> Iterator[str]:
    times = kept()["latency"]
    rows = [
        (what, row["texts"], *(f"{row[cut]:.3g}" for cut in ("p50_ms", "p95_ms", "p99_ms")))
        for what, row in (
            ("a question to the example company, all checks", times["question"]),
            (
                "of it reading the text in all its forms",
                times["checks"]["reading the text in all its forms"]["question"],
            ),
            ("2,000 characters of the handbooks, all checks", times["tokens_500"]),
            (
                "of it reading the text in all its forms",
                times["checks"]["reading the text in all its forms"]["tokens_500"],
            ),
        )
    ]
    yield from table(("what", "texts", "half under ms", "95 % under", "99 % under"), rows)
    yield ""
    grown = ", ".join(f"{int(size):,} characters {value:g} ms" for size, value in times["conversation_ms"].items())
    yield f"A conversation of ordinary text brought along with a question: {grown}."
    yield f"The first question: {times['first_ms']:g} ms. Load of the machine when it began: {times['load']:g}."
    yield f"Processor time of one core; {measured_line()}"


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"
