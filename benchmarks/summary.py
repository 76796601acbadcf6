"""The page of the benchmark: means over splits, verdicts, and whether every claim holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from math import sqrt
from statistics import fmean

from benchmarks.over_splits import OverSplits, over_splits
from benchmarks.runs import DRAWS, SIMPLE, Run

CLEARLY_ABOVE = ("routellm_mmlu", "routerbench_subset", "llmrouter_9models", "planbench")
"""Tables on which the choice has to be clearly above the mix on random splits."""
ENOUGH = 500
"""Fitting queries from which on what is chosen has to be at least the best simple router."""
LOOKS = ("zeroeval_gsm", "zeroeval_numersense_v2", "mot_cascade_date")
"""Where answers can be compared, and looking at them has to be clearly above routing."""
TAIL = 0.05


def _against_simple(group: list[Run]) -> tuple[str, OverSplits] | None:
    """The simple estimator of the best mean area in hindsight, and what was chosen less it. Of those every
    run had the time for."""
    return _against([r.over_simple for r in group if r.over_simple])


def _against_plain(group: list[Run]) -> tuple[str, OverSplits] | None:
    """The same without a guard: what somebody gets who routes by a simple estimator."""
    return _against([r.over_plain for r in group if r.over_plain])


def _against(known: list[dict[str, tuple[float, float]]]) -> tuple[str, OverSplits] | None:
    everywhere = [name for name in (known[0] if known else ()) if all(name in k for k in known)]
    if not everywhere:
        return None
    least = min(everywhere, key=lambda name: fmean(k[name][0] for k in known))
    return least, over_splits([k[least] for k in known])


def _against_routing(group: list[Run]) -> OverSplits | None:
    """The best policy that looks at answers less what would be chosen of those that route."""
    known = [r.looking for r in group if r.looking is not None]
    return over_splits(known) if known else None


def _chosen_against_routing(group: list[Run]) -> OverSplits:
    """What is chosen less what would be with routing alone: nothing where that is the same."""
    return over_splits([r.chosen_looking or (0.0, 0.0) for r in group])


def report(runs: list[Run], seeds: int, seconds: float, *, known: int = 0) -> tuple[str, bool]:
    """The Markdown page, and whether every claim holds."""
    groups = [g for g in _groups(runs) if any(r.over_mix is not None for r in g)]
    tail = TAIL / max(len(groups), 1)
    rows, below, missed = [], [], []
    for group in groups:
        first = group[0]
        over, verdict = _verdict(group, tail)
        if verdict == "below":
            below.append(f"{first.table} ({first.protocol})")
        if first.protocol == "random" and first.table in CLEARLY_ABOVE and verdict != "above":
            missed.append(first.table)
        rows.append(_row(group, over, verdict))
    unused = sorted({f"- `{r.table}` ({r.protocol}): {r.reason}" for r in runs if r.over_mix is None})
    pooled = _pooled([g for g in groups if g[0].protocol == "random"])
    random = {g[0].table: g for g in groups if g[0].protocol == "random"}
    worse, better, asked = [], [], 0
    for table, group in random.items():
        found = _against_simple(group)
        if found and group[0].fitted >= ENOUGH:
            asked += 1
            worse += [table] if found[1].below(TAIL / 2) else []
            better += [table] if found[1].mean > 0 else []
    for group in groups:
        found = _against_simple(group) if group[0].protocol == "task-out" else None
        if found and group[0].fitted >= ENOUGH and found[1].below(TAIL / 2):
            worse.append(f"{group[0].table} (task-out)")
    # a table that was left out, or could not be evaluated, has shown nothing
    missed += [f"{table} (not evaluated)" for table in CLEARLY_ABOVE if table not in random]
    unproven, lower = [f"{table} (not evaluated)" for table in LOOKS if table not in random], list[str]()
    for table, group in random.items():
        compared = _against_routing(group)
        if compared is None:
            unproven += [table] if table in LOOKS else []
            continue
        lower += [table] if _chosen_against_routing(group).below(tail) else []
        unproven += [table] if table in LOOKS and not compared.above(TAIL) else []
    few = len(better) * 2 < asked or not asked
    held = f"no, {', '.join(below)}" if below else "holds"
    above = f"not on {', '.join(missed)}" if missed else "holds"
    claims = [
        f"Never below the fitted mix beyond a simultaneous 95% bound: {held}.",
        f"Clearly above it on {', '.join(CLEARLY_ABOVE)} (random splits): {above}.",
        f"At least the best of routing by {', '.join(SIMPLE)}, picked in hindsight, within a 95% "
        f"interval on every table of {ENOUGH} fitting queries: {_no(worse)}; above it on at least half of "
        f"them: {'no' if few else 'holds'} ({len(better)} of {asked}).",
        f"Looking at answers clearly above routing (one-sided 95%) on {', '.join(LOOKS)}: {_no(unproven)}; "
        f"what is chosen with looking allowed nowhere below what is chosen without, beyond the simultaneous "
        f"bound: {_no(lower)}.",
    ]
    text = _PAGE.format(
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count(),
        minutes=seconds / 60,
        known=f"; {known} of its evaluations were known from a run before" if known else "",
        seeds=seeds,
        count=len(groups),
        draws=DRAWS,
        claims="\n".join(f"- {c}" for c in claims),
        pooled=pooled,
        heading=f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}",
        rows="\n".join(rows),
        unused="\n".join(unused) or "none",
    )
    fine = not (below or worse or few or unproven or lower)
    return text, fine and not missed


def _no(missed: list[str]) -> str:
    return f"not on {', '.join(missed)}" if missed else "holds"


def _groups(runs: list[Run]) -> Iterator[list[Run]]:
    for protocol in ("random", "task-out"):
        for table in sorted({r.table for r in runs}):
            group = [r for r in runs if (r.table, r.protocol) == (table, protocol)]
            if group:
                yield group


def _verdict(group: list[Run], tail: float) -> tuple[OverSplits, str]:
    """Mean advantage over the mix in AUC, and above / below / level."""
    over = over_splits(
        [(r.over_mix, r.error) for r in group if r.over_mix is not None and r.error is not None]
    )
    return over, "above" if over.above(tail) else "below" if over.below(tail) else "level"


def _row(group: list[Run], over: OverSplits, verdict: str) -> str:
    first = group[0]
    gains = [r.gain_ratio for r in group if r.gain_ratio is not None]
    chosen = ", ".join(sorted({name for r in group if r.chosen for name in r.chosen.split(", ")}))
    saving, mix = (fmean(getattr(r, f) for r in group) for f in ("saving", "mix_saving"))
    shares = [r.kept for r in group if r.kept is not None]
    kept = f"{fmean(shares):.1%}" if shares else "–"
    gain = f"{fmean(gains):.3f}" if gains else "–"
    simple, routing = _against_simple(group), _against_routing(group)
    best = f"{simple[1]} ({simple[0]})" if simple else "–"
    plain = _against_plain(group)
    unguarded = f"{plain[1]} ({plain[0]})" if plain else "–"
    looks = str(routing) if routing else "–"
    return (
        f"| {first.table} | {first.protocol} | {first.queries:,} | {first.candidates} | {gain} | "
        f"{over} | {verdict} | {best} | {unguarded} | {looks} | {saving:.1%} | {kept} | {mix:.1%} | "
        f"{len(group)} | {chosen} |"
    )


def _pooled(groups: list[list[Run]]) -> str:
    if not groups:
        return ""
    saving, kept = _mean_over(groups, "saving"), _mean_over(groups, "kept")
    mix = fmean(fmean(r.mix_saving or 0.0 for r in g) for g in groups)
    return (
        f"Mean over {len(groups)} tables, random splits, tuned for 99% of the best fixed candidate's\n"
        f"quality: saving {saving} (the fitted mix: {mix:.1%}), quality kept {kept}; 95% intervals over the "
        "queries\nof these tables."
    )


def _mean_over(groups: list[list[Run]], name: str) -> str:
    """The mean over tables with its 95% interval: tables are given, their queries are a sample."""
    known = [
        [
            (v, e or 0.0)
            for r in g
            if (v := getattr(r, name)) is not None
            for e in (getattr(r, f"{name}_error"),)
        ]
        for g in groups
    ]
    tables = [over_splits(values) for values in known if values]
    mean = fmean(t.mean for t in tables)
    half = 1.96 * sqrt(sum(t.error**2 for t in tables)) / len(tables)
    return f"{mean:.1%} [{mean - half:.1%}, {mean + half:.1%}]"


_COLUMNS = (
    *("table", "protocol", "queries", "candidates", "gain", "over mix", "verdict", "over simple"),
    *("over plain", "looking"),
    *("saving", "kept", "mix", "splits", "chosen"),
)
_PAGE = """# Benchmarks

Made by `make benchmark` on {date} with {cores} cores in {minutes:.0f} minutes{known}.
Real outcome tables, nothing simulated.

{claims}

{pooled}

Per table: up to {seeds} seeded 70/30 splits by question ("random"; the table says how many), and one
evaluation with whole tasks left out in up to five parts ("task-out"). Estimator and policy are chosen by
`penstock fit`'s default procedure from the fitting side's prompts, outcomes and answers; test rows are only
replayed. *Gain*: (AUC - AUC of the fitted mix) / (AUC of the per-query oracle - AUC of the fitted mix).
*Over mix*: AUC x 100 above the fitted mix, ± one standard error. Splits share rows; over five and more the
error is Nadeau and Bengio's corrected one (`benchmarks/over_splits.py`), of fewer it is one split's paired
bootstrap ({draws} draws). *Verdict*: by the one-sided 95% bound that holds for all {count} rows at once.
*Saving*, *kept*: at the point tuned for 99% of the best fixed candidate's quality; *mix*: the fitted mix's
saving at the same target. *Over simple*: the chosen option's AUC x 100 less that of routing by the best
simple estimator of the table, named in brackets and picked in hindsight over all splits; *over plain*: the
same where the simple one has no guard. *Looking*: the
option that looks at answers with the largest area on tuning rows, less what would be chosen if only routing
were allowed.
*Splits*: how many were evaluated.

{heading}
{rows}

Not evaluated:

{unused}
"""
