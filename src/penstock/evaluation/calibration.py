"""How true estimates are: expected calibration error, Brier score, reliability."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.types import FloatArray

BINS = 10


def calibration(predicted: FloatArray, observed: FloatArray) -> dict[str, Any]:
    """Of estimates (n, k) against outcomes (n, k): ``ece`` over bins of equal count, ``brier`` (mean squared
    error, the outcome being a share), and the bins themselves."""
    p, y = predicted.ravel(), observed.ravel()
    order = np.argsort(p, kind="stable")
    bins = [b for b in np.array_split(order, min(BINS, len(order))) if len(b)]
    rows = [{"predicted": float(p[b].mean()), "observed": float(y[b].mean()), "count": len(b)} for b in bins]
    ece = sum(len(b) * abs(p[b].mean() - y[b].mean()) for b in bins) / len(p)
    return {
        "ece": round(float(ece), 6),
        "brier": round(float(((p - y) ** 2).mean()), 6),
        "reliability": [
            {"predicted": round(r["predicted"], 6), "observed": round(r["observed"], 6), "count": r["count"]}
            for r in rows
        ],
    }
