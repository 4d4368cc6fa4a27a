"""``allotment guards``: what each check says of a question, and how good the checks are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command, group
from allotment.cli._checks import open_checks
from allotment.cli._jsonl import read_texts, write_lines
from allotment.cli._names import agent_of, role_principal
from allotment.cli._run import Run, to_json
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from allotment.feedback import LabelledItem
    from allotment.guards import Finding
    from allotment.guards.training import Curve, SetFigures

guards = group("guards", "The checks in front of the models and behind them.")

_ATTACKS = 0.1
"""Share of all questions that are taken for attacks where a precision is drawn."""
_ROLE = typer.Option(help="The role of the one who asks.")
_AGENT = typer.Option(help="The agent asked; its own checks are carried out as well.")


@command(guards, "check")
def check_text(
    run: Run,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The question to check.")] = None,
    role: Annotated[str | None, _ROLE] = None,
    agent: Annotated[str | None, _AGENT] = None,
    jsonl: Annotated[Path | None, typer.Option(help='File of {"text": ...} lines; writes one line for each.')] = None,
    answer: Annotated[bool, typer.Option("--answer", help="Check the text as an answer to this role.")] = False,
) -> int:
    """Show what each check says of a question, or of an answer.

    Exit code 1 where it is refused; with --jsonl always 0.
    """
    if (text is None) == (jsonl is None):
        raise ProjectError("give exactly one of TEXT and --jsonl FILE.")
    project = run.project()
    if agent is not None:
        agent_of(project, agent)
    asking = role_principal(project, role)
    with open_checks(run, project) as checks:
        found = checks.answer if answer else checks.question
        if jsonl is not None:
            write_lines(run, (_verdict(found(row["text"], asking, agent)) for row in read_texts(jsonl)))
            return 0
        findings = found(str(text), asking, agent)
    rows = [(item.check, item.outcome, f"{item.score:.2f}", item.evidence) for item in findings]
    value = _verdict(findings)
    run.show_table(("check", "outcome", "score", "evidence"), rows, value, "No check had anything to say.")
    return 1 if value["outcome"] == "refuse" else 0


@command(guards, "seal")
def seal_folder(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a classifier in transformers' format.")],
) -> None:
    """Print the seal over a classifier's folder, for guards.hub_classifier.sha256.

    Whoever writes it into allotment.yaml says that the files are what he wants; another seal stops the gateway.
    """
    from allotment.guards import folder_seal

    seal = folder_seal(folder)
    run.show({"sha256": seal}, lambda console: console.print(seal))


@command(guards, "train")
def train_classifier(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with the public sets.")],
    out: Annotated[Path, typer.Option(help="Folder for classifier.npz and classifier.json.")],
    documents: Annotated[list[Path] | None, typer.Option(help="Folder of .md and .srt files: ordinary text.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything that is drawn. Default: the package's.")] = None,
) -> None:
    """Train the question classifier: the same data and seed give the same files.

    FOLDER holds the public sets; the templates that come with the package are always learnt. In a project, so are the
    approved items of `allotment feedback` that every role may read. A project uses the result by guards.classifier in
    allotment.yaml.
    """
    from allotment.guards.training import (
        SEED,
        TEXTS,
        feedback_source,
        impersonation_source,
        own_sources,
        public_sources,
        sentences_of,
        train,
    )

    drawn = SEED if seed is None else seed
    sources = [*own_sources(TEXTS, drawn), *public_sources(folder)]
    sources += [sentences_of(each) for each in documents or ()]
    claims = impersonation_source()
    sources += [claims] if claims is not None else []
    sources += [feedback_source(items)] if (items := _approved(run)) else []
    trained = train(sources, drawn, run.note)
    trained.write(out)
    rows = [(source["name"], source["texts"], source["licence"]) for source in trained.card["sources"]]
    run.show_table(("set", "texts", "licence"), rows, trained.card, "Nothing was learnt.")


def _approved(run: Run) -> list[LabelledItem]:
    """What people approved for the guards of this project, if there is one, and everybody may read."""
    from allotment.feedback import FeedbackLedger, for_guards
    from allotment.project import PROJECT_FILE

    if not (run.folder / PROJECT_FILE).is_file():
        return []
    items, left_out = for_guards(FeedbackLedger(run.workspace()).approved(), run.project().roles)
    run.note(f"Approved items of users' feedback: {len(items)}.")
    if left_out:
        run.note(f"{left_out} more are left out: not every role may read them. `allotment feedback approve --everyone`"
                 " says that a text may be learnt by what all roles use.")  # fmt: skip
    return items


@command(guards, "evaluate")
def evaluate_checks(
    run: Run,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Labelled texts, JSON lines or CSV.")],
    role: Annotated[str | None, _ROLE] = None,
    agent: Annotated[str | None, _AGENT] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for each check's curves: CHECK.svg, curves.json.")] = None,
) -> None:
    """Show how many texts of each set and label are refused, and by which checks.

    A line of a file is {"text": ..., "label": "benign", "injection" or "impersonation"}; without a label a text is
    taken to be harmless. The interval is where the share lies with 95 % certainty for texts like these. With --plots
    each check that had something to say gets its curves: recall over false positives, and precision over recall.
    """
    from allotment.guards.training import by_set, curves_by_check, judge, read_items

    project = run.project()
    if agent is not None:
        agent_of(project, agent)
    asking = role_principal(project, role)
    items = [item for file in files for item in read_items(file, file.name)]
    with open_checks(run, project) as checks:
        judged = judge(items, lambda text: checks.question(text, asking, agent))
    if plots is not None:
        _write_curves(run, plots, curves_by_check(judged))
    figures = by_set(judged)
    columns = ("set", "label", "texts", "refused", "share", "interval", "by check")
    run.show_table(
        columns, [_row(one) for one in figures], [_value(one) for one in figures], "The files hold no texts."
    )


def _row(one: SetFigures) -> tuple[object, ...]:
    low, high = one.interval
    share, between = f"{one.share:.1%}", f"{low:.1%} to {high:.1%}"
    by_check = ", ".join(f"{name} {count}" for name, count in one.by_check.items())
    return one.source, one.label, one.texts, one.refused, share, between, by_check


def _value(one: SetFigures) -> dict[str, Any]:
    return {
        "set": one.source,
        "label": one.label,
        "texts": one.texts,
        "refused": one.refused,
        "share": round(one.share, 4),
        "interval": [round(end, 4) for end in one.interval],
        "by_check": one.by_check,
    }


def _write_curves(run: Run, folder: Path, curves: Mapping[str, Mapping[str, Curve]]) -> None:
    """One picture a check, and all curves as JSON; files of the same names are written over."""
    from allotment.guards.training import curves_svg

    if not curves:
        run.note("No curves: they need attacks and harmless texts, and a check that has something to say of them.")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for check, of_sets in curves.items():
        picture = curves_svg(of_sets, _ATTACKS, f"{check}: recall, false positives and precision")
        (folder / f"{check}.svg").write_text(picture, encoding="utf-8")
    values = {check: {name: one.as_json() for name, one in of_sets.items()} for check, of_sets in curves.items()}
    (folder / "curves.json").write_text(to_json(values) + "\n", encoding="utf-8")
    run.note(f"{len(curves)} pictures and curves.json in {folder}")


def _verdict(findings: list[Finding]) -> dict[str, Any]:
    from allotment.guards import refused

    checks = [{"name": item.check, "outcome": item.outcome, "score": item.score} for item in findings]
    return {"outcome": "refuse" if refused(findings) else "allow", "checks": checks}
