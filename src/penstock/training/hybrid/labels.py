"""Soft labels of a whole pool: each weaker model against the strongest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.training.hybrid.pairs import best_transformation, first_sample_label, win_share
from penstock.training.hybrid.samples import Samples
from penstock.training.hybrid.settings import Labels
from penstock.types import FloatArray


@dataclass(frozen=True)
class Labelled:
    """``values`` (n, m) in [0, 1], one column per weaker model; ``t`` (m,) is 0 but for ``trans``."""

    values: FloatArray
    t: tuple[float, ...]


def label(
    samples: Samples, weaker: Sequence[str], strongest: str, kind: Labels, t: Sequence[float] | None = None
) -> Labelled:
    """Labels of n queries. ``t`` given (from training queries) is used; otherwise ``trans`` searches it here.

    Raises InputError where a sample that is needed is missing.
    """
    large = samples.of(strongest)
    if kind == "det":
        columns = [first_sample_label(samples.of(name), large) for name in weaker]
        return Labelled(np.column_stack(columns), (0.0,) * len(weaker))
    if kind == "prob":
        found: tuple[float, ...] = (0.0,) * len(weaker)
    else:
        found = (
            tuple(t) if t is not None else tuple(best_transformation(samples.of(n), large) for n in weaker)
        )
    columns = [win_share(samples.of(name), large, at) for name, at in zip(weaker, found, strict=True)]
    return Labelled(np.column_stack(columns), found)
