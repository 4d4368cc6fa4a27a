"""An experiment's table as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from allotment.experiments._cells import (
    EFFECT_COLUMNS,
    EFFECTS_NOTE,
    GROUP_COLUMNS,
    cells_of,
    columns_of,
    effect_cells,
    group_cells,
    sentences_of,
)
from allotment.experiments._parallel import parallel_plot
from allotment.experiments._scatter import cost_plot, curves_plot
from allotment.experiments._service import Curve
from allotment.experiments._table import Table

_PAGES = Environment(
    loader=PackageLoader("allotment.experiments"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def to_html(table: Table, curves: Sequence[Curve]) -> str:
    """The page."""
    css = (files("allotment.training.record") / "templates" / "report.css").read_text(encoding="utf-8")
    return _PAGES.get_template("table.html").render(
        table=table,
        css=Markup(css),  # noqa: S704 - the package's own file
        sentences=sentences_of(table),
        cost=Markup(cost_plot(table)),  # noqa: S704 - escapes every text it is given
        parallel=Markup(parallel_plot(table)),  # noqa: S704
        curves=Markup(curves_plot(curves, table)),  # noqa: S704
        columns=columns_of(table),
        rows=cells_of(table),
        group_columns=GROUP_COLUMNS,
        groups=[group_cells(group) for group in table.groups],
        effect_columns=EFFECT_COLUMNS,
        effects=[effect_cells(effect) for effect in table.effects],
        effects_note=EFFECTS_NOTE,
    )
