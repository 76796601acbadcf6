"""SATER on the embedded models: trains, asks, and makes the page."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments import sater_claims as claims
from benchmarks.experiments.figure import Panel, figure
from benchmarks.experiments.result import Result
from benchmarks.experiments.sater_answers import Answers, mean
from benchmarks.experiments.sater_runs import FCV, RCV, TEMPERATURE, Found
from benchmarks.experiments.sater_votes import (
    TAUS,
    Sweep,
    adaptive_spend,
    areas,
    before_generation,
    cascade,
    ends_of,
    equal,
)
from penstock.evaluation.tradeoff import RATIOS
from penstock.lab.problem import LEVELS, SKILLS
from penstock.training.sater.settings import THRESHOLDS


def result_of(found: Found) -> Result:
    """The page of everything that was measured."""
    body = _PAGE.format(
        n=len(found.items),
        voted=found.plan.voted,
        questions=found.plan.questions,
        k=found.plan.k,
        fixed=FCV.threshold,
        chosen=chosen(found),
        reference=claims.REFERENCE,
        temperature=found.plan.settings.sampling.temperature,
        second=TEMPERATURE,
        lengths=lengths(found),
        skills=skills(found),
        refusals=refusals(found),
        refusal_levels=refusal_levels(found),
        areas=trade_off(found),
        perfect=trade_off(found, perfect=True),
        waiting=waits(found),
        matched=matched(found),
        speed=f"{found.tokens_per_second:,.0f}",
        adaptive=adaptive(found),
    )
    svg = figure("SATER on the embedded models", panels(found))
    return Result("SATER on the embedded models", body, claims.claims_of(found), {"sater.svg": svg})


def methods(found: Found, seed: int) -> dict[str, Sweep]:
    """Every method over its settings, with the weights of one seed."""
    voted, trained = found.voted, found.trained[seed]
    two = trained.two
    at = Answers(two.correct[:, 1:], two.refused[:, 1:], two.tokens[:, 1:], two.ballot[:, 1:])
    return {
        "pre-generation": before_generation(voted, at, THRESHOLDS),
        "SC, base, all samples": claims.self_consistency(found),
        "SC, base, early stop": cascade(voted, found.votes, equal(found.votes)),
        **{way.name: claims.sweep_of(found, trained, way) for way in (RCV, FCV)},
    }


def lengths(found: Found) -> str:
    """Accuracy and tokens by level."""
    level = found.items.level
    rows = []
    for at in (*LEVELS, None):
        chosen = level == at if at else np.ones(len(level), dtype=bool)
        one = [t.one for t in found.trained]
        rows.append(
            [
                f"level {at}" if at else "all",
                int(chosen.sum()),
                f"{mean(found.base.correct[chosen, 0]):.3f}",
                _range([mean(a.correct[chosen, 0]) for a in one], ".3f"),
                f"{mean(found.base.tokens[chosen, 0]):.1f}",
                _range([mean(a.tokens[chosen, 0]) for a in one], ".1f"),
            ]
        )
    head = ["", "items", "accuracy, base", "Stage I, seeds", "tokens, base", "Stage I, seeds"]
    return page.table(head, rows)


def skills(found: Found) -> str:
    """The same by skill, with Stage II asked plainly and the change by Stage I with its interval."""
    rows = []
    skill = found.items.skill
    for i, name in enumerate(SKILLS):
        chosen, few = skill == i, found.voted.skill == i
        change = np.mean(
            [t.one.correct[chosen, 0].astype(float) - found.base.correct[chosen, 0] for t in found.trained],
            axis=0,
        )
        at = claims.interval(100 * change)
        rows.append(
            [
                name,
                f"{mean(found.base.correct[chosen, 0]):.3f}",
                _range([mean(t.one.correct[chosen, 0]) for t in found.trained], ".3f"),
                f"{at.value:+.1f} [{at.low:+.1f}, {at.high:+.1f}]",
                f"{mean(found.base.tokens[chosen, 0]):.1f}",
                _range([mean(t.one.tokens[chosen, 0]) for t in found.trained], ".1f"),
                _range([mean(t.two.correct[few, 0]) for t in found.trained], ".3f"),
                _range([mean(t.two.tokens[few, 0]) for t in found.trained], ".1f"),
            ]
        )
    head = ["", "accuracy, base", "Stage I", "change, points", "tokens, base", "Stage I"]
    return page.table([*head, "accuracy, I+II asked plainly", "tokens"], rows)


def refusals(found: Found) -> str:
    """By threshold: refused, accuracy of what is answered, tokens."""
    everything = np.arange(found.plan.voted)
    rows = []
    for j, threshold in enumerate(THRESHOLDS):
        refused = [mean(t.two.refused[:, j + 1]) for t in found.trained]
        right = [claims.answered_accuracy(t.two, everything)[j] for t in found.trained]
        tokens = [mean(t.two.tokens[:, j + 1]) for t in found.trained]
        rows.append([threshold, _range(refused, ".3f"), _range(right, ".3f"), _range(tokens, ".1f")])
    return page.table(["threshold", "refused", "accuracy of answered", "tokens"], rows)


def refusal_levels(found: Found) -> str:
    """Share refused by threshold and level, mean over seeds."""
    level = found.voted.level
    rows = [
        [
            threshold,
            *(
                f"{np.mean([mean(t.two.refused[level == at, j + 1]) for t in found.trained]):.2f}"
                for at in LEVELS
            ),
        ]
        for j, threshold in enumerate(THRESHOLDS)
        if j % 2 == 0 or threshold == 1.0
    ]
    return page.table(["refused at", *(f"level {at}" for at in LEVELS)], rows)


def trade_off(found: Found, *, perfect: bool = False) -> str:
    """ToA and ToGR of every method and ratio, over seeds."""
    rows = []
    for name in methods(found, 0):
        cells: list[str] = []
        for ratio in RATIOS:
            got = [_areas(found, seed, name, ratio, perfect=perfect) for seed in range(len(found.trained))]
            cells += [_range([100 * a for a, _ in got], ".1f"), _range([b for _, b in got], ".2f")]
        rows.append([name, *cells])
    head = [f"{what}, {ratio:g}" for ratio in RATIOS for what in ("ToA x 100", "ToGR")]
    return page.table(["", *head], rows)


def _areas(found: Found, seed: int, name: str, ratio: float, *, perfect: bool) -> tuple[float, float]:
    ends = ends_of(ratio, found.voted, _first(found), found.large)
    sweep = methods(found, seed)[name]
    toa, togr, _, _ = areas(sweep, ratio, found.voted, ends, found.large, perfect=perfect)
    return toa, togr


def _first(found: Found) -> Answers:
    """The base model's greedy answers to the voted items."""
    n, base = found.plan.voted, found.base
    return Answers(base.correct[:n], base.refused[:n], base.tokens[:n], base.ballot[:n])


def waits(found: Found) -> str:
    """AGL and AROL in tokens and seconds, at a few thresholds."""
    rows = []
    shown = (0.3, 0.5, 0.7, 0.9)
    for name in methods(found, 0):
        for j, setting in enumerate(TAUS):
            if setting not in shown:
                continue
            at = [methods(found, seed)[name][j].waiting for seed in range(len(found.trained))]
            agl, arol = (_mean_of([getattr(w, what) for w in at]) for what in ("agl", "arol"))
            rows.append(
                [
                    f"{name} at {setting}",
                    f"{np.mean([w.resolved for w in at]):.2f}",
                    f"{agl:.1f}",
                    f"{arol:.1f}",
                    f"{np.mean([w.overall for w in at]):.1f}",
                    f"{1000 * agl / found.tokens_per_second:.0f}",
                    f"{1000 * arol / found.tokens_per_second:.0f}",
                ]
            )
    head = ["", "resolved", "AGL, tokens", "AROL, tokens", "all, tokens", "AGL, ms", "AROL, ms"]
    return page.table(head, rows)


def matched(found: Found) -> str:
    """Each ratio's vote against SC with all samples, at equal quality; waiting and spend of RCV."""
    rows = []
    for m in claims.matched(found):
        ours = m.at[RCV]
        rows.append(
            [
                m.tau,
                f"{m.quality:.3f}",
                f"{m.before['routed']:.2f} / {ours['routed']:.2f}",
                f"{m.before['arol']:.0f} / {ours['arol']:.0f}",
                f"{m.before['spend']:.0f} / {ours['spend']:.0f}",
                *(f"{m.saved(way, r):.1%} of {m.ceiling(r):.1%}" for r, way in found.plan.operating.items()),
            ]
        )
    head = ["SC accepts at", "quality", "to the large", "AROL, tokens", "small's tokens"]
    return page.table([*head, *(f"total cost, {ratio:g}" for ratio in found.plan.operating)], rows)


def chosen(found: Found) -> str:
    """Every vote that was cast, at the quality of the claims; the one each ratio reports in bold."""
    (at,) = [m for m in claims.matched(found) if m.tau == claims.REFERENCE]
    rows = []
    for way, ours in at.at.items():
        saved = [
            f"**{at.saved(way, ratio):.1%}**" if way == chosen_way else f"{at.saved(way, ratio):.1%}"
            for ratio, chosen_way in found.plan.operating.items()
        ]
        figures = [f"{ours['routed']:.3f}", f"{ours['arol']:.0f}", f"{ours['spend']:.0f}"]
        rows.append([way.name, *figures, *saved])
    before = [f"{at.before['routed']:.3f}", f"{at.before['arol']:.0f}", f"{at.before['spend']:.0f}"]
    rows.append([f"SC x{found.plan.k}, base", *before, *("-" for _ in found.plan.operating)])
    rows.append(["ceiling", "", "", "", *(f"{at.ceiling(ratio):.1%}" for ratio in found.plan.operating)])
    head = ["", "to the large", "AROL, tokens", "small's tokens"]
    return page.table([*head, *(f"saved, {ratio:g}" for ratio in found.plan.operating)], rows)


def adaptive(found: Found) -> str:
    """Adaptive self-consistency of the base model, in one line."""
    used, tokens = adaptive_spend(found.votes)
    return f"{used:.1f} of {found.plan.k} samples and {tokens:.0f} tokens"


def panels(found: Found) -> list[Panel]:
    """Curves by ratio, refusals, lengths."""
    made = []
    for ratio in RATIOS:
        ends = ends_of(ratio, found.voted, _first(found), found.large)
        lines = {}
        for name, sweep in methods(found, 0).items():
            _, _, x, y = areas(sweep, ratio, found.voted, ends, found.large)
            lines[name] = (x, 100 * y)
        for name, curve in (("oracle", ends.golden()), ("Strategy A", ends.strategy_a())):
            lines[name] = (curve.cost, 100 * curve.accuracy)
        title = f"price ratio {ratio:g}, seed 1"
        made.append(Panel(title, "cost, large alone = 1", "accuracy, %", lines))
    asked = list(THRESHOLDS)
    everything = np.arange(found.plan.voted)
    refused = {
        f"refused, seed {i + 1}": (asked, 100 * t.two.refused[:, 1:].mean(axis=0))
        for i, t in enumerate(found.trained)
    }
    made.append(Panel("refusals after Stage II", "threshold", "refused, %", refused))
    right = {
        f"answered right, seed {i + 1}": (asked, 100 * claims.answered_accuracy(t.two, everything))
        for i, t in enumerate(found.trained)
    }
    finite = {name: (np.array(a)[np.isfinite(b)], b[np.isfinite(b)]) for name, (a, b) in right.items()}
    made.append(Panel("accuracy of what is answered", "threshold", "right, %", finite))
    return made


def _mean_of(values: list[float]) -> float:
    """The mean of what is a number; NaN where nothing is (no query was routed, or none resolved)."""
    there = [value for value in values if np.isfinite(value)]
    return float(np.mean(there)) if there else float("nan")


def _range(values: list[float], form: str) -> str:
    """The mean, and the range over seeds."""
    if len(values) == 1:
        return format(values[0], form)
    return f"{format(float(np.mean(values)), form)} ({format(min(values), form)}–{format(max(values), form)})"


_PAGE = """`small` is trained on {questions:,} questions per seed ({k} samples each, at temperature
{temperature:g} for Stage I and {second:g} for Stage II and every vote); `large` is what it falls back on.
Items are held-out problems that no training saw and the recipe was not chosen on: {n:,} for greedy answers,
the first {voted:,} of them for thresholds and votes. (Few short chains
are held out, 203 of level 1: 283 of the items, all of them chains and all but 14 of levels 1 and 2, had been
asked in earlier runs too.) Ranges are over fine-tuning seeds; intervals are bootstraps over items.

**Stage I**: base against shortened.

{lengths}

{skills}

**Stage II**: refusals and what is answered, by threshold; then by level.

{refusals}

{refusal_levels}

**Cost against accuracy.** A method's curve is its sweep over thresholds between the two models alone; ToA
is its mean height, ToGR 0 for random routing and 1 for routing exactly what only the large model solves. FCV
asks at {fixed:g}. Columns are price ratios, large over small.

{areas}

The "(100)" reading, in which every routed question counts as right (our reading of the paper's figure):

{perfect}

![curves](sater.svg)

**Waiting.** Parallel samples, each at the pace of one: a decision waits for the last sample it needs. Seconds
are tokens at the measured speed of one stream, {speed} tokens per second on one thread; on two cores ten
samples do not run side by side, so seconds are what a machine with room for them would take. Means over
resolved and routed queries are over sets that depend on the method; the mean over all queries stands beside.

{waiting}

Adaptive self-consistency, one sample after another, draws {adaptive} per query of the base model.

**At equal quality**: self-consistency of the base model with all samples, accepted at {reference:g}, against
the trained model's votes where the whole system is equally good. A vote's curve begins with the trained
model alone, goes on over its thresholds of acceptance as long as quality rises, and is linear in between (a
lot drawn between two settings). The dearer the large model, the more small samples are worth asking, so
every ratio has a vote of its own, in bold: the one that saved most there on development problems. The ceiling
is the small model's whole share of the cost: all that can be saved without routing less, so a vote that knows
better what to route may save more.

{chosen}

The same at every threshold of self-consistency: waiting and spend of RCV, total cost of the ratio's own vote.

{matched}
"""
