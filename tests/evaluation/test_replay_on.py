"""Replaying fitted options on held-out rows, and pooling rows that several fits were tested on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.errors import TableError
from penstock.evaluation.replay_on import HeldOutRows, pool, replay_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.testing.tables import tiny

ROUTING = FitSettings(estimators=("ridge",), directions=12, policies=("routing",))


def test_nothing_of_the_test_outcomes_reaches_a_decision(fitted: Fit, test_matrix: OutcomeMatrix) -> None:
    turned = replace(test_matrix, quality=1.0 - test_matrix.quality)
    subject = of_fit(fitted)
    one, two = (replay_on(subject, HeldOutRows.of(g, subject, 0)) for g in (test_matrix, turned))
    for name, option in one.options.items():
        np.testing.assert_array_equal(option.curve.cost, two.options[name].curve.cost)
        np.testing.assert_array_equal(option.predicted, two.options[name].predicted)


def test_tables_that_cannot_be_tested_on(fitted: Fit, test_matrix: OutcomeMatrix) -> None:
    with pytest.raises(TableError, match="'large' was fitted but has no outcome"):
        HeldOutRows.of(test_matrix.select(["small", "middle"]), of_fit(fitted), 0)
    empty = replace(test_matrix, quality=np.full_like(test_matrix.quality, np.nan))
    with pytest.raises(TableError, match="no test query was answered"):
        HeldOutRows.of(empty, of_fit(fitted), 0)


def test_parts_that_rank_candidates_differently_are_pooled_by_name() -> None:
    """On one task the middle candidate is the cheapest: its fit lists it first, the others' do not."""
    grid = tiny(240, seed=1).grid
    cost = grid.cost.copy()
    first = np.array([q.task == "t0" for q in grid.queries])
    cost[first, 0] *= 9.0
    grid = replace(grid, cost=cost)
    parts = []
    for rows in (first, ~first):
        fit = fit_matrix(grid.rows(rows), ROUTING, candidates=["small", "middle", "large"])
        subject = of_fit(fit)
        parts.append((subject, replay_on(subject, HeldOutRows.of(grid.rows(rows), subject, 0))))
    assert parts[0][0].candidates != parts[1][0].candidates
    pooled = pool(parts)
    for j, name in enumerate(pooled.names):
        column = grid.candidates.index(name)
        assert pooled.quality[:, j].mean() == pytest.approx(grid.quality[:, column].mean())
        assert pooled.cost[:, j].mean() == pytest.approx(grid.cost[:, column].mean())
    means = [r.options["routing/ridge"].predicted[:, r.names.index("large")] for _, r in parts]
    predicted = pooled.options["routing/ridge"].predicted[:, pooled.names.index("large")]
    np.testing.assert_array_equal(predicted, np.concatenate(means))


def test_pooling_one_part_changes_nothing_but_the_points(fitted: Fit, test_matrix: OutcomeMatrix) -> None:
    subject = of_fit(fitted)
    held_out = replay_on(subject, HeldOutRows.of(test_matrix, subject, 0))
    pooled = pool([(subject, held_out)])
    np.testing.assert_array_equal(pooled.quality, held_out.quality)
    for name in held_out.options:
        ours, theirs = pooled.options[name].curve, held_out.options[name].curve
        levels = ours.cost.mean(axis=1)
        expected = np.interp(levels, theirs.cost.mean(axis=1), theirs.quality.mean(axis=1))
        np.testing.assert_allclose(ours.quality.mean(axis=1), expected, atol=1e-9)
