"""What an evaluation found, as the report that is handed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version

from allotment.agents import SupportIndex
from allotment.evaluation.knowledge import _tables as tables
from allotment.evaluation.knowledge._calibration import Saying, reliability, saying_of
from allotment.evaluation.knowledge._checks import checks_of
from allotment.evaluation.knowledge._judge import Agreement
from allotment.evaluation.knowledge._means import MeansOf, prompt_hash
from allotment.evaluation.knowledge._scores import Row, Scored, row_of
from allotment.evaluation.knowledge._types import FOUR, NAMES, SETS, Answers, Means, Question, QuestionSet
from allotment.evaluation.report import Check, Curve, Figure, Report
from allotment.models import find_model
from allotment.project import Project
from allotment.workspace import hash_json

_PACKAGES = ("allotment", "numpy", "scipy", "simplemma", "xllamacpp")


@dataclass(frozen=True)
class Findings:
    """Everything the report is written from."""

    project: Project
    agent: str
    means: MeansOf
    questions: Sequence[Question]
    answers: tuple[Answers, ...]
    scored: Mapping[Means, Sequence[Scored]]
    index: SupportIndex
    agreements: tuple[Agreement, ...]
    verdicts: Mapping[Means, tuple[int, int]]
    left_out: int
    """Questions that a quick run did not ask."""

    @cached_property
    def rows(self) -> dict[tuple[QuestionSet, Means], Row]:
        """Every set by every means it was asked by."""
        found = {}
        for kind in SETS:
            for one in self.answers:
                if one.means in (FOUR[:2] if kind == "general" else NAMES):
                    found[kind, one.means] = row_of(one, self.questions, kind)
        return found

    @cached_property
    def sayings(self) -> dict[Means, Saying]:
        """What each means says of not knowing, where something is known of it."""
        known = [one.means for one in self.answers if one.is_known]
        return {means: saying_of(means, self.scored[means]) for means in known}


def report_of(found: Findings, *, created: str, command: str, seconds: float) -> Report:
    """The report of an agent."""
    checks = checks_of(found.rows, found.scored, found.sayings)
    series = reliability(found.scored.get("adapter", ()), found.index)
    curve = Curve(
        "knowledge.reliability",
        "How far the support of an answer can be trusted",
        "support of the answer by a learnt section",
        "share that is right",
        (series,) if series else (),
        "Answers of the adapter alone to trained facts and to questions without an answer; those that say that it is "
        "not known are left out.",
    )
    return Report(
        kind="knowledge",
        project=found.project.name,
        created=created,
        verdict=_verdict(found, checks),
        checks=checks,
        figures=tuple(_figures(found)),
        curves=(curve,) if series else (),
        tables=tables.all_tables(found),
        worst=tables.worst(found),
        not_tested=tuple(_not_tested(found)),
        versions=tuple(_versions(found)),
        command=command,
        seconds=seconds,
    )


def _verdict(found: Findings, checks: Sequence[Check]) -> str:
    base, adapter = found.rows["trained", "base"], found.rows["trained", "adapter"]
    if found.means.manifest is None:
        return f"The agent {found.agent} has no adapter that could be used, so it is not known what it learnt."
    if adapter.share is None:
        return f"It is not known what the agent {found.agent} learnt: {adapter.why_not or 'there are no questions'}."
    before = "unknown" if base.share is None else f"{base.share:.0%}"
    text = (
        f"The agent {found.agent} answers {adapter.share:.0%} of {adapter.questions} held-out questions on what it "
        f"learnt; its base model alone {before}"
    )
    failed = [check.title for check in checks if check.outcome == "failed"]
    unknown = [check.title for check in checks if check.outcome == "unknown"]
    more = [f"What does not hold: {'; '.join(failed)}"] if failed else []
    more += [f"What could not be found out: {'; '.join(unknown)}"] if unknown else []
    return ". ".join([text, *more]) + "."


def _figures(found: Findings) -> list[Figure]:
    figures = []
    for (kind, means), row in found.rows.items():
        if means == "chain" and kind == "general":
            continue
        title = f"{SETS[kind]}, {NAMES[means]}"
        name = f"knowledge.{kind}.{means.replace('+', '-')}"
        if kind != "unanswerable" and (row.questions or row.why_not):
            interval = row.interval if row.share is not None else None
            figures.append(
                Figure(f"{name}.right", f"right: {title}", row.share, "higher", interval, row.questions or None)
            )
        if kind == "unanswerable" and not row.why_not and row.asked:
            share = row.unknown / row.asked
            figures.append(
                Figure(f"{name}.unknown", f"says it does not know: {title}", share, "higher", None, row.asked)
            )
    figures += [
        Figure(
            f"knowledge.agreement.{hash_json(one.name)[:8]}",
            f"agrees with people: {one.name}",
            one.share,
            "neither",
            one.interval,
            one.items,
        )
        for one in found.agreements
    ]
    return figures


def _not_tested(found: Findings) -> list[str]:
    told = []
    if found.left_out:
        told.append(f"{found.left_out} questions were left out of this quick run.")
    for one in found.answers:
        if not one.is_known:
            told.append(f"By {NAMES[one.means]} nothing is known: {one.why_not}")
        elif one.failed:
            told.append(f"{len(one.failed)} questions failed by {NAMES[one.means]} and count nowhere.")
    sources = Counter((question.set, question.source) for question in found.questions)
    told += [f"There were no {SETS[kind]}." for kind in SETS if not any(kind == asked for asked, _ in sources)]
    if any(kind == "unseen" and source.startswith("shipped") for kind, source in sources):
        told.append(
            "No document was unseen with questions of its own: shipped ones stand in, whose answers nobody knows, so "
            "that only whether it says so is counted."
        )
    told.append("Answers of the agent's database account are not part of this evaluation.")
    return told


def _versions(found: Findings) -> list[tuple[str, str]]:
    manifest = found.means.manifest
    base = found.means.base_model
    rows = [("base model", base), ("base model sha256", find_model(base).sha256)]
    if manifest:
        rows += [
            ("adapter", manifest.key),
            ("adapter sha256", manifest.adapter_sha256),
            ("dataset sha256, as trained", manifest.dataset_sha256),
        ]
    asked = sorted([question.set, question.text, question.value] for question in found.questions)
    rows += [("questions sha256", hash_json(asked)), ("prompts sha256", prompt_hash())]
    return rows + [(package, version(package)) for package in _PACKAGES]
