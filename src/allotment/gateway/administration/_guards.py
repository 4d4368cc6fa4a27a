"""Guards: what is checked and from which threshold, how good that is where it was measured, and what they refused.

Curves are those of ``allotment guards evaluate --plots .allotment/guards``; without them, of the classifier that comes
with the package, those that came with it. Nothing is drawn that was not measured.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from allotment.audit import AuditLog, Filter
from allotment.errors import AllotmentError
from allotment.gateway.administration._chart import Chart, Frame
from allotment.gateway.administration._door import AdminGrant, require_admin
from allotment.gateway.administration._record import Record, Row, checks_of
from allotment.gateway.wording import say
from allotment.project import Project
from allotment.training.record._axis import Axis
from allotment.workspace import Workspace

REFUSALS = 20
COUNTED = 500
"""Refusals over which the checks are counted."""
_CURVES = "curves.json"
_CARD = "classifier.json"
_SCORED = {"injection_model": "injection", "impersonation_model": "impersonation"}
"""Check → the classifier's head behind it."""
_DRAWN = 3
"""Curves in one chart."""


@dataclass(frozen=True)
class CurveView:
    """How a check fares over all its thresholds on one set of texts."""

    name: str
    chart: Chart
    area: float | None
    """Probability that an attack scores higher than a harmless text; none where it was not computed."""
    recall: float
    """Share of the attacks that are refused at the threshold in force, at the nearest point that was measured."""
    false_positives: float


@dataclass(frozen=True)
class CheckView:
    """One check."""

    name: str
    threshold: float | None
    """None for a rule, which has none."""
    of_agents: tuple[tuple[str, float], ...]
    """Agents that are stricter."""
    refused: int
    """Of the last refusals, those it had a part in."""
    curves: tuple[CurveView, ...]


@dataclass(frozen=True)
class Classifier:
    """The card of the classifier in use."""

    name: str
    sha256: str
    sources: tuple[tuple[str, str, int], ...]
    """Set, licence, number of texts."""
    own: bool
    """Whether it is one of the project's own."""


@dataclass(frozen=True)
class GuardsView:
    """Everything the page shows."""

    checks: tuple[CheckView, ...]
    topics: tuple[tuple[str, int], ...]
    """Forbidden topic and its number of phrases."""
    classifier: Classifier | None
    measured: str
    """When and on what the curves were measured; empty where they were not."""
    refusals: tuple[Row, ...]
    counted: int


class GuardsDesk:
    """What an administrator sees of the guards."""

    def __init__(self, project: Project, workspace: Workspace, log: AuditLog, record: Record) -> None:
        self._project = project
        self._workspace = workspace
        self._log = log
        self._record = record

    def view(self, grant: AdminGrant) -> GuardsView:
        """All checks, their curves, and the newest refusals.

        Raises:
            DatabaseUnavailable: the record does not answer.
        """
        require_admin(grant, "guards")
        refused = Filter(kind="guard-refused")
        try:
            found = self._log.records(COUNTED, refused)
        except AllotmentError:
            found = []
        counts = Counter(name for record in found for name in checks_of(record.event))
        curves, measured = self._curves()
        page = self._record.newest(grant.principal, refused, most=REFUSALS)
        config = self._project.guards
        return GuardsView(
            tuple(self._check(name, counts[name], curves.get(name, {})) for name in config.checks),
            tuple((name, len(phrases)) for name, phrases in config.forbidden_topics.items()),
            self._classifier(),
            measured,
            page.rows,
            len(found),
        )

    def _check(self, name: str, refused: int, curves: Any) -> CheckView:
        config = self._project.guards
        threshold = config.thresholds.get(name, self._own_threshold(name))
        stricter = tuple(
            (agent, own.thresholds[name]) for agent, own in config.agents.items() if name in own.thresholds
        )
        sets = curves.items() if isinstance(curves, dict) else ()
        drawn = [view for label, one in sets if (view := curve_view(str(label), one, threshold)) is not None]
        return CheckView(name, threshold, stricter, refused, tuple(drawn[:_DRAWN]))

    def _own_threshold(self, name: str) -> float | None:
        head = _SCORED.get(name)
        found = self._card.get("thresholds", {}).get(head) if head else None
        return float(found) if isinstance(found, int | float) else None

    @property
    def _folder(self) -> Path:
        own = self._project.guards.classifier
        return self._project.root / own if own else Path(str(resources.files("allotment.guards") / "data"))

    @cached_property
    def _card(self) -> dict[str, Any]:
        return _json(self._folder / _CARD)

    def _classifier(self) -> Classifier | None:
        if not self._card:
            return None
        sources = tuple(
            (str(one.get("name")), str(one.get("licence")), int(one.get("texts", 0)))
            for one in self._card.get("sources", ())
        )
        own = self._project.guards.classifier is not None
        return Classifier(str(self._card.get("name")), str(self._card.get("sha256")), sources, own)

    def _curves(self) -> tuple[dict[str, Any], str]:
        own = self._workspace.home / "guards" / _CURVES
        if own.is_file():
            return _json(own), "allotment guards evaluate"
        shipped = _json(self._folder / _CURVES)
        if shipped.get("classifier") != self._card.get("sha256"):
            return {}, ""
        curves = shipped.get("curves")
        return (curves if isinstance(curves, dict) else {}), str(shipped.get("measured", ""))


def curve_view(name: str, one: Any, threshold: float | None) -> CurveView | None:
    """Recall and false positives over the threshold, with the one in force; none where there is no curve to draw."""
    try:
        points = sorted(
            (float(at), float(false), float(recall)) for at, false, recall in one["points"] if at is not None
        )
        area = None if one.get("area") is None else float(one["area"])
    except (KeyError, TypeError, ValueError):
        return None
    if threshold is None or len(points) < 3:
        return None
    frame = Frame(Axis(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0)), Axis(0.0, 100.0, (0.0, 25.0, 50.0, 75.0, 100.0)))
    nearest = min(points, key=lambda point: abs(point[0] - threshold))
    chart = Chart(
        say("%(set)s: what is refused from each threshold on", set=name),
        say(
            "At %(threshold)s: %(recall)s %% of the attacks and %(false)s %% of the harmless texts are refused.",
            threshold=format(nearest[0], ".2f"),
            recall=format(100 * nearest[2], ".1f"),
            false=format(100 * nearest[1], ".1f"),
        ),
        say("threshold"),
        say("refused, %%"),
        (
            frame.line("recall", say("attacks"), [(at, 100 * recall) for at, _, recall in points]),
            frame.line("false", say("harmless texts"), [(at, 100 * false) for at, false, _ in points]),
        ),
        (frame.mark(threshold, say("in force: %(threshold)s", threshold=format(threshold, ".2f"))),),
        frame.x_ticks(),
        frame.y_ticks(),
    )
    return CurveView(name, chart, area, nearest[2], nearest[1])


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
