"""Evaluations as ``penstock evaluate --json`` prints them, made up for tests of the report."""

from __future__ import annotations

from typing import Any

CANDIDATES = {
    "gpt-4-1106-preview": (0.00985, 0.861),
    "claude-3-sonnet": (0.0041, 0.832),
    "mixtral-8x7b-instruct": (0.00062, 0.703),
    "llama-3-70b": (0.0009, 0.777),
    "llama-3-8b": (0.0002, 0.64),
    "gemma-7b": (0.00021, 0.633),
    "qwen-72b": (0.00098, 0.772),
}


def frontier(lift: float, bend: float, points: int = 9) -> list[dict[str, float]]:
    """A concave curve from the cheapest to the best candidate, ``lift`` above the latter at its end."""
    low, high = CANDIDATES["llama-3-8b"], CANDIDATES["gpt-4-1106-preview"]
    shares = [i / (points - 1) for i in range(points)]
    return [
        {
            "cost": low[0] + s**2 * (high[0] - low[0]),
            "quality": low[1] + s**bend * (high[1] + lift - low[1]),
            "lambda": 100 * (1 - s),
        }
        for s in shares
    ]


def saving(value: float, ratio: float) -> dict[str, Any]:
    """One level of a policy's saving with plausible intervals."""
    return {
        "saving": value,
        "ci95": [value - 0.04, value + 0.035],
        "quality_ratio": ratio,
        "quality_ratio_ci95": [ratio - 0.011, ratio + 0.01],
    }


def policy(auc: float, gain: float, lift: float, bend: float) -> dict[str, Any]:
    """One policy's entry."""
    return {
        "auc": auc,
        "auc_published_range": auc - 0.004,
        "gain_ratio": gain,
        "gain_ratio_ci95": [gain - 0.03, gain + 0.03],
        "saving": {"0.95": saving(0.62, 0.957), "0.99": saving(0.31, 0.986), "1.0": saving(0.12, 0.999)},
        "frontier": frontier(lift, bend),
        "seconds": {"fit": 1.234, "tune": 0.312, "replay": 0.0456},
    }


def full() -> dict[str, Any]:
    """An evaluation with every optional part."""
    names = ["ridge", "knn", "clusters", "logistic", "task-mean", "mean", "hashed-mlp"]
    policies = {
        f"routing/{name}": policy(0.828 - 0.006 * i, 0.21 - 0.05 * i, 0.004 - 0.002 * i, 0.34 + 0.02 * i)
        for i, name in enumerate(names)
    }
    policies["threshold-cascade/ridge"] = policy(0.83, 0.22, 0.006, 0.33)
    return {
        "dataset": "routerbench_subset (random split)",
        "fit_queries": 1564,
        "test_queries": 670,
        "dropped": 12,
        "candidates": list(CANDIDATES),
        "best_fixed": "gpt-4-1106-preview",
        "controls": {
            "cheapest": {"cost": 0.0002, "quality": 0.64},
            "best_fixed": {"cost": 0.00985, "quality": 0.861},
            "mix": {"auc": 0.806, "frontier": mix(0.0)},
            "hindsight_mix": {"auc": 0.809, "frontier": mix(0.004)},
            "oracle": {"auc": 0.927, "frontier": frontier(0.08, 0.16)},
            "fixed": [{"name": n, "cost": c, "quality": q} for n, (c, q) in CANDIDATES.items()],
        },
        "chosen": "routing/ridge",
        "policies": policies,
        "calibration": {
            "ridge": {"ece": 0.021, "brier": 0.151, "reliability": bins(0.02)},
            "knn": {"ece": 0.064, "brier": 0.168, "reliability": bins(0.09)},
        },
        "asked_achieved": [
            asked("budget", 0.002, 0.002, 0.803),
            asked("min_quality", 0.95, 0.0029, 0.818),
            asked("savings", 0.6, 0.0039, 0.829),
        ],
    }


def mix(lift: float) -> list[dict[str, float]]:
    """The hull of the fixed candidates."""
    hull = ("llama-3-8b", "llama-3-70b", "claude-3-sonnet", "gpt-4-1106-preview")
    return [{"cost": CANDIDATES[n][0], "quality": CANDIDATES[n][1] + lift} for n in hull]


def bins(error: float) -> list[dict[str, float]]:
    """A reliability table that is off by ``error``."""
    return [
        {"predicted": p / 10 + 0.05, "observed": min(1.0, p / 10 + 0.05 + error), "count": 10 + 14 * p}
        for p in range(1, 10)
    ]


def asked(target: str, value: float, cost: float, quality: float) -> dict[str, Any]:
    """One row of asked against achieved."""
    achieved = {
        "cost": cost * 1.03,
        "quality": quality - 0.006,
        "cost_ci95": [cost * 0.97, cost * 1.09],
        "quality_ci95": [quality - 0.02, quality + 0.01],
    }
    return {
        "target": target,
        "asked": value,
        "expected": {"cost": cost, "quality": quality},
        "achieved": achieved,
    }


def bare() -> dict[str, Any]:
    """An evaluation of one candidate: what has to be defined is, and nothing else."""
    nothing = {"saving": None, "ci95": None, "quality_ratio": None, "quality_ratio_ci95": None}
    reason = "the cheapest candidate is the best fixed candidate: the cost range is empty"
    return {
        "dataset": "one_candidate",
        "fit_queries": 7,
        "test_queries": 3,
        "dropped": 0,
        "candidates": ["only"],
        "best_fixed": "only",
        "controls": {
            "cheapest": {"cost": 0.0, "quality": 1.0},
            "best_fixed": {"cost": 0.0, "quality": 1.0},
            "mix": {"auc": None, "auc_reason": reason},
            "hindsight_mix": {"auc": None, "auc_reason": reason},
            "oracle": {"auc": None, "auc_reason": reason},
        },
        "chosen": "fixed/mean",
        "policies": {
            "fixed/mean": {
                "auc": None,
                "auc_published_range": None,
                "gain_ratio": None,
                "gain_ratio_ci95": None,
                "reasons": dict.fromkeys(("auc", "auc_published_range", "gain_ratio"), reason),
                "saving": {"0.95": nothing, "0.99": nothing, "1.0": None},
                "frontier": [],
                "seconds": {"fit": 0.0, "tune": None, "replay": 0.0},
            }
        },
    }
