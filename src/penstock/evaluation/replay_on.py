"""What fitted options did on held-out rows: per-row costs and qualities of every operating point and control.

Everything measured later (areas, savings, intervals) is computed from these arrays, so that a bootstrap can
reweight rows and recompute all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.belief import Belief, OwnAnswerBelief
from penstock.errors import TableError, TargetError
from penstock.estimators.features import Inputs
from penstock.estimators.recorded import RecordedAnswers
from penstock.evaluation.subject import Subject, Tuned
from penstock.fitting.select_candidates import complete_rows
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import groups_of
from penstock.policies.routing import Routing
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier, Position
from penstock.router.replay import replay
from penstock.router.targets import Target, TargetKind
from penstock.state import draw_of
from penstock.types import FloatArray, IntArray

SHARES = (0.95, 0.99, 1.0)
"""Shares of the best fixed candidate's quality at which savings are reported."""


@dataclass(frozen=True)
class OperatingCurve:
    """p operating points on n rows: ``cost`` and ``quality`` (p, n); ``lam`` (p,) NaN where a point
    has none."""

    cost: FloatArray
    quality: FloatArray
    lam: FloatArray

    def blend(self, where: Position) -> OperatingCurve:
        """Two points mixed, as a curve of one: both branches replayed, mixed analytically."""
        a, b, g = where.low, where.high, where.gamma
        return OperatingCurve(
            (g * self.cost[a] + (1 - g) * self.cost[b])[None, :],
            (g * self.quality[a] + (1 - g) * self.quality[b])[None, :],
            np.array([np.nan]),
        )


@dataclass(frozen=True)
class HeldOutOption:
    """One option on test rows: its guarded and unguarded curves, the points tuned for ``SHARES``, its
    estimates ``predicted`` (n, k), and seconds spent."""

    curve: OperatingCurve
    unguarded: OperatingCurve
    at_share: Mapping[float, OperatingCurve]
    predicted: FloatArray
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class HeldOutResult:
    """n complete test rows. ``quality`` and ``cost`` (n, k) are true; ``cheapest`` and ``best`` the fixed
    candidates so named on fitting rows."""

    names: tuple[str, ...]
    quality: FloatArray
    cost: FloatArray
    cluster: IntArray
    cheapest: OperatingCurve
    best: OperatingCurve
    mix: OperatingCurve
    options: Mapping[str, HeldOutOption]
    dropped: int


@dataclass(frozen=True)
class HeldOutRows:
    """The complete rows of a test matrix, encoded and read once for all options. ``draws``: the matrix with
    each draw of its samples, one where nobody looks at answers, and the ``answers`` of each."""

    draws: tuple[OutcomeMatrix, ...]
    answers: tuple[RecordedAnswers, ...]
    inputs: Inputs
    draw: FloatArray
    dropped: int

    @property
    def matrix(self) -> OutcomeMatrix:
        """The first draw."""
        return self.draws[0]

    @classmethod
    def of(cls, matrix: OutcomeMatrix, subject: Subject, seed: int) -> HeldOutRows:
        """Raises TableError where a candidate is missing, no row is complete, or the cost units differ."""
        names = subject.candidates
        if matrix.cost_unit != subject.cost_unit:
            raise TableError(
                f"the test costs are in {matrix.cost_unit}, but what is tested was fitted on "
                f"{subject.cost_unit}",
                field="--cost",
            )
        for name in names:
            if name not in matrix.candidates:
                raise TableError(f"candidate {name!r} was fitted but has no outcome in the test table")
        chosen = matrix.select(names)
        complete = complete_rows(chosen)
        if not complete.any():
            raise TableError(f"no test query was answered, scored and costed by all of {', '.join(names)}")
        rows = chosen.rows(complete)
        looks = any(option.model.post_hoc is not None for option in subject.options.values())
        draws = rows.replicates if looks else rows.replicates[:1]
        return cls(
            draws=draws,
            answers=tuple(RecordedAnswers.of(r) for r in draws),
            inputs=subject.option.model.encoder.encode(rows.queries),  # one encoder serves all options
            draw=np.array([draw_of(q.id, seed) for q in rows.queries]),
            dropped=len(chosen) - len(rows),
        )


def replay_on(subject: Subject, rows: HeldOutRows) -> HeldOutResult:
    """Replay every option of ``subject`` on held-out rows."""
    names, matrix = subject.candidates, rows.matrix
    options = {name: _replay_option(option, rows) for name, option in subject.options.items()}
    first = subject.fixed_mixture.points[0].policy
    zero = np.zeros_like(matrix.quality)
    nothing = OwnAnswerBelief(zero, zero, matrix.cost, rows.draw)
    cheapest = replay(first, nothing, matrix.quality, matrix.cost)
    best = names.index(subject.best_fixed)
    none = np.array([np.nan])
    return HeldOutResult(
        names=names,
        quality=matrix.quality,
        cost=matrix.cost,
        cluster=np.unique(groups_of(matrix.queries), return_inverse=True)[1],
        cheapest=OperatingCurve(cheapest.cost[None, :], cheapest.quality[None, :], none),
        best=OperatingCurve(matrix.cost[:, best][None, :], matrix.quality[:, best][None, :], none),
        mix=_curve(subject.fixed_mixture, nothing, matrix),
        options=options,
        dropped=rows.dropped,
    )


def _replay_option(option: Tuned, rows: HeldOutRows) -> HeldOutOption:
    started = perf_counter()
    predicted = option.model.quality(rows.inputs)
    seen = beliefs_on(option.model, rows)
    curve = _mean([_curve(option.frontier, *draw) for draw in seen])
    replayed = perf_counter() - started
    at_share = {share: at_quality(option.frontier, curve, share) for share in SHARES}
    same = option.unguarded is option.frontier
    unguarded = curve if same else _mean([_curve(option.unguarded, *draw) for draw in seen])
    seconds = {**option.seconds, "replay": replayed}
    return HeldOutOption(curve, unguarded, at_share, predicted, seconds)


def beliefs_on(model: BeliefModel, rows: HeldOutRows) -> list[tuple[Belief, OutcomeMatrix]]:
    """What a router would believe and get, for every draw of the samples; one where it never looks at
    answers. Who accepts an answer because of what it shows gets its quality, not that of others."""
    before = model.before(rows.inputs, rows.draw)
    if model.post_hoc is None:
        return [(model.recorded(before, None), rows.matrix)]
    return [
        (model.recorded(before, answers), replace(matrix, quality=matrix.drawn_quality))
        for matrix, answers in zip(rows.draws, rows.answers, strict=True)
    ]


def at_quality(frontier: Frontier, curve: OperatingCurve, share: float) -> OperatingCurve:
    """The point tuned for a share of the best fixed quality; the frontier's last where none was found."""
    try:
        where = frontier.locate(Target(TargetKind.QUALITY, share))
    except TargetError:
        last = len(frontier.points) - 1
        where = Position(last, last, 1.0)
    return curve.blend(where)


def _curve(frontier: Frontier, belief: Belief, matrix: OutcomeMatrix) -> OperatingCurve:
    replays = [replay(p.policy, belief, matrix.quality, matrix.cost) for p in frontier.points]
    lam = [p.policy.lam if isinstance(p.policy, Routing) else np.nan for p in frontier.points]
    return OperatingCurve(
        np.stack([r.cost for r in replays]), np.stack([r.quality for r in replays]), np.array(lam)
    )


def _mean(curves: Sequence[OperatingCurve]) -> OperatingCurve:
    """The same points with other samples shown: what they cost and give on average, query by query."""
    cost, quality = (np.mean([getattr(c, name) for c in curves], axis=0) for name in ("cost", "quality"))
    return OperatingCurve(cost, quality, curves[0].lam)


LEVELS = 41


def pool(parts: Sequence[tuple[Subject, HeldOutResult]]) -> HeldOutResult:
    """One realisation from several fits that were each tested on rows of their own (task-out folds).

    The fits' frontiers have different vertices, so each is read at the same ``LEVELS`` shares of its own cost
    range [cheapest, best fixed] and equal levels are joined.
    """
    names = parts[0][1].names
    parts = [(f, _in_order(r, names)) for f, r in parts]
    held_out = [r for _, r in parts]
    option_names = [n for n in held_out[0].options if all(n in r.options for r in held_out)]
    options = {}
    for name in option_names:
        levelled = [(_levels(f.options[name].frontier, r.options[name].curve)) for f, r in parts]
        loose = [_levels(f.options[name].unguarded, r.options[name].unguarded) for f, r in parts]
        items = [r.options[name] for r in held_out]
        options[name] = HeldOutOption(
            _join(levelled),
            _join(loose),
            {share: _join([o.at_share[share] for o in items]) for share in SHARES},
            np.concatenate([o.predicted for o in items]),
            {key: sum(o.seconds[key] for o in items) for key in items[0].seconds},
        )
    offsets = np.cumsum([0] + [int(r.cluster.max()) + 1 for r in held_out])
    return HeldOutResult(
        names=names,
        quality=np.concatenate([r.quality for r in held_out]),
        cost=np.concatenate([r.cost for r in held_out]),
        cluster=np.concatenate([r.cluster + o for r, o in zip(held_out, offsets, strict=False)]),
        cheapest=_join([r.cheapest for r in held_out]),
        best=_join([r.best for r in held_out]),
        mix=_join([_levels(f.fixed_mixture, r.mix) for f, r in parts]),
        options=options,
        dropped=sum(r.dropped for r in held_out),
    )


def _in_order(held_out: HeldOutResult, names: Sequence[str]) -> HeldOutResult:
    """The same with its candidates in another order: every fit ranks them by the cost on its own rows."""
    columns = [held_out.names.index(name) for name in names]
    options = {
        key: replace(option, predicted=option.predicted[:, columns])
        for key, option in held_out.options.items()
    }
    return replace(
        held_out,
        names=tuple(names),
        quality=held_out.quality[:, columns],
        cost=held_out.cost[:, columns],
        options=options,
    )


def _levels(frontier: Frontier, curve: OperatingCurve) -> OperatingCurve:
    costs = [p.cost for p in frontier.points]
    low, high = min(costs[0], frontier.best_fixed.cost), frontier.best_fixed.cost
    points = []
    for level in np.linspace(0.0, 1.0, LEVELS):
        budget = max(low + level * (high - low), costs[0])
        points.append(curve.blend(frontier.locate(Target(TargetKind.BUDGET, float(budget)))))
    return OperatingCurve(
        np.concatenate([p.cost for p in points]),
        np.concatenate([p.quality for p in points]),
        np.full(len(points), np.nan),
    )


def _join(curves: Sequence[OperatingCurve]) -> OperatingCurve:
    return OperatingCurve(
        np.concatenate([c.cost for c in curves], axis=1),
        np.concatenate([c.quality for c in curves], axis=1),
        curves[0].lam,
    )
