"""What fitted options did on test rows: per-row costs and qualities of every operating point and control.

Everything measured later (areas, savings, intervals) is computed from these arrays, so that a bootstrap can
reweight rows and recompute all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.answers.features import Observations, observe
from penstock.errors import TableError, TargetError
from penstock.estimators.agreement.model import several
from penstock.estimators.features import Inputs
from penstock.estimators.post_hoc.logistic import predict_all
from penstock.fitting.result import Fit, Option
from penstock.fitting.select_candidates import complete_rows
from penstock.outcomes.matrix import Grid
from penstock.outcomes.splits import groups_of
from penstock.policies.routing import Routing
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Blend, Frontier
from penstock.router.replay import Beliefs, BeliefSource, replay
from penstock.router.set_beliefs import ConsensusBeliefs
from penstock.router.targets import Target, TargetKind
from penstock.state import draw_of
from penstock.types import FloatArray, IntArray

SHARES = (0.95, 0.99, 1.0)
"""Shares of the best fixed candidate's quality at which savings are reported."""


@dataclass(frozen=True)
class Curve:
    """p operating points on n rows: ``cost`` and ``quality`` (p, n); ``lam`` (p,) NaN where a point
    has none."""

    cost: FloatArray
    quality: FloatArray
    lam: FloatArray

    def blend(self, where: Blend) -> Curve:
        """Two points mixed, as a curve of one: both branches replayed, mixed analytically."""
        a, b, g = where.low, where.high, where.gamma
        return Curve(
            (g * self.cost[a] + (1 - g) * self.cost[b])[None, :],
            (g * self.quality[a] + (1 - g) * self.quality[b])[None, :],
            np.array([np.nan]),
        )


@dataclass(frozen=True)
class RealisedOption:
    """One option on test rows: its guarded and unguarded curves, the points tuned for ``SHARES``, its
    estimates ``predicted`` (n, k), and seconds spent."""

    curve: Curve
    unguarded: Curve
    at_share: Mapping[float, Curve]
    predicted: FloatArray
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Realised:
    """n complete test rows. ``quality`` and ``cost`` (n, k) are true; ``cheapest`` and ``best`` the fixed
    candidates so named on fitting rows."""

    names: tuple[str, ...]
    quality: FloatArray
    cost: FloatArray
    cluster: IntArray
    cheapest: Curve
    best: Curve
    mix: Curve
    options: Mapping[str, RealisedOption]
    dropped: int


@dataclass(frozen=True)
class TestRows:
    """The complete rows of a test grid, encoded and observed once for all options of one fit. ``others``: the
    same rows with other samples shown, where there are several."""

    __test__ = False  # not a test class, whatever its name

    grid: Grid
    inputs: Inputs
    seen: Observations | None
    codes: Mapping[str, IntArray]
    draw: FloatArray
    dropped: int
    others: tuple[TestRows, ...] = ()

    @classmethod
    def of(cls, grid: Grid, fit: Fit, seed: int) -> TestRows:
        """Raises TableError where a candidate is missing, no row is complete, or the cost units differ."""
        names = fit.selection.names
        if grid.cost_unit != fit.cost_unit:
            raise TableError(
                f"the test costs are in {grid.cost_unit}, but what is tested was fitted on {fit.cost_unit}",
                field="--cost",
            )
        for name in names:
            if name not in grid.candidates:
                raise TableError(f"candidate {name!r} was fitted but has no outcome in the test table")
        chosen = grid.select(names)
        complete = complete_rows(chosen)
        if not complete.any():
            raise TableError(f"no test query was answered, scored and costed by all of {', '.join(names)}")
        rows = chosen.rows(complete)
        beliefs = [option.belief for option in fit.options.values()]
        looks = any(looks_at_answers(b) for b in beliefs)
        comparisons = [b.consensus.comparison for b in beliefs if b.consensus is not None]
        by_form = {comparison.form: comparison for comparison in comparisons}
        inputs = fit.option.belief.encoder.encode(rows.queries)  # one encoder serves all options
        draw = np.array([draw_of(q.id, seed) for q in rows.queries])

        def showing(grid: Grid) -> TestRows:
            seen = observe(grid.answer_of, *grid.quality.shape) if looks else None
            compared = {form: comparison.codes(grid) for form, comparison in by_form.items()}
            return cls(grid, inputs, seen, compared, draw, len(chosen) - len(rows))

        first, *others = (showing(grid) for grid in (rows.showings if looks else rows.showings[:1]))
        return replace(first, others=tuple(others))


def realise(fit: Fit, rows: TestRows) -> Realised:
    """Replay every option of ``fit`` on test rows."""
    names, grid = fit.selection.names, rows.grid
    options = {name: _realise_option(option, rows) for name, option in fit.options.items()}
    first = fit.mix.points[0].policy
    nothing = Beliefs(np.zeros_like(grid.quality), np.zeros_like(grid.quality), grid.cost, rows.draw)
    cheapest = replay(first, nothing, grid.quality, grid.cost)
    best = names.index(fit.selection.best_fixed)
    none = np.array([np.nan])
    return Realised(
        names=names,
        quality=grid.quality,
        cost=grid.cost,
        cluster=np.unique(groups_of(grid.queries), return_inverse=True)[1],
        cheapest=Curve(cheapest.cost[None, :], cheapest.quality[None, :], none),
        best=Curve(grid.cost[:, best][None, :], grid.quality[:, best][None, :], none),
        mix=_curve(fit.mix, nothing, grid),
        options=options,
        dropped=rows.dropped,
    )


def _realise_option(option: Option, rows: TestRows) -> RealisedOption:
    started = perf_counter()
    predicted, _ = option.belief.before_inputs(rows.inputs)
    seen = showings(option.belief, rows)
    curve = _mean([_curve(option.frontier, *each) for each in seen])
    replayed = perf_counter() - started
    at_share = {share: at_quality(option.frontier, curve, share) for share in SHARES}
    same = option.unguarded is option.frontier
    unguarded = curve if same else _mean([_curve(option.unguarded, *each) for each in seen])
    seconds = {**option.seconds, "replay": replayed}
    return RealisedOption(curve, unguarded, at_share, predicted, seconds)


def showings(belief: BeliefModel, rows: TestRows) -> list[tuple[BeliefSource, Grid]]:
    """What a router would believe and get, for every sample that could be shown to it; one where it never
    looks at answers."""
    shown = (rows, *rows.others) if looks_at_answers(belief) else (rows,)
    return [(beliefs_on(belief, r)[1], as_accepted(belief, r.grid)) for r in shown]


def as_accepted(belief: BeliefModel, grid: Grid) -> Grid:
    """The grid with the qualities a router gets: of the very answers shown, where it looks at them."""
    return replace(grid, quality=grid.shown_quality) if looks_at_answers(belief) else grid


def looks_at_answers(belief: BeliefModel) -> bool:
    """Whether what it believes changes once a candidate has answered."""
    return belief.post_hoc is not None or belief.consensus is not None


def beliefs_on(belief: BeliefModel, rows: TestRows) -> tuple[FloatArray, BeliefSource]:
    """What a router would believe about test rows: (n, k) before any answer, and as answers come in."""
    quality, cost = belief.before_inputs(rows.inputs)
    post_hoc = quality
    if belief.post_hoc is not None and rows.seen is not None:
        post_hoc = predict_all(belief.post_hoc, quality, rows.seen)
    if belief.consensus is not None and rows.seen is not None:
        which = np.zeros(len(quality), dtype=np.int64)
        code = rows.codes[belief.consensus.comparison.form]
        outlook = several([belief.consensus], which, quality, post_hoc, code, rows.seen.answered)
        return quality, ConsensusBeliefs(outlook, cost, rows.draw)
    return quality, Beliefs(
        quality,
        post_hoc,
        cost,
        rows.draw,
        belief.spread(quality),
        None if rows.seen is None else ~rows.seen.answered,
        None if rows.seen is None else rows.seen.confidence,
    )


def at_quality(frontier: Frontier, curve: Curve, share: float) -> Curve:
    """The point tuned for a share of the best fixed quality; the frontier's last where none was found."""
    try:
        where = frontier.locate(Target(TargetKind.QUALITY, share))
    except TargetError:
        last = len(frontier.points) - 1
        where = Blend(last, last, 1.0)
    return curve.blend(where)


def _curve(frontier: Frontier, beliefs: BeliefSource, grid: Grid) -> Curve:
    replays = [replay(p.policy, beliefs, grid.quality, grid.cost) for p in frontier.points]
    lam = [p.policy.lam if isinstance(p.policy, Routing) else np.nan for p in frontier.points]
    return Curve(np.stack([r.cost for r in replays]), np.stack([r.quality for r in replays]), np.array(lam))


def _mean(curves: Sequence[Curve]) -> Curve:
    """The same points with other samples shown: what they cost and give on average, query by query."""
    cost, quality = (np.mean([getattr(c, name) for c in curves], axis=0) for name in ("cost", "quality"))
    return Curve(cost, quality, curves[0].lam)


LEVELS = 41


def pool(parts: Sequence[tuple[Fit, Realised]]) -> Realised:
    """One realisation from several fits that were each tested on rows of their own (task-out folds).

    The fits' frontiers have different vertices, so each is read at the same ``LEVELS`` shares of its own cost
    range [cheapest, best fixed] and equal levels are joined.
    """
    names = parts[0][1].names
    parts = [(f, _in_order(r, names)) for f, r in parts]
    realised = [r for _, r in parts]
    option_names = [n for n in realised[0].options if all(n in r.options for r in realised)]
    options = {}
    for name in option_names:
        levelled = [(_levels(f.options[name].frontier, r.options[name].curve)) for f, r in parts]
        loose = [_levels(f.options[name].unguarded, r.options[name].unguarded) for f, r in parts]
        items = [r.options[name] for r in realised]
        options[name] = RealisedOption(
            _join(levelled),
            _join(loose),
            {share: _join([o.at_share[share] for o in items]) for share in SHARES},
            np.concatenate([o.predicted for o in items]),
            {key: sum(o.seconds[key] for o in items) for key in items[0].seconds},
        )
    offsets = np.cumsum([0] + [int(r.cluster.max()) + 1 for r in realised])
    return Realised(
        names=names,
        quality=np.concatenate([r.quality for r in realised]),
        cost=np.concatenate([r.cost for r in realised]),
        cluster=np.concatenate([r.cluster + o for r, o in zip(realised, offsets, strict=False)]),
        cheapest=_join([r.cheapest for r in realised]),
        best=_join([r.best for r in realised]),
        mix=_join([_levels(f.mix, r.mix) for f, r in parts]),
        options=options,
        dropped=sum(r.dropped for r in realised),
    )


def _in_order(realised: Realised, names: Sequence[str]) -> Realised:
    """The same with its candidates in another order: every fit ranks them by the cost on its own rows."""
    columns = [realised.names.index(name) for name in names]
    options = {
        key: replace(option, predicted=option.predicted[:, columns])
        for key, option in realised.options.items()
    }
    return replace(
        realised,
        names=tuple(names),
        quality=realised.quality[:, columns],
        cost=realised.cost[:, columns],
        options=options,
    )


def _levels(frontier: Frontier, curve: Curve) -> Curve:
    costs = [p.cost for p in frontier.points]
    low, high = min(costs[0], frontier.best_fixed.cost), frontier.best_fixed.cost
    points = []
    for level in np.linspace(0.0, 1.0, LEVELS):
        budget = max(low + level * (high - low), costs[0])
        points.append(curve.blend(frontier.locate(Target(TargetKind.BUDGET, float(budget)))))
    return Curve(
        np.concatenate([p.cost for p in points]),
        np.concatenate([p.quality for p in points]),
        np.full(len(points), np.nan),
    )


def _join(curves: Sequence[Curve]) -> Curve:
    return Curve(
        np.concatenate([c.cost for c in curves], axis=1),
        np.concatenate([c.quality for c in curves], axis=1),
        curves[0].lam,
    )
