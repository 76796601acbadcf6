"""What was to hold, decided on the measured answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from benchmarks.experiments.result import Claim
from benchmarks.experiments.sater_answers import Answers, mean
from benchmarks.experiments.sater_runs import Found
from benchmarks.experiments.sater_votes import Sweep, cascade, cost_of, equal, ranged
from penstock.evaluation.tradeoff import RATIOS
from penstock.evaluation.waiting import falls_by
from penstock.lab.problem import LEVELS, SKILLS
from penstock.training.sater.settings import THRESHOLDS
from penstock.types import FloatArray, IntArray

SHORTER, POINT, SKILL = 0.40, 0.01, 0.05
WAITING, SPEND = 0.80, 0.50
DRAWS = 1000


@dataclass(frozen=True)
class Interval:
    """A figure with the 95% interval of a bootstrap over items."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(per_item: FloatArray, seed: int = 0) -> Interval:
    """The mean of (n,) values."""
    return interval_of(len(per_item), lambda rows: float(per_item[rows].mean()), seed)


def interval_of(n: int, figure: Callable[[IntArray], float], seed: int = 0) -> Interval:
    """Any figure of a set of rows."""
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.integers(0, n, n)) for _ in range(DRAWS)])
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(figure(np.arange(n)), float(low), float(high))


def stage_one(found: Found) -> list[Claim]:
    """Shorter, and no less accurate."""
    base, after = found.base, [t.one for t in found.trained]
    shorter = [falls_by(base.tokens.mean(), one.tokens.mean()) for one in after]
    change = np.mean([one.correct[:, 0].astype(float) - base.correct[:, 0] for one in after], axis=0)
    bound = interval(change)
    need = items_needed(float(change.std()), POINT)
    worst = min(skill_changes(found).items(), key=lambda pair: min(pair[1]))
    return [
        Claim(
            f"Stage I shortens responses by at least {SHORTER:.0%}: by "
            + ", ".join(f"{s:.1%}" for s in shorter)
            + " (one figure per fine-tuning seed)",
            min(shorter) >= SHORTER,
        ),
        Claim(
            f"total accuracy falls by no more than 1 point: it changes by {100 * bound.value:+.1f} points, "
            f"95% from {100 * bound.low:+.1f} to {100 * bound.high:+.1f}, over {len(change):,} paired items "
            f"and {len(after)} seeds ({need:,} items bound a change of nothing within 1 point)",
            bound.low > -POINT,
        ),
        Claim(
            f"no skill falls by more than 5 points: the worst is {worst[0]}, by seed "
            + ", ".join(f"{100 * c:+.1f}" for c in worst[1]),
            min(worst[1]) >= -SKILL,
        ),
    ]


def skill_changes(found: Found) -> dict[str, list[float]]:
    """Change of accuracy by Stage I, by skill and seed."""
    skill = found.items.skill
    base = found.base.correct[:, 0]
    return {
        name: [mean(t.one.correct[skill == i, 0]) - mean(base[skill == i]) for t in found.trained]
        for i, name in enumerate(SKILLS)
    }


def items_needed(deviation: float, bound: float) -> int:
    """Paired items for a one-sided 95% bound of ``bound`` around a change of nothing."""
    return int(np.ceil((NormalDist().inv_cdf(0.975) * deviation / bound) ** 2))


def stage_two(found: Found) -> list[Claim]:
    """Refusals follow threshold and difficulty; accuracy of what is answered rises."""
    refused = refusal_by_threshold(found)
    level = refusal_by_level(found)
    steps, hard = np.diff(refused), np.diff(level.reshape(-1, 2).mean(axis=1))
    slope = interval_of(found.plan.voted, lambda rows: answered_slope(found, rows))
    return [
        Claim(
            f"the refusal rate rises with the threshold: {refused[0]:.2f} at 0.1 to {refused[-1]:.2f} at 1.0,"
            f" smallest step {steps.min():+.3f}",
            bool(steps.min() >= -POINT and refused[-1] > refused[0] + 0.1),
        ),
        Claim(
            f"the refusal rate rises with difficulty: {level[0]:.2f} at level 1 to {level[-1]:.2f} at level "
            f"8, smallest step between pairs of levels {hard.min():+.3f}",
            bool(hard.min() >= 0 and level[-1] > level[0] + 0.1),
        ),
        Claim(
            "the accuracy of answered questions trends up with the threshold: by "
            f"{100 * slope.value:+.1f} points from 0.1 to 1.0, 95% from {100 * slope.low:+.1f} to "
            f"{100 * slope.high:+.1f} (slope of a line)",
            slope.low > 0,
        ),
    ]


def refusal_by_threshold(found: Found) -> FloatArray:
    """(10,) mean over seeds."""
    return np.mean([t.two.refused[:, 1:].mean(axis=0) for t in found.trained], axis=0)


def refusal_by_level(found: Found) -> FloatArray:
    """(8,) mean over seeds and thresholds."""
    level = found.voted.level
    return np.mean([[t.two.refused[level == at, 1:].mean() for at in LEVELS] for t in found.trained], axis=0)


def answered_accuracy(answers: Answers, rows: IntArray) -> FloatArray:
    """(10,) accuracy of what is answered at each threshold; NaN where nothing is."""
    right = answers.correct[rows, 1:].sum(axis=0)
    kept = (~answers.refused[rows, 1:]).sum(axis=0)
    return np.divide(right, kept, out=np.full(len(THRESHOLDS), np.nan), where=kept > 0)


def answered_slope(found: Found, rows: IntArray) -> float:
    """Rise of a least-squares line over the thresholds, from the first to the last, mean over seeds."""
    x = np.array(THRESHOLDS)
    slopes = []
    for trained in found.trained:
        y = answered_accuracy(trained.two, rows)
        there = np.isfinite(y)
        slopes.append(float(np.polyfit(x[there], y[there], 1)[0]) * (x[-1] - x[0]))
    return float(np.mean(slopes))


@dataclass(frozen=True)
class Matched:
    """Two ways at equal quality, at one threshold of self-consistency, means over seeds."""

    tau: float
    quality: float
    arol: tuple[float, float]
    spend: tuple[float, float]
    routed: tuple[float, float]
    cost: dict[float, tuple[float, float]]

    @property
    def ceiling(self) -> dict[float, float]:
        """What of the total cost is the small model's, by ratio: no vote can save more."""
        return {ratio: self.spend[0] / before for ratio, (before, _) in self.cost.items()}


def matched(found: Found) -> list[Matched]:
    """Self-consistency of the base model with all samples, against RCV where both are equally good.

    RCV's points (every threshold of every seed) are joined in order of quality and read at SC's quality by
    linear interpolation, at the nearest point beyond the ends.
    """
    large = found.large.correct[:, 0]
    tokens = found.voted.prompt + found.large.tokens[:, 0]
    full = cascade(found.voted, found.votes, equal(found.votes), early=False)
    rows = []
    for point in full:
        at = [
            _read(cascade(found.voted, t.ranged, ranged(t.ranged)), found, mean(point.quality(large)))
            for t in found.trained
        ]
        ours = {key: float(np.mean([one[key] for one in at])) for key in at[0]}
        cost = {r: (mean(cost_of(point, r, tokens)), ours[f"cost {r}"]) for r in RATIOS}
        rows.append(
            Matched(
                point.setting,
                mean(point.quality(large)),
                (point.waiting.arol, ours["arol"]),
                (mean(point.spent), ours["spend"]),
                (mean(point.routed), ours["routed"]),
                cost,
            )
        )
    return rows


def _read(sweep: Sweep, found: Found, quality: float) -> dict[str, float]:
    large = found.large.correct[:, 0]
    tokens = found.voted.prompt + found.large.tokens[:, 0]
    reached = np.array([mean(p.quality(large)) for p in sweep])
    order = np.argsort(reached, kind="stable")
    values = {
        "arol": [p.waiting.arol for p in sweep],
        "spend": [mean(p.spent) for p in sweep],
        "routed": [mean(p.routed) for p in sweep],
        **{f"cost {r}": [mean(cost_of(p, r, tokens)) for p in sweep] for r in RATIOS},
    }
    return {
        key: float(np.interp(quality, reached[order], np.nan_to_num(np.array(column))[order]))
        for key, column in values.items()
    }


REFERENCE = 0.5
"""SC's threshold of the claims: a majority of the ten samples."""


def against_self_consistency(found: Found) -> list[Claim]:
    """Waiting, spend and total cost at equal quality."""
    (at,) = [m for m in matched(found) if m.tau == REFERENCE]
    arol, spend = falls_by(*at.arol), falls_by(*at.spend)
    claims = [
        Claim(
            f"against self-consistency with 10 full samples (accepted at {REFERENCE}, system quality "
            f"{at.quality:.3f}), AROL in tokens falls by at least {WAITING:.0%}: from {at.arol[0]:.1f} to "
            f"{at.arol[1]:.1f}, by {arol:.1%}",
            arol >= WAITING,
        ),
        Claim(
            f"the small model's spend falls by at least {SPEND:.0%} at equal quality: from {at.spend[0]:.0f} "
            f"to {at.spend[1]:.0f} tokens per query, by {spend:.1%}",
            spend >= SPEND,
        ),
    ]
    for ratio, (before, after) in at.cost.items():
        saved, ceiling = falls_by(before, after), at.ceiling[ratio]
        claims.append(
            Claim(
                f"at price ratio {ratio:g} total cost falls by what the ratio allows: {saved:.1%} of a "
                f"ceiling of {ceiling:.1%} (all of the small model's spend), at least half of it",
                saved >= ceiling / 2,
            )
        )
    return claims


def claims_of(found: Found) -> tuple[Claim, ...]:
    """All, in the order of the issue."""
    return (*stage_one(found), *stage_two(found), *against_self_consistency(found))
