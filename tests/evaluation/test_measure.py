"""Identities the metrics keep (docs/references.md, "The headline metric")."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.research.oracle import Oracle
from penstock.belief import OwnAnswerBelief
from penstock.core.curves import concave_hull
from penstock.core.routing import frontier_lambdas, hull_edges
from penstock.evaluation.measure import measure
from penstock.evaluation.replay_on import HeldOutOption, HeldOutResult, OperatingCurve
from penstock.router.replay import replay

N = 120
MEANS, USD = np.array([0.3, 0.6, 0.8]), np.array([1.0, 3.0, 9.0])


def curve(cost: np.ndarray, quality: np.ndarray) -> OperatingCurve:
    return OperatingCurve(cost, quality, np.full(len(cost), np.nan))


def option(points: OperatingCurve, k: int = 3) -> HeldOutOption:
    best = OperatingCurve(points.cost[-1:], points.quality[-1:], np.array([np.nan]))
    shares = dict.fromkeys((0.95, 0.99, 1.0), best)
    return HeldOutOption(points, points, shares, np.zeros((points.cost.shape[1], k)), {"fit": 1.0})


def world(seed: int = 0, **options: OperatingCurve) -> HeldOutResult:
    """Test rows with the mix, the oracle and whatever else as options."""
    rng = np.random.default_rng(seed)
    quality = (rng.random((N, 3)) < MEANS).astype(float)
    cost = USD * rng.uniform(0.5, 1.5, (N, 3))
    hull = concave_hull(cost.mean(axis=0), quality.mean(axis=0))
    mix = curve(cost.T[hull], quality.T[hull])
    beliefs = OwnAnswerBelief(quality, quality, cost, np.zeros(N))
    lambdas = np.concatenate([np.unique(hull_edges(quality, cost).slope)[::-1] * (1 - 1e-7), [0.0]])
    lambdas = np.concatenate([frontier_lambdas(hull_edges(quality, cost), 2)[:1], lambdas])
    oracle = [replay(Oracle(quality, cost, float(lam)), beliefs, quality, cost) for lam in lambdas]
    named = {
        "mix/mean": mix,
        "oracle/true": curve(np.stack([r.cost for r in oracle]), np.stack([r.quality for r in oracle])),
        **options,
    }
    return HeldOutResult(
        names=("a", "b", "c"),
        quality=quality,
        cost=cost,
        cluster=np.arange(N),
        cheapest=curve(cost.T[:1], quality.T[:1]),
        best=curve(cost.T[2:], quality.T[2:]),
        mix=mix,
        options={name: option(points) for name, points in named.items()},
        dropped=0,
    )


def measured(held_out: HeldOutResult, **fields: Any) -> dict[str, Any]:
    return measure(held_out, **{"draws": 60, "seed": 0, **fields})


def test_the_oracle_gains_everything_and_the_mix_nothing() -> None:
    found = measured(world())
    assert found["policies"]["oracle/true"]["gain_ratio"] == pytest.approx(1.0, abs=1e-6)
    assert found["policies"]["oracle/true"]["auc"] == pytest.approx(
        found["controls"]["oracle"]["auc"], abs=1e-6
    )
    assert found["policies"]["mix/mean"]["gain_ratio"] == 0.0
    assert found["policies"]["mix/mean"]["gain_ratio_ci95"] == [0.0, 0.0], (
        "paired: the same rows, the same draws"
    )
    assert found["policies"]["mix/mean"]["auc_over_mix"]["difference"] == 0.0
    assert found["policies"]["mix/mean"]["auc"] == found["controls"]["mix"]["auc"]


def test_the_oracle_s_interval_is_one_too() -> None:
    low, high = measured(world())["policies"]["oracle/true"]["gain_ratio_ci95"]
    assert low == pytest.approx(1.0, abs=0.02)
    assert high <= 1.0 + 1e-9, "no policy gains more than the oracle under any draw"


def test_worse_than_the_mix_has_no_lower_bound() -> None:
    base = world()
    bad = curve(base.cost.T[[2]], 1.0 - base.quality.T[[2]])
    assert measured(world(bad=bad))["policies"]["bad"]["gain_ratio"] < -1.0


def test_the_best_fixed_candidate_saves_nothing_and_keeps_everything() -> None:
    found = measured(world())["policies"]["mix/mean"]["saving"]
    assert set(found) == {"0.95", "0.99", "1.0"}
    for item in found.values():
        assert item == {
            "saving": 0.0,
            "ci95": [0.0, 0.0],
            "quality_ratio": 1.0,
            "quality_ratio_ci95": [1.0, 1.0],
        }


def test_no_running_maximum_is_taken() -> None:
    """A curve that falls stays fallen: its middle point is worth less than its first, and counts so."""
    base = world()
    low, middle, high = base.cost.mean(axis=0)
    cost = base.cost.T[[0, 1, 2]]
    quality = np.stack([np.full(N, 0.7), np.full(N, 0.1), np.full(N, 0.8)])
    found = measured(world(dip=curve(cost, quality)))["policies"]["dip"]
    share = (middle - low) / (high - low)
    assert found["auc"] == pytest.approx(share * 0.4 + (1 - share) * 0.45, abs=1e-6)
    assert [p["quality"] for p in found["frontier"]] == [0.7, 0.1, 0.8]


def test_left_of_the_first_point_stands_the_cheapest_candidate_and_right_of_the_last_it_is_flat() -> None:
    base = world()
    low, middle, high = base.cost.mean(axis=0)
    found = measured(world(one=curve(base.cost.T[[1]], np.full((1, N), 0.9))))["policies"]["one"]["auc"]
    share = (middle - low) / (high - low)
    assert found == pytest.approx(share * base.quality[:, 0].mean() + (1 - share) * 0.9, abs=1e-6)


def test_an_empty_range_is_null_with_the_reason() -> None:
    base = world()
    found = measured(replace(base, best=base.cheapest))
    for item in found["policies"].values():
        assert item["auc"] is None
        assert item["gain_ratio"] is None
        assert item["gain_ratio_ci95"] is None
        assert "range is empty" in item["gain_ratio_reason"]
    assert found["controls"]["mix"]["auc"] is None
    assert found["controls"]["oracle"]["auc"] is None


def test_too_little_room_is_null_with_the_reason() -> None:
    base = world()
    same = np.tile(base.quality[:, 2:], (1, 3)) * np.array([0.0, 0.5, 1.0])
    cost = np.tile(USD, (N, 1))
    flat = replace(
        base,
        quality=same,
        cost=cost,
        cheapest=curve(cost.T[:1], same.T[:1]),
        best=curve(cost.T[2:], same.T[2:]),
        mix=curve(cost.T[[0, 2]], same.T[[0, 2]]),
        options={"mix/mean": option(curve(cost.T[[0, 2]], same.T[[0, 2]]))},
    )
    ones = replace(flat, quality=np.ones((N, 3)) * np.array([0.2, 0.5, 0.8]))
    ones = replace(
        ones,
        cheapest=curve(cost.T[:1], ones.quality.T[:1]),
        best=curve(cost.T[2:], ones.quality.T[2:]),
        mix=curve(cost.T, ones.quality.T),
        options={"mix/mean": option(curve(cost.T, ones.quality.T))},
    )
    item = measured(ones)["policies"]["mix/mean"]
    assert item["gain_ratio"] is None
    assert "less than 0.005" in item["gain_ratio_reason"]
    assert item["auc"] is not None


def test_intervals_are_reproducible_by_seed() -> None:
    first, again, other = (measured(world(), seed=s) for s in (3, 3, 4))
    assert first == again
    key = ("policies", "oracle/true", "auc_over_mix", "ci95")
    values = []
    for found in (first, other):
        item: Any = found
        for part in key:
            item = item[part]
        values.append(item)
    assert values[0] != values[1]


def test_variants_of_one_question_are_drawn_together() -> None:
    base = world()
    wide = measured(replace(base, cluster=np.arange(N) // 12), draws=300)
    narrow = measured(base, draws=300)
    half = [f["policies"]["oracle/true"]["auc_over_mix"]["standard_error"] for f in (wide, narrow)]
    assert half[0] != half[1]
    lone = measured(replace(base, cluster=np.zeros(N, dtype=int)))
    assert lone["policies"]["oracle/true"]["auc_over_mix"]["standard_error"] < 1e-12


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Area over the mix of a policy that is truly 0.05 above it: 95% intervals over 100 tables."""
    covered = 0
    rng = np.random.default_rng(0)
    for seed in range(100):
        base = world(seed)
        better = np.clip(base.mix.quality + 0.05 + 0.2 * rng.normal(size=(1, N)), -2, 2)
        found = measured(
            replace(base, options={"x": option(curve(base.mix.cost, better))}), draws=200, seed=seed
        )
        low, high = found["policies"]["x"]["auc_over_mix"]["ci95"]
        # left of the first point both curves are the cheapest candidate, so all of the range is 0.05 above
        covered += low <= 0.05 <= high
    assert covered >= 88


def test_controls_name_what_stands_at_the_ends() -> None:
    base = world()
    controls = measured(base)["controls"]
    assert controls["cheapest"]["cost"] == pytest.approx(base.cost[:, 0].mean(), rel=1e-6)
    assert controls["best_fixed"]["quality"] == pytest.approx(base.quality[:, 2].mean(), rel=1e-6)
    assert [item["name"] for item in controls["fixed"]] == ["a", "b", "c"]
    assert controls["hindsight_mix"]["auc"] >= controls["mix"]["auc"] - 1e-9
