"""What ``dataset review`` does: a sitting at a terminal, or a file out and in."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allotment.cli._jsonl import write_lines
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from allotment.dataset import Item
    from allotment.dataset._decisions import Decision
    from allotment.dataset._review import CheckEdit
    from allotment.project import Project


def review(
    run: Run,
    project: Project,
    agent: str,
    chosen: Mapping[str, Any],
    everything: bool | None,
    reviewer: str,
    write_to: Path | None,
    read_from: Path | None,
    check_edit: CheckEdit | None = None,
) -> None:
    """Review on the terminal, or write the pairs, or take decisions from a file.

    Args:
        chosen: filters, the arguments of ``select_pairs``, and ``flagged``: only pairs near to flagged questions.
        everything: whether decided pairs come too; none: in a file and not on a terminal.
        check_edit: what an edit must pass; without it what every edit must.
    """
    from allotment.dataset._decisions import decision_key, load_decisions
    from allotment.dataset._items import load_candidates
    from allotment.dataset._review import edit_fault, select_pairs

    check = check_edit or edit_fault
    candidates = load_candidates(run.workspace(), agent)
    if read_from is not None:
        _import(run, agent, candidates, read_from, reviewer, check, write_to)
        return
    wanted = dict(chosen)
    flags = _flags(run, agent, candidates) if wanted.pop("flagged", False) else None
    pairs = select_pairs([item for item in candidates if flags is None or item.id in flags], **wanted)
    everything = True if flags is not None and everything is None else everything  # a decided pair may be wrong too
    _check_document(chosen.get("document"), candidates)
    if write_to is None and _is_terminal(run):
        _sit(run, project, agent, candidates, pairs, reviewer, check, flags or {}, again=bool(everything))
        return
    decisions = load_decisions(run.workspace(), agent)
    if everything is False:
        pairs = [item for item in pairs if decision_key(item) not in decisions]
    _export(run, pairs, decisions, write_to)


def _flags(run: Run, agent: str, candidates: Sequence[Item]) -> Mapping[str, Sequence[str]]:
    """Pair → approved questions of users it comes near to; what no pair is near to is told."""
    from allotment.dataset._flagged import flagged_pairs
    from allotment.feedback import FeedbackLedger, for_dataset

    questions = {item.text for item in for_dataset(FeedbackLedger(run.workspace()).approved(), agent)}
    found = flagged_pairs(candidates, sorted(questions))
    for text in sorted(questions - {one for near in found.values() for one in near}):
        run.note(f"No pair is near to {text!r}: the dataset does not teach it.")
    return found


def _is_terminal(run: Run) -> bool:
    return not run.json and run.out.isatty() and sys.stdin.isatty()


def _check_document(document: str | None, candidates: Sequence[Item]) -> None:
    known = sorted({item.document for item in candidates if item.document})
    if document is not None and document not in known:
        remedy = f"Documents with pairs: {', '.join(known[:20]) or 'none'}."
        raise ProjectError(f"there is no pair of {document!r}.", element="--document", remedy=remedy)


def _sit(
    run: Run,
    project: Project,
    agent: str,
    candidates: Sequence[Item],
    pairs: Sequence[Item],
    reviewer: str,
    check: CheckEdit,
    flags: Mapping[str, Sequence[str]],
    *,
    again: bool,
) -> None:
    from allotment.cli._dataset_review_terminal import review_on_terminal
    from allotment.dataset._desk import Desk, headings_of
    from allotment.dataset._review import refresh

    desk = Desk(run.workspace(), agent, candidates, pairs, check, reviewer, again, flags)
    try:
        review_on_terminal(run.console(), desk, headings_of(project, run.workspace(), agent))
    finally:
        refresh(run.workspace(), agent)


def _export(run: Run, pairs: Sequence[Item], decisions: Mapping[str, Decision], path: Path | None) -> None:
    from allotment.dataset._decisions import decision_key
    from allotment.dataset._review_file import review_row, write_review

    if path is None:
        write_lines(run, (review_row(item, decisions.get(decision_key(item))) for item in pairs))
        return
    written = write_review(path, pairs, decisions)
    value = {"file": str(path), "pairs": written}
    run.show(value, lambda console: console.print(f"{written} pairs in {path}", markup=False, soft_wrap=True))


def _import(
    run: Run,
    agent: str,
    candidates: Sequence[Item],
    path: Path,
    reviewer: str,
    check: CheckEdit,
    write_to: Path | None,
) -> None:
    from allotment.dataset._review import decide_all, refresh
    from allotment.dataset._review_file import read_review

    if write_to is not None:
        raise ProjectError("goes one way at a time.", element="--export, --import", remedy="Give one of the two.")
    decided = read_review(path, candidates, reviewer=reviewer, check_edit=check)
    news = decide_all(run.workspace(), agent, decided, check_edit=check)
    counts = refresh(run.workspace(), agent)
    found = Counter(decision.outcome for _, decision in decided)
    value = {"read": dict(sorted(found.items())), "new": news, "train": counts.train, "reviewed": counts.reviewed}
    told = ", ".join(f"{count} {name}" for name, count in sorted(found.items())) or "no decision"
    line = f"{told}; {news} of them new. {counts.train} pairs to train on."
    run.show(value, lambda console: console.print(line, markup=False))
