"""Which option a fit ships, and why: by replay on rows its estimates had not seen, not by their accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from penstock.fitting.drafts import Believed
from penstock.fitting.result import MIX, Option
from penstock.fitting.rows import FittingRows


def best_estimates(known: Sequence[Believed], rows: FittingRows) -> Believed:
    """The estimator of least out-of-fold squared error: whoever looks at answers starts from it, and that has
    to be right in level on every query, not only in who is better."""
    target = np.nan_to_num(rows.quality)

    def error(item: Believed) -> float:
        return float((rows.weight * (item.ex_ante - target) ** 2).sum())

    return min(known, key=error)


def choose(options: Mapping[str, Option]) -> tuple[str, str]:
    """The option of the largest guarded area on tuning rows, the mix at ties; and why, in one sentence."""
    ranked = sorted(options, key=lambda name: (options[name].area, name == MIX), reverse=True)
    first = ranked[0]
    if len(options) == 1:
        return MIX, "there was nothing else to try"
    if first == MIX:
        return MIX, f"none of {len(options) - 1} options is above the mix with 95% confidence on these rows"
    mix = options[MIX].area
    why = f"mean quality over the cost range {options[first].area:.4f}, the mix {mix:.4f}"
    others = [name for name in ranked[1:] if name != MIX and options[name].area > mix]
    if others:
        why += f", next best {others[0]} {options[others[0]].area:.4f}"
    return first, f"{why}, by replay on rows the estimates had not seen"
