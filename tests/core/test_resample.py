"""Bounds that hold for many means at once, and bootstrap weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from scipy.stats import t as student

from penstock.core.resample import (
    bootstrap_weights,
    cluster_sums,
    simultaneous_lower_bounds,
    standard_errors,
    t_quantile,
)


@pytest.mark.parametrize("n", [60, 200])
def test_all_bounds_hold_at_once_as_often_as_promised(n: int) -> None:
    """Correlated means of skewed values, 300 tables: rarely more misses than 5% and their binomial error."""
    tables, columns = 300, 12
    rng = np.random.default_rng(n)
    missed = 0
    for seed in range(tables):
        shared = rng.normal(size=(n, 1))
        values = 0.7 * shared + rng.normal(size=(n, columns))
        bounds = simultaneous_lower_bounds(values, np.arange(n), confidence=0.95, draws=300, seed=seed)
        missed += bool((bounds > 0).any())
    assert missed <= binom.ppf(0.999, tables, 0.05)
    assert missed >= binom.ppf(0.001, tables, 0.05), "so wide that it says nothing"


def test_rows_of_one_cluster_are_not_independent_evidence() -> None:
    rng = np.random.default_rng(0)
    few = rng.normal(0.5, 1.0, size=(20, 1))
    repeated, cluster = np.repeat(few, 10, axis=0), np.repeat(np.arange(20), 10)
    plain = simultaneous_lower_bounds(few, np.arange(20), confidence=0.95, seed=1)
    clustered = simultaneous_lower_bounds(repeated, cluster, confidence=0.95, seed=1)
    naive = simultaneous_lower_bounds(repeated, np.arange(200), confidence=0.95, seed=1)
    np.testing.assert_allclose(clustered, plain, rtol=1e-5)
    assert naive[0] > clustered[0]


def test_one_cluster_bounds_nothing_and_a_constant_is_itself() -> None:
    assert simultaneous_lower_bounds(np.ones((5, 2)), np.zeros(5, dtype=int), confidence=0.95)[0] == -np.inf
    values = np.stack([np.full(40, 0.3), np.random.default_rng(0).normal(size=40)], axis=1)
    bounds = simultaneous_lower_bounds(values, np.arange(40), confidence=0.95)
    assert bounds[0] == pytest.approx(0.3)
    assert bounds[1] < values[:, 1].mean()


def test_bounds_are_reproducible_by_seed() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    first, again, other = (
        simultaneous_lower_bounds(values, np.arange(50), confidence=0.95, seed=s) for s in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.999, 0.999999])
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 41, 60, 61, 200])
def test_student_s_quantile(freedom: int, confidence: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(student.ppf(confidence, freedom), rel=1e-4)


@pytest.mark.parametrize("tasks", [3, 6, 12])
def test_a_few_tasks_are_held_to_what_few_can_show(tasks: int) -> None:
    """Every task shifts all its rows, and one shared column's luck is not independent of another's: bounds
    for the means over rows hold as often as promised, with however few tasks."""
    tables, columns, rows = 300, 8, 40
    rng = np.random.default_rng(tasks)
    cluster = np.repeat(np.arange(tasks), rows)
    missed = 0
    for seed in range(tables):
        shift = 0.6 * rng.normal(size=(tasks, 1)) + rng.normal(size=(tasks, columns))
        values = shift[cluster] + rng.normal(size=(len(cluster), columns))
        bounds = simultaneous_lower_bounds(values, cluster, confidence=0.95, draws=300, seed=seed)
        missed += bool((bounds > 0).any())
    assert missed <= binom.ppf(0.999, tables, 0.05)


def test_cluster_sums() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert cluster_sums(values, np.array([7, 2, 7])).tolist() == [[3.0, 4.0], [6.0, 8.0]]


def test_bootstrap_weights_draw_whole_clusters() -> None:
    cluster = np.array([0, 0, 1, 2, 2, 2])
    weights = bootstrap_weights(cluster, draws=200, seed=3)
    assert np.array_equal(weights, bootstrap_weights(cluster, draws=200, seed=3))
    assert not np.array_equal(weights, bootstrap_weights(cluster, draws=200, seed=4))
    for group in range(3):
        mine = weights[:, cluster == group]
        assert (mine == mine[:, :1]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert weights[:, 2].mean() == pytest.approx(1.0, abs=0.25)


def test_a_standard_error_is_of_clusters_and_one_cluster_has_none() -> None:
    values = np.random.default_rng(0).normal(size=(60, 2))
    alone = standard_errors(values, np.arange(60))
    np.testing.assert_allclose(alone, values.std(axis=0, ddof=1) / np.sqrt(60))
    twice = standard_errors(np.repeat(values, 2, axis=0), np.repeat(np.arange(60), 2))
    np.testing.assert_allclose(twice, alone)
    assert np.isinf(standard_errors(values, np.zeros(60, dtype=int))).all()
