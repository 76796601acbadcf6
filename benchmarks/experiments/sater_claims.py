"""What was to hold, decided on the measured answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from benchmarks.experiments.result import Claim
from benchmarks.experiments.sater_answers import Answers, mean
from benchmarks.experiments.sater_runs import RCV, Found, Trained, Way
from benchmarks.experiments.sater_votes import TAUS, Point, Sweep, cascade, cost_of, equal, ranged
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
    share: FloatArray = np.mean([t.two.refused[:, 1:].mean(axis=0) for t in found.trained], axis=0)
    return share


def refusal_by_level(found: Found) -> FloatArray:
    """(8,) mean over seeds and thresholds."""
    level = found.voted.level
    by_seed = [[t.two.refused[level == at, 1:].mean() for at in LEVELS] for t in found.trained]
    share: FloatArray = np.mean(by_seed, axis=0)
    return share


def answered_accuracy(answers: Answers, rows: IntArray) -> FloatArray:
    """(10,) accuracy of what is answered at each threshold; NaN where nothing is."""
    right = answers.correct[rows, 1:].sum(axis=0)
    kept = (~answers.refused[rows, 1:]).sum(axis=0)
    share: FloatArray = np.divide(right, kept, out=np.full(len(THRESHOLDS), np.nan), where=kept > 0)
    return share


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
    """Self-consistency at one threshold, and every vote of the trained model where the system is equally
    good: means over seeds. ``before`` and ``at[way]`` have the keys arol, spend, routed and a cost per
    ratio."""

    tau: float
    quality: float
    before: dict[str, float]
    at: dict[Way, dict[str, float]]

    def ceiling(self, ratio: float) -> float:
        """What of the total cost is the small model's: all that can be saved without routing less."""
        return self.before["spend"] / self.before[_cost(ratio)]

    def saved(self, way: Way, ratio: float) -> float:
        """Share of the total cost that a vote saves."""
        return falls_by(self.before[_cost(ratio)], self.at[way][_cost(ratio)])


def matched(found: Found) -> list[Matched]:
    """Self-consistency of the base model with all samples, against the trained model's votes where the system
    is equally good.

    A vote's curve begins with the trained model alone and goes on over its thresholds of acceptance as long
    as quality rises; it is read at SC's quality by linear interpolation, at the nearest point beyond its
    ends.
    """
    full = [_figures(point, found) for point in self_consistency(found)]
    lines = {
        way: [
            [_figures(point, found) for point in (_alone(found, t), *sweep_of(found, t, way))]
            for t in found.trained
        ]
        for way in found.plan.ways
    }
    return [
        Matched(
            tau,
            point["quality"],
            point,
            {way: _mean_at(point["quality"], seeds) for way, seeds in lines.items()},
        )
        for tau, point in zip(TAUS, full, strict=True)
    ]


def self_consistency(found: Found) -> Sweep:
    """The base model's vote with all samples, at every threshold of acceptance."""
    return cascade(found.voted, found.votes, equal(found.votes), early=False)


def sweep_of(found: Found, trained: Trained, way: Way) -> Sweep:
    """One vote of a trained model, at every threshold of acceptance."""
    answers = trained.votes[way]
    return cascade(found.voted, answers, ranged(answers) if way.threshold is None else equal(answers))


def _cost(ratio: float) -> str:
    return f"cost {ratio:g}"


def _figures(point: Point, found: Found) -> dict[str, float]:
    tokens = found.voted.prompt + found.large.tokens[:, 0]
    return {
        "quality": mean(point.quality(found.large.correct[:, 0])),
        "arol": point.waiting.arol,
        "spend": mean(point.spent),
        "routed": mean(point.routed),
        **{_cost(r): mean(cost_of(point, r, tokens)) for r in RATIOS},
    }


def _alone(found: Found, trained: Trained) -> Point:
    """The trained model answering everything itself, one plain answer each: the lower end of its votes."""
    two, n = trained.two, found.plan.voted
    tokens = two.tokens[:, 0]
    nobody = np.zeros(n, dtype=np.bool_)
    return Point(0.0, nobody, two.correct[:, 0], found.voted.prompt + tokens, tokens)


def rising(line: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """The points of a curve, in order, that are better than every one before: beyond its best a vote routes
    right answers away, dearer and worse, and nobody would run it there."""
    kept: list[Mapping[str, float]] = []
    for point in line:
        if not kept or point["quality"] > kept[-1]["quality"]:
            kept.append(point)
    return kept


def _mean_at(quality: float, seeds: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, float]:
    """The figures of each seed's curve at a quality, and their mean; a point between two of a curve is a lot
    drawn between their settings. Waiting before the large model is that of the setting that routes."""
    found = []
    for seed in seeds:
        line = rising(seed)
        reached = [point["quality"] for point in line]
        columns = {key: np.array([point[key] for point in line]) for key in line[0]}
        first = columns["arol"][np.isfinite(columns["arol"])][:1]
        columns["arol"] = np.where(np.isfinite(columns["arol"]), columns["arol"], first)
        found.append({key: float(np.interp(quality, reached, column)) for key, column in columns.items()})
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


REFERENCE = 0.5
"""SC's threshold of the claims: a majority of the ten samples."""


def against_self_consistency(found: Found) -> list[Claim]:
    """Waiting, spend and total cost at equal quality."""
    (at,) = [m for m in matched(found) if m.tau == REFERENCE]
    before, after = at.before, at.at[RCV]
    arol, spend = (falls_by(before[key], after[key]) for key in ("arol", "spend"))
    claims = [
        Claim(
            f"against self-consistency with {found.plan.k} full samples (accepted at {REFERENCE}, system "
            f"quality {at.quality:.3f}), AROL in tokens falls by at least {WAITING:.0%}: {RCV.name}, from "
            f"{before['arol']:.1f} to {after['arol']:.1f}, by {arol:.1%}",
            arol >= WAITING,
        ),
        Claim(
            f"the small model's spend falls by at least {SPEND:.0%} at equal quality: {RCV.name}, from "
            f"{before['spend']:.0f} to {after['spend']:.0f} tokens per query, by {spend:.1%}",
            spend >= SPEND,
        ),
    ]
    for ratio, way in found.plan.operating.items():
        saved, ceiling = at.saved(way, ratio), at.ceiling(ratio)
        claims.append(
            Claim(
                f"at price ratio {ratio:g} total cost falls by what the ratio allows: {way.name}, "
                f"{saved:.1%} of a ceiling of {ceiling:.1%} (all of the small model's spend), at least half "
                "of it",
                saved >= ceiling / 2,
            )
        )
    return claims


def claims_of(found: Found) -> tuple[Claim, ...]:
    """All, in the order of the issue."""
    return (*stage_one(found), *stage_two(found), *against_self_consistency(found))
