"""An adapter that was really trained, on a real model: what it learnt shows beside what its base model knows."""

from __future__ import annotations

import pytest

from allotment.evaluation import Options, Parts, evaluate_agent
from allotment.models import Engines
from trained_company import Company

pytestmark = pytest.mark.heavy

MEANS = ("base", "adapter", "base-retrieval", "adapter-retrieval", "chain")


def test_what_an_adapter_learnt_shows_beside_its_base_model_by_every_means(company: Company) -> None:
    with Engines() as engines:
        parts = Parts(company.project, company.workspace, engines, company.databases, company.audit)
        report = evaluate_agent(parts, "board", Options(most=12)).report
    values = {figure.name: figure.value for figure in report.figures}
    shares = {means: values[f"knowledge.trained.{means}.right"] for means in MEANS}
    trained = {means: share for means, share in shares.items() if share is not None}
    assert trained.keys() == shares.keys()
    assert trained["adapter"] > trained["base"], trained
    table = next(table for table in report.tables if table.name == "knowledge")
    assert not [row for row in table.rows if "not known" in row], table.rows
