"""The numbers of one evaluation, with paired bootstrap intervals (docs/benchmarks.md says what is measured).

Rows are reweighted by whole groups; costs, qualities, areas, the oracle and the range are recomputed under
every draw, so intervals are paired by construction. No maximum is ever taken over test points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.curves import auc, aucs, concave_hull
from penstock.core.resample import bootstrap_weights
from penstock.core.routing import Edges, hull_edges
from penstock.evaluation.replay_on import HeldOutOption, HeldOutResult, OperatingCurve
from penstock.types import FloatArray

LEAST_DRAWS = 20
"""An interval needs this many draws in which its quantity is defined."""

UNGUARDED = "unguarded "
"""Before an option's name, among the options that are compared: its frontier as tuned, without the guard."""

LEAST_ROOM = 0.005
"""Below this distance between oracle and mix (in AUC) a gain ratio would be noise over noise."""


@dataclass(frozen=True)
class _Draws:
    """Row weights (b, n), each summing to 1; the first draw is the sample itself."""

    weights: FloatArray

    def means(self, values: FloatArray) -> FloatArray:
        """(p, n) -> (b, p) weighted means."""
        means: FloatArray = self.weights @ values.T
        return means


@dataclass(frozen=True)
class _Range:
    """The cost range of every draw and what stands at its ends: all (b,)."""

    low: FloatArray
    high: FloatArray
    left: FloatArray
    best: FloatArray

    @property
    def empty(self) -> bool:
        return bool(self.high[0] <= self.low[0] * (1 + 1e-12))


def measure(
    held_out: HeldOutResult, *, draws: int = 1000, seed: int = 0, pairs: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """``{"controls": …, "policies": …, "pairs": …}`` of the evaluation JSON; null with a reason if undefined.

    ``pairs`` of options are compared with each other: area of the first less that of the second. A name may
    have ``UNGUARDED`` before it.
    """
    weights = np.concatenate(
        [np.ones((1, len(held_out.quality))), bootstrap_weights(held_out.cluster, draws=draws, seed=seed)]
    )
    sample = _Draws(weights / weights.sum(axis=1, keepdims=True))
    span = _Range(
        low=sample.means(held_out.cheapest.cost)[:, 0],
        high=sample.means(held_out.best.cost)[:, 0],
        left=sample.means(held_out.cheapest.quality)[:, 0],
        best=sample.means(held_out.best.quality)[:, 0],
    )
    mix = _areas(sample, held_out.mix, span)
    edges = hull_edges(held_out.quality, held_out.cost)
    oracle = _oracle_areas(sample, held_out, edges, span)
    policies = {
        name: _measure_option(sample, held_out, option, span, mix, oracle)
        for name, option in held_out.options.items()
    }
    return {
        "controls": _controls(sample, held_out, span, mix, oracle, edges),
        "policies": policies,
        "pairs": [_pair(sample, held_out, pair, span) for pair in pairs],
    }


def _pair(sample: _Draws, held_out: HeldOutResult, names: tuple[str, str], span: _Range) -> dict[str, Any]:
    first, second = (_areas(sample, _curve_of(held_out, name), span) for name in names)
    result: dict[str, Any] = {"first": names[0], "second": names[1]}
    return result | {"auc_difference": _difference(first, second)}


def _curve_of(held_out: HeldOutResult, name: str) -> OperatingCurve:
    if name.startswith(UNGUARDED):
        return held_out.options[name.removeprefix(UNGUARDED)].unguarded
    return held_out.options[name].curve


def _difference(first: FloatArray | None, second: FloatArray | None) -> dict[str, Any] | None:
    """Of two areas under every draw (b,), paired."""
    if first is None or second is None:
        return None
    difference = first - second
    return {
        "difference": _number(difference[0]),
        "ci95": _interval(difference),
        "standard_error": _number(float(np.nanstd(difference[1:], ddof=1))),
    }


def _measure_option(
    sample: _Draws,
    held_out: HeldOutResult,
    option: HeldOutOption,
    span: _Range,
    mix: FloatArray | None,
    oracle: FloatArray | None,
) -> dict[str, Any]:
    areas = _areas(sample, option.curve, span)
    result: dict[str, Any] = {"auc": None, "auc_published_range": _published(held_out, option.curve)}
    result.update(_gain(areas, mix, oracle))
    result["auc_over_mix"] = _difference(areas, mix)
    if areas is not None and mix is not None:
        result["auc"] = _number(areas[0])
    loose = _areas(sample, option.unguarded, span)
    result["unguarded"] = {
        "auc": None if loose is None else _number(loose[0]),
        "gain_ratio": _gain(loose, mix, oracle)["gain_ratio"],
    }
    result["saving"] = {
        f"{share:g}" if share != 1 else "1.0": _saving(sample, curve, span)
        for share, curve in option.at_share.items()
    }
    result["frontier"] = _points(option.curve)
    known = option.seconds  # a router read from disk was fitted and tuned elsewhere
    result["seconds"] = {k: round(known[k], 4) if k in known else None for k in ("fit", "tune", "replay")}
    return result


def _gain(areas: FloatArray | None, mix: FloatArray | None, oracle: FloatArray | None) -> dict[str, Any]:
    if areas is None or mix is None or oracle is None:
        return _undefined("the cost range is empty: the best fixed candidate is also the cheapest")
    room = oracle - mix
    if room[0] < LEAST_ROOM:
        return _undefined(f"the oracle is {room[0]:.4f} above the mix, less than {LEAST_ROOM}")
    ratio = (areas - mix) / np.where(room > 0, room, np.nan)
    return {"gain_ratio": _number(ratio[0]), "gain_ratio_ci95": _interval(ratio), "gain_ratio_reason": None}


def _undefined(reason: str) -> dict[str, Any]:
    return {"gain_ratio": None, "gain_ratio_ci95": None, "gain_ratio_reason": reason}


def _saving(sample: _Draws, point: OperatingCurve, span: _Range) -> dict[str, Any]:
    cost, quality = sample.means(point.cost)[:, 0], sample.means(point.quality)[:, 0]
    saving = 1.0 - cost / span.high
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(span.best > 0, quality / span.best, np.nan)
    return {
        "saving": _number(saving[0]),
        "ci95": _interval(saving),
        "quality_ratio": _number(ratio[0]),
        "quality_ratio_ci95": _interval(ratio),
    }


def _controls(
    sample: _Draws,
    held_out: HeldOutResult,
    span: _Range,
    mix: FloatArray | None,
    oracle: FloatArray | None,
    edges: Edges,
) -> dict[str, Any]:
    cost, quality = held_out.cost.mean(axis=0), held_out.quality.mean(axis=0)
    hull = concave_hull(cost, quality)
    hindsight = OperatingCurve(held_out.cost.T[hull], held_out.quality.T[hull], np.full(len(hull), np.nan))
    hindsight_area = _areas(sample, hindsight, span)
    x, y = _oracle_curve(held_out, edges, sample.weights[0])
    picked = np.unique(np.linspace(0, len(x) - 1, 60).astype(int))
    return {
        "cheapest": {"cost": _number(span.low[0]), "quality": _number(span.left[0])},
        "best_fixed": {"cost": _number(span.high[0]), "quality": _number(span.best[0])},
        "mix": {"auc": None if mix is None else _number(mix[0]), "frontier": _points(held_out.mix)},
        "hindsight_mix": {
            "auc": None if hindsight_area is None else _number(hindsight_area[0]),
            "frontier": _points(hindsight),
        },
        "oracle": {
            "auc": None if oracle is None else _number(oracle[0]),
            "frontier": [{"cost": _number(x[i]), "quality": _number(y[i])} for i in picked],
        },
        "fixed": [
            {"name": name, "cost": _number(cost[j]), "quality": _number(quality[j])}
            for j, name in enumerate(held_out.names)
        ],
    }


def _areas(sample: _Draws, curve: OperatingCurve, span: _Range) -> FloatArray | None:
    """(b,) mean quality over the range under every draw; None where the range is empty.

    A draw whose range happens to be empty gives NaN, which intervals leave out.
    """
    if span.empty:
        return None
    return aucs(sample.means(curve.cost), sample.means(curve.quality), span.low, span.high, span.left)


def _oracle_areas(sample: _Draws, held_out: HeldOutResult, edges: Edges, span: _Range) -> FloatArray | None:
    if span.empty:
        return None
    areas = np.full(len(span.low), np.nan)
    for b, weight in enumerate(sample.weights):
        if span.high[b] > span.low[b]:
            x, y = _oracle_curve(held_out, edges, weight)
            areas[b] = auc(x, y, span.low[b], span.high[b], span.left[b])
    return areas


def _oracle_curve(held_out: HeldOutResult, edges: Edges, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The exact frontier on true outcomes under row weights (n,) that sum to 1."""
    rows = np.arange(len(weight))
    x = weight @ held_out.cost[rows, edges.start] + np.cumsum(
        np.concatenate([[0.0], weight[edges.row] * edges.cost])
    )
    y = weight @ held_out.quality[rows, edges.start] + np.cumsum(
        np.concatenate([[0.0], weight[edges.row] * edges.quality])
    )
    return x, y


def _published(held_out: HeldOutResult, curve: OperatingCurve) -> float | None:
    """Area from the cheapest to the dearest candidate's mean cost (De Koninck et al. 2025, experiments)."""
    cost, quality = held_out.cost.mean(axis=0), held_out.quality.mean(axis=0)
    low, high = float(cost.min()), float(cost.max())
    if high <= low:
        return None
    left = float(quality[cost.argmin()])
    return _number(auc(curve.cost.mean(axis=1), curve.quality.mean(axis=1), low, high, left))


def _points(curve: OperatingCurve) -> list[dict[str, float | None]]:
    cost, quality = curve.cost.mean(axis=1), curve.quality.mean(axis=1)
    return [
        {
            "cost": _number(c),
            "quality": _number(q),
            "lambda": None if np.isnan(lam) else float(lam),
        }
        for c, q, lam in zip(cost, quality, curve.lam, strict=True)
    ]


def _interval(values: FloatArray) -> list[float] | None:
    """Percentile interval over the draws (all but the first)."""
    known = values[1:][np.isfinite(values[1:])]
    if len(known) < LEAST_DRAWS:
        return None
    return [float(f"{bound:.8g}") for bound in np.quantile(known, [0.025, 0.975])]


def _number(value: float) -> float | None:
    """Eight significant digits; None where undefined (a share of a best fixed quality of 0, say)."""
    return float(f"{value:.8g}") if np.isfinite(value) else None
