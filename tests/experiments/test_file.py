"""An experiment's file: what varies becomes runs, each once; what is wrong is said with its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.errors import ProjectError
from allotment.experiments import load_file
from allotment.experiments._expand import count_runs, expand
from allotment.experiments._file import ExperimentFile
from allotment.project import Project

in_a_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "rank": st.integers(1, 64),
    "learning_rate": st.floats(1e-5, 1e-1),
    "precision": st.sampled_from(("bf16", "fp16", "fp32")),
    "epochs": st.integers(1, 20),
    "method": st.sampled_from(("lora", "qlora", "rslora", "dora", "full")),
    "mix": st.dictionaries(st.sampled_from(("text", "general", "question")), st.floats(0, 1), max_size=2),
    "seed": st.integers(0, 99),
}
VARY = st.dictionaries(st.sampled_from(sorted(VALUES)), st.just(None), min_size=1, max_size=4).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: st.lists(VALUES[name], min_size=1, max_size=3, unique_by=repr) for name in names}
    )
)


def file_of(**entries: Any) -> ExperimentFile:
    return ExperimentFile.model_validate({"name": "test", "agent": "handbook", **entries})


def written(tmp_path: Path, name: str = "grid.yaml", **entries: Any) -> Path:
    path = tmp_path / name
    path.write_text(yaml.safe_dump({"agent": "handbook", **entries}), encoding="utf-8")
    return path


@in_a_folder
@given(vary=VARY)
def test_a_grid_is_every_combination_once_and_is_counted_before_it_is_made(
    vary: dict[str, list[Any]], northwind: Project, tmp_path: Path
) -> None:
    file = file_of(vary=vary)
    runs = expand(northwind, file, tmp_path)
    assert len(runs) == count_runs(file) == math.prod(len(values) for values in vary.values())
    assert len({repr(run.training) for run in runs}) == len(runs)
    for name, values in vary.items():
        assert {repr(run.varied[name]) for run in runs} == {repr(value) for value in values}
        assert all(getattr(run.training, name) == run.varied[name] for run in runs)
    assert all(set(run.varied) == set(vary) for run in runs)


@in_a_folder
@given(
    sample=st.integers(1, 30),
    sample_seed=st.integers(0, 5),
    seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
)
def test_a_sample_lies_in_its_ranges_and_is_run_with_every_seed(
    sample: int, sample_seed: int, seeds: list[int], northwind: Project, tmp_path: Path
) -> None:
    vary = {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "rank": {"low": 4, "high": 64},
        "precision": ["bf16", "fp16"],
        "seed": seeds,
    }
    file = file_of(vary=vary, sample=sample, sample_seed=sample_seed)
    runs = expand(northwind, file, tmp_path)
    assert count_runs(file) == sample * len(seeds)
    assert len(runs) <= count_runs(file)
    assert all(1e-4 <= run.training.learning_rate <= 1e-2 and 4 <= run.training.rank <= 64 for run in runs)
    points: dict[str, set[int]] = {}
    for run in runs:
        key = repr((run.training.learning_rate, run.training.rank, run.training.precision))
        points.setdefault(key, set()).add(run.training.seed)
    assert all(found == set(seeds) for found in points.values())
    assert [repr(run) for run in expand(northwind, file, tmp_path)] == [repr(run) for run in runs]


def test_a_range_in_a_grid_is_spaced_evenly_by_differences_or_by_factors(northwind: Project, tmp_path: Path) -> None:
    vary = {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True, "steps": 3},
        "rank": {"low": 8, "high": 32, "steps": 4},
    }
    runs = expand(northwind, file_of(vary=vary), tmp_path)
    assert sorted({run.training.learning_rate for run in runs}) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert sorted({run.training.rank for run in runs}) == [8, 16, 24, 32]


def test_runs_that_are_listed_join_the_grid_and_twice_the_same_is_once(northwind: Project, tmp_path: Path) -> None:
    file = file_of(vary={"rank": [8, 16]}, runs=[{"method": "full"}, {"rank": 8}, {"base": "other"}])
    runs = expand(northwind, file, tmp_path)
    assert [(run.training.rank, run.training.method, run.base) for run in runs] == [
        (8, "lora", "gemma-3-270m"),
        (16, "lora", "gemma-3-270m"),
        (16, "full", "gemma-3-270m"),
        (16, "lora", "other"),
    ]


def test_layers_named_for_partial_training_go_with_it_alone(northwind: Project, tmp_path: Path) -> None:
    file = file_of(training={"unfrozen": ["layers.17"]}, vary={"method": ["lora", "partial"]})
    assert [run.training.unfrozen for run in expand(northwind, file, tmp_path)] == [(), ("layers.17",)]


def test_numbers_in_the_short_form_that_yaml_reads_as_words_are_numbers(northwind: Project, tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("agent: handbook\nvary: {learning_rate: [1e-4, 5e-3]}\n", encoding="utf-8")
    assert [run.varied["learning_rate"] for run in expand(northwind, load_file(path), path)] == [1e-4, 5e-3]


def test_a_hundred_thousand_runs_are_refused_at_once(northwind: Project, tmp_path: Path) -> None:
    vary = {"seed": {"low": 0, "high": 999, "steps": 1000}, "rank": {"low": 1, "high": 100, "steps": 100}}
    file = file_of(vary=vary)
    assert count_runs(file) == 100_000
    with pytest.raises(ProjectError, match="this makes 100,000 runs; at most 200 are allowed"):
        expand(northwind, file, tmp_path)
    with pytest.raises(ValueError, match="5000"):
        file_of(vary=vary, limits={"max_runs": 100_000})


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"vary": {"ranc": [1]}}, "no setting 'ranc' \\(did you mean 'rank'\\?\\)"),
        ({"vary": {"learning-rate": [1]}}, "did you mean 'learning_rate'"),
        ({"training": {"base": "x"}, "vary": {"rank": [1]}}, "no setting 'base'"),
        ({"runs": [{"lr": 1}]}, "runs\\[0\\]: there is no setting 'lr'"),
        ({"vary": {"rank": [1]}, "decides": "recall"}, "decides: there is no such entry .did you mean 'decide'"),
        ({"vary": {"price_usd_per_hour": [1]}}, "does not vary"),
        ({}, "nothing varies"),
        ({"vary": {"rank": []}}, "vary.rank has no value"),
        ({"runs": [{"rank": 1}], "sample": 3}, "takes from `vary`"),
        ({"vary": {"rank": {"low": 9, "high": 3}}}, "a higher high"),
        ({"vary": {"learning_rate": {"low": 0, "high": 3, "log": True}}}, "above zero"),
        ({"vary": {"rank": [1]}, "decide": "usd", "halving": {"at": [1]}}, "halving needs a quality"),
        ({"vary": {"rank": [1]}, "halving": {"at": [3, 2]}}, "each later"),
        ({"vary": {"rank": [1]}, "limits": {"max_minutes": -1}}, "limits.max_minutes"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(entries: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=told) as caught:
        load_file(written(tmp_path, **entries))
    assert "grid.yaml" in caught.value.element


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"vary": {"rank": [0]}}, "run 1 \\(rank 0\\).*rank .*greater than or equal to 1"),
        ({"runs": [{"method": "partial"}]}, "partial needs it"),
        ({"vary": {"rank": {"low": 1, "high": 9}}}, "a range in a grid needs `steps`"),
        ({"vary": {"mix": [{"poems": 1}]}}, "mix"),
    ],
)
def test_a_combination_that_is_none_is_refused_before_anything_starts(
    entries: dict[str, Any], told: str, northwind: Project, tmp_path: Path
) -> None:
    path = written(tmp_path, **entries)
    with pytest.raises(ProjectError, match=told):
        expand(northwind, load_file(path), path)


def test_a_file_that_is_not_there_or_no_yaml_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no such file"):
        load_file(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="not a mapping"):
        load_file(tmp_path / "list.yaml")
    (tmp_path / "twice.yaml").write_text("agent: a\nagent: b\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="there twice"):
        load_file(tmp_path / "twice.yaml")
    odd = written(tmp_path, "9 odd.yaml", vary={"rank": [1]})
    with pytest.raises(ProjectError, match="cannot be an experiment's name"):
        load_file(odd)
