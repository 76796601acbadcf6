"""Hybrid LLM (Ding et al., ICLR 2024) on the embedded models: three pairs, three kinds of label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import perf_counter

import numpy as np

from benchmarks.experiments import hybrid_page as page
from benchmarks.experiments.figure import Panel, figure
from benchmarks.experiments.hybrid_data import (
    MODELS,
    VOTED,
    Collected,
    assemble,
    sampling_jobs,
    seconds_per_query,
    work_job,
)
from benchmarks.experiments.hybrid_jobs import (
    Parts,
    Router,
    Task,
    cores,
    exported_router,
    gap_of,
    in_parallel,
    need_torch,
    train_router,
)
from benchmarks.experiments.result import Claim, Result, Settings
from penstock.training.hybrid.alignment import Alignment, align, spearman
from penstock.training.hybrid.pairs import best_transformation, first_sample_label, win_share
from penstock.training.hybrid.samples import Samples
from penstock.training.hybrid.score_routing import calibrate, held_out, sweep_scores
from penstock.training.hybrid.settings import Labels
from penstock.types import FloatArray

PAIRS = {"small gap": ("small", VOTED), "medium gap": ("small", "large"), "large gap": ("tiny", "large")}
KINDS: tuple[Labels, ...] = ("det", "prob", "trans")
LEVELS = (0.1, 0.2, 0.4)
ROWS = 1200
SHARES = (0.5, 0.18)
"""Of the queries, for training and for validation; the rest tests."""
FEW = (60, 200)
"""Training queries of the check that asks when the kind of label matters."""
TIMED = 100
LIMIT = 1.0
DRAWS = 400
WORKERS = cores()


@dataclass(frozen=True)
class Found:
    """``drop`` at ``LEVELS`` (draws + 1, levels): the first row is the estimate, the others resample the test
    queries. Means over training seeds."""

    drop: FloatArray

    @property
    def value(self) -> FloatArray:
        """The estimates."""
        first: FloatArray = self.drop[0]
        return first

    def interval(self, level: int) -> tuple[float, float]:
        """95% interval of one level."""
        low, high = np.quantile(self.drop[1:, level], [0.025, 0.975])
        return float(low), float(high)

    def __sub__(self, other: Found) -> Found:
        return Found(self.drop - other.drop)


def experiment(settings: Settings) -> Result:
    """Sample, train, and make B3's tables."""
    need_torch()
    started = perf_counter()
    rows = settings.rows or ROWS
    data = assemble(rows, in_parallel(work_job, sampling_jobs(rows), WORKERS))
    sampled = perf_counter() - started
    parts, correct = split(data.quality), split(data.correct)
    routers, few, own = train_all(parts, correct, settings.seeds)
    trained = perf_counter() - started - sampled
    processor = sum(sum(getrusage(who)[:2]) for who in (RUSAGE_CHILDREN, RUSAGE_SELF))
    found = {
        (pair, kind): drops(parts.test, PAIRS[pair], [r.test for r in routers[pair, kind]])
        for pair, kind in product(PAIRS, KINDS)
    }
    random = {pair: random_drops(parts.test, PAIRS[pair]) for pair in PAIRS}
    separations = {
        (pair, kind): separation(parts.test, PAIRS[pair], routers[pair, kind][0].test)
        for pair, kind in product(PAIRS, KINDS)
    }
    latency = latencies(data, parts)
    metrics = {
        pair: align(gap_of(parts.validation, *names), gap_of(correct.validation, *names))
        for pair, names in PAIRS.items()
    }
    body = page.body(
        pairs=page.pairs(data, PAIRS, routers),
        drops=page.drops(found, random, PAIRS, KINDS, LEVELS),
        calibrated=page.calibrated(calibrations(parts, routers), PAIRS, KINDS),
        separations=page.separations(separations, PAIRS, KINDS),
        latency=page.latency(latency),
        metrics=page.metrics(metrics, other_metric(correct.test, routers, own), LEVELS[1:]),
        transfer=page.transfer(transfers(parts, routers), LEVELS[1:]),
        why=page.why(ceilings(parts), {k: few_drops(parts, v) for k, v in few.items()}, found, KINDS, LEVELS),
        parts=f"{len(parts.training)} / {len(parts.validation)} / {len(parts.test)}",
        seconds=(sampled, trained, processor),
        seeds=settings.seeds,
    )
    svg = chart(parts.test, routers)
    claims = decide(found, random, separations, latency)
    return Result("Hybrid LLM on the embedded models", body, tuple(claims), {"hybrid.svg": svg})


def split(samples: Samples) -> Parts:
    """Problems come in random order: the first train, the next choose, the others test."""
    first, second = (round(s * len(samples)) for s in (SHARES[0], sum(SHARES)))
    index = np.arange(len(samples))
    return Parts(*(samples.rows(i) for i in (index[:first], index[first:second], index[second:])))


def train_all(
    parts: Parts, correct: Parts, seeds: int
) -> tuple[
    dict[tuple[str, Labels], list[Router]],
    dict[tuple[int, Labels], list[Router]],
    dict[str, list[Router]],
]:
    """Routers of every pair and kind, of the large gap on few training queries, and of every pair on
    correctness (where t* is always 0, so that prob and trans are one)."""
    whole = list(product(PAIRS, KINDS, range(seeds)))
    small = [
        (n, kind, seed) for n, kind, seed in product(FEW, KINDS, range(seeds)) if n < len(parts.training)
    ]
    tasks = [Task(parts, *PAIRS[p], kind, seed, len(parts.training)) for p, kind, seed in whole]
    tasks += [Task(parts, *PAIRS["large gap"], kind, seed, n) for n, kind, seed in small]
    right = list(product(PAIRS, range(seeds)))
    tasks += [Task(correct, *PAIRS[p], "prob", seed, len(correct.training)) for p, seed in right]
    made = in_parallel(train_router, tasks, WORKERS)
    routers: dict[tuple[str, Labels], list[Router]] = {}
    few: dict[tuple[int, Labels], list[Router]] = {}
    for (pair, kind, _), router in zip(whole, made, strict=False):
        routers.setdefault((pair, kind), []).append(router)
    for (n, kind, _), router in zip(small, made[len(whole) :], strict=False):
        few.setdefault((n, kind), []).append(router)
    own: dict[str, list[Router]] = {}
    for (pair, _), router in zip(right, made[len(whole) + len(small) :], strict=True):
        own.setdefault(pair, []).append(router)
    return routers, few, own


def resamples(n: int) -> list[FloatArray]:
    """Test rows as they are, then ``DRAWS`` times with replacement; the same for every router."""
    rng = np.random.default_rng(0)
    return [np.arange(n), *rng.integers(n, size=(DRAWS, n))]


def drops(test: Samples, names: tuple[str, str], scores: Sequence[FloatArray]) -> Found:
    """Drop at every level, mean over the scores (training seeds), with the test queries resampled."""
    small, large = (test.of(name).mean(axis=1) for name in names)
    rows = [
        np.mean([at_levels(s[i], small[i], large[i]) for s in scores], axis=0) for i in resamples(len(test))
    ]
    return Found(np.array(rows))


def at_levels(score: FloatArray, small: FloatArray, large: FloatArray) -> list[float]:
    """Drop at every level for one score."""
    swept = sweep_scores(score, small, large)
    return [swept.drop_at(level) for level in LEVELS]


def random_drops(test: Samples, names: tuple[str, str]) -> Found:
    """What sending a share of queries at random loses in expectation: that share of everything."""
    small, large = (test.of(name).mean(axis=1) for name in names)
    whole = [100 * (large[i] - small[i]).mean() / abs(large[i].mean()) for i in resamples(len(test))]
    return Found(np.outer(whole, LEVELS))


def separation(test: Samples, names: tuple[str, str], score: FloatArray) -> dict[float, float]:
    """Mean gap of queries sent to the weaker model minus that of the others, by cost advantage."""
    swept = sweep_scores(score, *(test.of(name).mean(axis=1) for name in names))
    inner = slice(1, -1)
    return {
        level: float(np.interp(level, swept.advantage[inner], swept.separation[inner]))
        for level in (0.1, 0.2, 0.4, 0.6, 0.8)
    }


def calibrations(
    parts: Parts, routers: Mapping[tuple[str, Labels], Sequence[Router]]
) -> dict[tuple[str, Labels], tuple[float, float, float, float]]:
    """Drop and advantage on validation and on test, mean over seeds, at most ``LIMIT`` percent asked."""
    made = {}
    for (pair, kind), group in routers.items():
        sides = [[p.of(name).mean(axis=1) for name in PAIRS[pair]] for p in (parts.validation, parts.test)]
        rows = []
        for router in group:
            chosen = calibrate(router.validation, *sides[0], limit=LIMIT)
            test = held_out(chosen.threshold, router.test, *sides[1])
            rows.append((chosen.drop, 100 * chosen.advantage, test.drop, 100 * test.advantage))
        made[pair, kind] = tuple(np.mean(rows, axis=0).tolist())
    return made


def other_metric(
    correct: Samples,
    routers: Mapping[tuple[str, Labels], Sequence[Router]],
    own: Mapping[str, Sequence[Router]],
) -> dict[str, tuple[list[float], list[float], list[float]]]:
    """Drop in *correctness*, at 20 and 40%, of routers trained on likelihood (trans), of routers trained on
    correctness, and of random routing."""
    made = {}
    for pair, names in PAIRS.items():
        small, large = (correct.of(name).mean(axis=1) for name in names)
        groups = routers[pair, "trans"], own[pair]
        learned = [
            np.mean([at_levels(r.test, small, large)[1:] for r in group], axis=0).tolist() for group in groups
        ]
        whole = 100 * float((large - small).mean() / large.mean())
        made[pair] = learned[0], learned[1], [level * whole for level in LEVELS[1:]]
    return made


def transfers(
    parts: Parts, routers: Mapping[tuple[str, Labels], Sequence[Router]]
) -> dict[tuple[str, str], tuple[Alignment, list[float]]]:
    """A router of one pair on another: do gaps correlate (on validation), and what is lost (on test)."""
    made = {}
    for source, target in product(PAIRS, PAIRS):
        if source == target:
            continue
        gaps = (gap_of(parts.validation, *PAIRS[p]) for p in (source, target))
        small, large = (parts.test.of(name).mean(axis=1) for name in PAIRS[target])
        rows = [at_levels(r.test, small, large)[1:] for r in routers[source, "trans"]]
        made[source, target] = align(*gaps), np.mean(rows, axis=0).tolist()
    return made


def latencies(data: Collected, parts: Parts) -> dict[str, FloatArray]:
    """Seconds per query, one at a time: the router, and every model's answer."""
    problems = data.problems[-TIMED:]
    model = exported_router(Task(parts, *PAIRS["medium gap"], "prob", 0, len(parts.training)))
    times = []
    model.scores([problems[0].prompt])
    for problem in problems:
        started = perf_counter()
        model.scores([problem.prompt])
        times.append(perf_counter() - started)
    return {"router": np.array(times), **{name: seconds_per_query(name, problems) for name in MODELS}}


def ceilings(parts: Parts) -> dict[tuple[str, Labels], tuple[float, list[float]]]:
    """How far the labels themselves would route: those of one half of the samples rank, the others judge.

    (rank correlation with the other half's gap, drop at every level).
    """
    made: dict[tuple[str, Labels], tuple[float, list[float]]] = {}
    for pair, names in PAIRS.items():
        small, large = (parts.test.of(name) for name in names)
        half = small.shape[1] // 2
        seen, judged = (small[:, :half], large[:, :half]), (small[:, half:].mean(1), large[:, half:].mean(1))
        t = best_transformation(*(parts.training.of(name) for name in names))
        labels = {"det": first_sample_label(*seen), "prob": win_share(*seen), "trans": win_share(*seen, t)}
        for kind in KINDS:
            gap = judged[0] - judged[1]
            made[pair, kind] = spearman(labels[kind], gap), at_levels(labels[kind], *judged)
    return made


def few_drops(parts: Parts, routers: Sequence[Router]) -> Found:
    """Drops of routers of the large gap."""
    return drops(parts.test, PAIRS["large gap"], [r.test for r in routers])


def chart(test: Samples, routers: Mapping[tuple[str, Labels], Sequence[Router]]) -> str:
    """Drop against cost advantage, first training seed."""
    panels = []
    for pair, names in PAIRS.items():
        small, large = (test.of(name).mean(axis=1) for name in names)
        lines = {}
        for kind in KINDS:
            swept = sweep_scores(routers[pair, kind][0].test, small, large)
            lines[f"r_{kind}"] = (100 * swept.advantage, swept.drop)
        lines["random"] = (np.array([0.0, 100.0]), np.array([0.0, swept.drop[-1]]))
        panels.append(
            Panel(
                f"{pair}: {names[0]} → {names[1]}",
                "cost advantage %",
                "drop %",
                lines,
                dashed=frozenset({"random"}),
            )
        )
    return figure("Hybrid LLM: drop against cost advantage, first training seed", panels)


def decide(
    found: Mapping[tuple[str, Labels], Found],
    random: Mapping[str, Found],
    separations: Mapping[tuple[str, Labels], Mapping[float, float]],
    latency: Mapping[str, FloatArray],
) -> list[Claim]:
    """What B3's tables show, held against ours."""
    claims = []
    for pair, kind in product(("medium gap", "large gap"), KINDS):
        saved = random[pair] - found[pair, kind]
        lows = [saved.interval(i)[0] for i in range(len(LEVELS))]
        text = f"{pair}: r_{kind} loses less than random routing at 10, 20 and 40% cost advantage"
        claims.append(Claim(f"{text} (least lower bound {min(lows):.2f} points)", min(lows) > 0))
        apart = min(separations[pair, kind].values())
        text = f"{pair}: r_{kind} sends the queries of smaller gap to the weaker model at every level"
        claims.append(Claim(f"{text} (least separation {apart:.2f})", apart > 0))
    for kind in KINDS:
        low, high = found["small gap", kind].interval(2)
        text = f"small gap: r_{kind} saves 40% of the calls with no drop within the interval"
        claims.append(Claim(f"{text} ({low:.2f} to {high:.2f}%)", low <= 0))
        value = found["medium gap", kind].value[1]
        text = f"medium gap: r_{kind} saves 20% of the calls for less than 1% drop ({value:.2f}%)"
        claims.append(Claim(text, bool(value < 1)))
    mean = [float(np.mean([found[p, k].value[2] for k in KINDS])) for p in PAIRS]
    claims.append(
        Claim(
            f"the larger the gap the larger the drop at 40% ({', '.join(f'{m:.1f}' for m in mean)}%)",
            mean == sorted(mean),
        )
    )
    more = found["large gap", "trans"] - found["large gap", "prob"]
    low, high = more.interval(2)
    text = "large gap: r_trans loses no more than r_prob at 40% cost advantage, within the interval"
    claims.append(Claim(f"{text} ({more.value[2]:+.2f}, {low:.2f} to {high:.2f} points)", low <= 0))
    ratio = float(latency["router"].mean() / latency["large"].mean())
    claims.append(
        Claim(f"the router takes less than a tenth of the large model's time ({ratio:.1%})", ratio < 0.1)
    )
    return claims
