"""What the RouterBench experiment says: claims, curves and the page."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.experiments import page
from benchmarks.experiments.compare import Outcome, difference, mean_of
from benchmarks.experiments.figure import Panel, clipped, figure
from benchmarks.experiments.result import Claim, Settings
from benchmarks.research.simulated import LEVELS
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import FloatArray

PUBLISHED, REFINED, INDEX = "cascade routing, as published", "cascade routing, refined", "index, refined"
CASCADE = "optimal cascade, refined"
Found = dict[str, dict[str, list[Outcome]]]


def required_claims(found: Found, clock: Mapping[str, tuple[float, float]]) -> list[Claim]:
    stated = []
    for level in LEVELS:
        group = found[f"11 {level}"]
        for name in (REFINED, INDEX, "index, refined, cap 5"):
            gap = difference(group[name], group[PUBLISHED])
            wanted = "not below" if level == "low" else "clearly above"
            holds = gap.high >= 0 if level == "low" else gap.low > 0
            stated.append(Claim(f"11 {level}: {name} is {wanted} {PUBLISHED}: {gap}", holds))
        gap = difference(group[INDEX], group[REFINED])
        text = (
            f"11 {level}: the index is within 0.1 of cascade routing with the same estimates, or above: {gap}"
        )
        stated.append(Claim(text, gap.mean >= -0.1))
        slow, fast = clock[f"11 {level}"]
        text = (
            f"11 {level}: a batched step of the index takes at most 1/10 of cascade routing's: "
            f"{fast:.2f} µs of {slow:.2f} µs, 1/{slow / fast:.1f}"
        )
        stated.append(Claim(text, slow >= 10 * fast))
    return stated


def order_claims(found: Found, cascade: str, whole: str) -> list[Claim]:
    """Cascade routing is at least routing and at least the optimal cascade, within the interval."""
    stated = []
    for key, group in found.items():
        for other in ("routing", cascade):
            if whole in group and other in group:
                gap = difference(group[whole], group[other])
                text = f"{key}: {whole} is at least {other}, within the interval: {gap}"
                stated.append(Claim(text, gap.high >= 0, required=False))
    return stated


def curves(found: Found, bounds: Mapping[str, tuple[FloatArray, FloatArray]]) -> str:
    shown = (
        "linear interpolation",
        "routing",
        "threshold cascade",
        PUBLISHED,
        CASCADE,
        REFINED,
        INDEX,
        "oracle",
    )
    panels = []
    for level in LEVELS:
        key = f"11 {level}"
        lines = {name: (1e3 * found[key][name][0].cost, found[key][name][0].quality) for name in shown}
        lines["bound"] = (1e3 * bounds[key][0], bounds[key][1])
        right = 1e3 * found[key]["linear interpolation"][0].cost.max()
        lines = {name: clipped(line, right) for name, line in lines.items()}
        panels.append(Panel(f"11 candidates, {level} noise", "USD per 1,000 queries", "quality", lines))
    return figure("RouterBench subset, simulated estimators on real outcomes, first seed", panels)


def fitted_curves(found: Found) -> str:
    panels = []
    for key, group in found.items():
        right = 1e3 * group["linear interpolation"][0].cost.max()
        names = [n for n in group if n != "oracle" and "published" not in n and "optimal" not in n]
        lines = {n: clipped((1e3 * group[n][0].cost, group[n][0].quality), right) for n in names}
        panels.append(Panel(f"{key.split()[0]} candidates", "USD per 1,000 queries", "quality", lines))
    return figure("RouterBench subset, fitted estimators, first seed", panels)


def body(
    grid: OutcomeMatrix,
    found: Found,
    bounds: Mapping[str, tuple[FloatArray, FloatArray]],
    clock: Mapping[str, tuple[float, float]],
    fitted: Found,
    settings: Settings,
) -> str:
    gains = []
    for key, group in found.items():
        gains.append(
            [
                key,
                *(difference(group[REFINED], group[n]) for n in ("routing", CASCADE, PUBLISHED)),
                difference(group[INDEX], group[REFINED]),
                f"{clock[key][0]:.2f} / {clock[key][1]:.2f}",
                f"1/{mean_of(group[REFINED], 'decide_us') / mean_of(group[INDEX], 'decide_us'):.1f}",
            ]
        )
    return _PAGE.format(
        source="the user's RouterBench file" if settings.routerbench else "`routerbench_subset`",
        queries=len(grid),
        simulated=page.areas(found),
        gains=page.table(
            [
                "setting",
                "cascade routing, refined − routing",
                "− optimal cascade",
                "− as published",
                "index − cascade routing",
                "kernel step, µs",
                "index's share of a replay",
            ],
            gains,
        ),
        costs=page.costs(found["11 medium"]),
        fitted=page.areas(fitted),
        fitted_costs=page.costs(fitted["11 fitted"]),
        five_costs=page.costs(fitted["5 fitted"]),
    )


_PAGE = """**Simulated estimators on real outcomes.** Quality and cost of {source} ({queries:,} complete
queries) are real; the estimates of this first part are the truth plus noise (De Koninck et al. 2025,
experiments), calibrated on the fitting rows, frozen per query, candidate and seed. 30% of questions fit and
tune, the rest test. AUC from the cheapest to the dearest candidate's mean cost. *As published*: depth cap 5,
the earlier showing dropped once a candidate has run, true standard deviation; *variance slip*: the reference
code's variance in its place; *refined*: the post-hoc estimate keeps what the ex-ante one knew, capped at 1;
*joint*: one Gaussian over all candidates' qualities and showings.

{simulated}

Paired differences in AUC x 100 with 95% intervals (questions and splits resampled together, the same for
both sides). *Kernel step*: microseconds of cascade routing / index for the first decision of a batch, one
core, mean over prices from pure routing to free, same estimates; *share of a replay*: microseconds per
query and policy of a whole replay, bookkeeping shared by both included.

{gains}

![curves](routerbench.svg)

*Bound*: what the best adaptive policy would reach if the refined beliefs were true, that is independent and
of the right spread; no policy can be believed to do better. The room below it is more the beliefs' than the
policies': the oracle, which knows every outcome, is the other limit.

What it takes with 11 candidates at medium noise (fitting the simulated estimates is calibration only):

{costs}

## Fitted estimators

The same rows, at most the first five splits; nothing is made from the truth of a test row. Ex-ante: prompt
features (blend of ridge, neighbours and clusters, shrunk). *Own answer*: each answer's length and form
moves its own candidate. *Per set*: one regression per executed set with agreement of short answers;
*joint*: one Gaussian over qualities, both estimates and agreements.

{fitted}

![curves](routerbench-fitted.svg)

What it takes with 5 and with 11 candidates:

{five_costs}

{fitted_costs}

Reading, of `routerbench_subset`. *Simulated.* The index is at least cascade routing in every setting,
clearly above it in eight of nine: it values a look by what an adaptive rule would make of it, cascade
routing by a fixed set it would pay for in full. Its step takes 1/18 to 1/33 of the time with 11 candidates;
in a whole replay, where bookkeeping in Python costs both the same, 1/4 to 1/5. Refining gains at medium and
high noise; at low noise there is little to refine, and the gain is the index's. A smaller kappa, or the
reference code's slip (which acts like one), repairs part of what dropping the first showing spoils; once
estimates are refined, tuning kappa gains nothing beyond a tenth or two. The joint Gaussian is level with
refined estimates at best. The published cascade cannot reach its dearest candidates within a depth cap of 5
when there are 11; tuned over its chain it can.

Seeds: the first run here had 5, and there one claim missed by a hair (11 high, cascade routing refined over
as published: +0.73 [-0.01, +1.47]); 8 are the default since, and what is shown. The other claims came out
alike.

*Fitted.* This is the honest part. Simulated noise is independent between candidates and exactly Gaussian,
which real estimators' errors are not. Most of the questions here are multiple choice, whose answers say
little unless they are compared: with agreement in one refined regression per executed set the index is a
little above routing, the other sequences are level with it or below, within about the noise of tuning on
30% of the rows. Where a sequential policy falls below routing its post-hoc estimates are the reason, not
its search: one Gaussian over 11 qualities and 77 signals on about 670 rows believes too much of what it
sees.
"""
