"""Figures that are asked for at each look: one that cannot be had keeps the others from nobody."""

from __future__ import annotations

import logging

import pytest
from prometheus_client import generate_latest

from allotment.gateway.operations._metrics import Metrics


def test_a_figure_that_cannot_be_had_is_left_out_told_once_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    metrics, away = Metrics(), [True]

    def sessions() -> float:
        if away[0]:
            raise OSError("secret words of a driver")
        return 3.0

    metrics.watch({"sessions": ("Sessions.", sessions), "audit_records": ("Records.", lambda: 41.0)})

    def shown() -> str:
        return generate_latest(metrics.registry).decode()

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert "allotment_audit_records 41.0" in shown() and "allotment_sessions 3.0" not in shown()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the figure allotment_sessions cannot be had: OSError"]
    away[0] = False
    assert "allotment_sessions 3.0" in shown()
