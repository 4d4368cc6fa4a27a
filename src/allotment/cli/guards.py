"""``allotment guards``: what each check says of a question, and how good the checks are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command, group
from allotment.cli._jsonl import read_texts, write_lines
from allotment.cli._names import agent_of, role_principal
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.feedback import LabelledItem
    from allotment.guards import Finding

guards = group("guards", "The checks in front of the models.")

_ROLE = typer.Option(help="The role of the one who asks.")
_AGENT = typer.Option(help="The agent asked; its own checks are carried out as well.")


@command(guards, "check")
def check_text(
    run: Run,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The question to check.")] = None,
    role: Annotated[str | None, _ROLE] = None,
    agent: Annotated[str | None, _AGENT] = None,
    jsonl: Annotated[Path | None, typer.Option(help='File of {"text": ...} lines; writes one line for each.')] = None,
) -> int:
    """Show what each check says of a question.

    Exit code 1 where it is refused; with --jsonl always 0.
    """
    from allotment.guards import Guards

    if (text is None) == (jsonl is None):
        raise ProjectError("give exactly one of TEXT and --jsonl FILE.")
    project = run.project()
    if agent is not None:
        agent_of(project, agent)
    asking = role_principal(project, role)
    checks = Guards(project)
    if jsonl is not None:
        write_lines(run, (_verdict(checks.check(row["text"], asking, agent)) for row in read_texts(jsonl)))
        return 0
    findings = checks.check(str(text), asking, agent)
    rows = [(item.check, item.outcome, f"{item.score:.2f}", item.evidence) for item in findings]
    value = _verdict(findings)
    run.show_table(("check", "outcome", "score", "evidence"), rows, value, "No check had anything to say.")
    return 1 if value["outcome"] == "refuse" else 0


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
) -> None:
    """Show how many texts of each set and label are refused, and by which checks.

    A line of a file is {"text": ..., "label": "benign", "injection" or "impersonation"}; without a label a text is
    taken to be harmless.
    """
    from allotment.guards import Guards
    from allotment.guards.training import evaluate, read_items

    project = run.project()
    if agent is not None:
        agent_of(project, agent)
    asking, checks = role_principal(project, role), Guards(project)
    items = [item for file in files for item in read_items(file, file.name)]
    figures = evaluate(items, lambda text: checks.check(text, asking, agent))
    rows = [
        (one.source, one.label, one.texts, one.refused, f"{one.share:.1%}", _by_check(one.by_check)) for one in figures
    ]
    value = [
        {
            "set": one.source,
            "label": one.label,
            "texts": one.texts,
            "refused": one.refused,
            "share": round(one.share, 4),
            "by_check": one.by_check,
        }
        for one in figures
    ]
    run.show_table(("set", "label", "texts", "refused", "share", "by check"), rows, value, "The files hold no texts.")


def _by_check(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _verdict(findings: list[Finding]) -> dict[str, Any]:
    from allotment.guards import refused

    checks = [{"name": item.check, "outcome": item.outcome, "score": item.score} for item in findings]
    return {"outcome": "refuse" if refused(findings) else "allow", "checks": checks}
