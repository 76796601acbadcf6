"""``make benchmark``: what fitting chooses against the fitted mix, on every real table with costs.

For each table: 20 seeded 70/30 splits by question, and, where it has at least three tasks, an evaluation with
whole tasks left out. Everything is fitted, tuned and chosen on the fitting side with default settings and
prompts only. Writes ``docs/benchmarks.md`` and prints the same; exits 1 where a claim does not hold.

    python benchmarks/run.py [--tables DIR] [--seeds 20] [--only NAME,NAME] [--out docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist, fmean
from time import perf_counter

ROOT = Path(__file__).parents[1]
CLEARLY_ABOVE = ("routellm_mmlu", "routerbench_subset", "llmrouter_9models", "planbench")
"""Tables on which the choice has to be clearly above the mix on random splits."""
DRAWS = 200


@dataclass(frozen=True)
class Run:
    """One evaluation; ``reason`` where the gain ratio is undefined or the table cannot be used at all."""

    table: str
    protocol: str
    seed: int
    chosen: str = ""
    queries: int = 0
    candidates: int = 0
    gain_ratio: float | None = None
    over_mix: float | None = None
    error: float | None = None
    saving: float | None = None
    kept: float | None = None
    mix_saving: float | None = None
    seconds: float = 0.0
    reason: str | None = None


def main() -> int:
    """Run everything; 0 where every claim holds."""
    options = _options()
    tables = sorted(p.name for p in options.tables.iterdir() if (p / "outcomes.parquet").exists())
    if options.only:
        tables = [t for t in tables if t in options.only.split(",")]
    jobs = [(options.tables, t, "random", seed) for seed in range(options.seeds) for t in tables]
    jobs += [(options.tables, t, "task-out", 0) for t in tables]
    runs: list[Run] = []
    started = perf_counter()
    with ProcessPoolExecutor(os.cpu_count(), initializer=_one_thread) as pool:
        futures = [pool.submit(one, *job) for job in jobs]
        for done, future in enumerate(as_completed(futures), 1):
            runs.append(future.result())
            sys.stderr.write(f"\r{done} of {len(jobs)} evaluations, {perf_counter() - started:.0f} s ")
    sys.stderr.write("\n")
    text, holds = report(runs, options.seeds, perf_counter() - started)
    options.out.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps([asdict(r) for r in runs], indent=1), encoding="utf-8")
    sys.stdout.write(text)
    return 0 if holds else 1


def _one_thread() -> None:
    """One process per core does more than threads within one. Before NumPy is imported, hence here."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"


def one(folder: Path, table: str, protocol: str, seed: int) -> Run:
    """One table, one protocol, one seed."""
    from penstock.errors import TableError
    from penstock.evaluation.evaluate import evaluate_fit, evaluate_task_out
    from penstock.fitting.fit import fit_grid
    from penstock.fitting.settings import FitSettings
    from penstock.outcomes.io import read_table
    from penstock.outcomes.splits import split_by_group
    from penstock.outcomes.to_grid import to_grid

    started = perf_counter()
    grid = to_grid(read_table(folder / table))
    fit_rows, test_rows = split_by_group(grid.queries, 0.7, seed)
    settings = FitSettings(seed=seed)
    try:
        if protocol == "random":
            fitted = fit_grid(grid.rows(fit_rows), settings)
            document = evaluate_fit(fitted, grid.rows(test_rows), dataset=table, draws=DRAWS, seed=seed)
        else:
            fitting, test = grid.rows(fit_rows), grid.rows(test_rows)
            document = evaluate_task_out(fitting, test, settings, dataset=table, draws=DRAWS)
    except TableError as error:
        return Run(table, protocol, seed, reason=str(error))
    item = document["policies"][document["chosen"]]
    over = item["auc_over_mix"] or {"difference": None, "standard_error": None}
    saving = item["saving"]["0.99"]
    return Run(
        table,
        protocol,
        seed,
        chosen=", ".join(sorted(set(document.get("chosen_parts", [document["chosen"]])))),
        queries=document["fit_queries"] + document["test_queries"],
        candidates=len(document["candidates"]),
        gain_ratio=item["gain_ratio"],
        over_mix=over["difference"],
        error=over["standard_error"],
        saving=saving["saving"],
        kept=saving["quality_ratio"],
        mix_saving=document["policies"]["mix/mean"]["saving"]["0.99"]["saving"],
        seconds=perf_counter() - started,
        reason=item["gain_ratio_reason"],
    )


def report(runs: list[Run], seeds: int, seconds: float) -> tuple[str, bool]:
    """The Markdown page, and whether every claim holds."""
    groups = [g for g in _groups(runs) if any(r.over_mix is not None for r in g)]
    critical = NormalDist().inv_cdf(1 - 0.05 / max(len(groups), 1))
    rows, below, missed = [], [], []
    for group in groups:
        first = group[0]
        mean, error, verdict = _verdict(group, critical)
        if verdict == "below":
            below.append(f"{first.table} ({first.protocol})")
        if first.protocol == "random" and first.table in CLEARLY_ABOVE and verdict != "above":
            missed.append(first.table)
        rows.append(_row(group, mean, error, verdict))
    unused = sorted({f"- `{r.table}` ({r.protocol}): {r.reason}" for r in runs if r.over_mix is None})
    pooled = _pooled([g for g in groups if g[0].protocol == "random"])
    held = f"no, {', '.join(below)}" if below else "holds"
    above = f"not on {', '.join(missed)}" if missed else "holds"
    claims = [
        f"Never below the fitted mix beyond a simultaneous 95% bound: {held}.",
        f"Clearly above it on {', '.join(CLEARLY_ABOVE)} (random splits): {above}.",
    ]
    present = {r.table for r in runs}
    text = _PAGE.format(
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count(),
        minutes=seconds / 60,
        seeds=seeds,
        critical=critical,
        count=len(groups),
        draws=DRAWS,
        claims="\n".join(f"- {c}" for c in claims),
        pooled=pooled,
        rows="\n".join(rows),
        unused="\n".join(unused) or "none",
    )
    return text, not below and not [t for t in missed if t in present]


def _groups(runs: list[Run]) -> Iterator[list[Run]]:
    for protocol in ("random", "task-out"):
        for table in sorted({r.table for r in runs}):
            group = [r for r in runs if (r.table, r.protocol) == (table, protocol)]
            if group:
                yield group


def _verdict(group: list[Run], critical: float) -> tuple[float, float, str]:
    """Mean advantage over the mix in AUC, its standard error, and above / below / level.

    Splits of one table share most of their rows, so their mean is taken to be as uncertain as one split.
    """
    known = [(r.over_mix, r.error) for r in group if r.over_mix is not None and r.error is not None]
    mean, error = fmean(m for m, _ in known), fmean(e for _, e in known)
    if mean > critical * error and mean > 0:
        return mean, error, "above"
    return mean, error, "below" if mean < -critical * error and mean < 0 else "level"


def _row(group: list[Run], mean: float, error: float, verdict: str) -> str:
    first = group[0]
    gains = [r.gain_ratio for r in group if r.gain_ratio is not None]
    chosen = ", ".join(sorted({name for r in group if r.chosen for name in r.chosen.split(", ")}))
    saving, mix = (fmean(getattr(r, f) for r in group) for f in ("saving", "mix_saving"))
    shares = [r.kept for r in group if r.kept is not None]
    kept = f"{fmean(shares):.1%}" if shares else "–"
    gain = f"{fmean(gains):.3f}" if gains else "–"
    over = f"{100 * mean:+.2f} ± {100 * error:.2f}"
    return (
        f"| {first.table} | {first.protocol} | {first.queries:,} | {first.candidates} | {gain} | "
        f"{over} | {verdict} | {saving:.1%} | {kept} | {mix:.1%} | {chosen} |"
    )


def _pooled(groups: list[list[Run]]) -> str:
    def over(field: str) -> float:
        tables = [[v for r in g if (v := getattr(r, field)) is not None] for g in groups]
        return fmean(fmean(values) for values in tables if values)

    if not groups:
        return ""
    return (
        f"Mean over {len(groups)} tables, random splits, tuned for 99% of the best fixed candidate's\n"
        f"quality: saving {over('saving'):.1%} (the fitted mix: {over('mix_saving'):.1%}), quality kept "
        f"{over('kept'):.1%}."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("PENSTOCK_TABLES", ROOT.parent / "shared" / "data"))
    parser.add_argument("--tables", type=Path, default=default)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.tables.is_dir():
        parser.error(f"the outcome tables are not at {options.tables}; give --tables or set PENSTOCK_TABLES")
    return options


_PAGE = """# Benchmarks

Made by `make benchmark` on {date} with {cores} cores in {minutes:.0f} minutes. Real outcome tables, nothing
simulated.

{claims}

{pooled}

Per table: {seeds} seeded 70/30 splits by question ("random"), and one evaluation with whole tasks left
out in up to five parts ("task-out"). Estimator and policy are chosen by `penstock fit`'s default procedure
from the fitting side's prompts and outcomes; test rows are only replayed. *Gain*: (AUC - AUC of the fitted
mix) / (AUC of the per-query oracle - AUC of the fitted mix). *Over mix*: AUC x 100 above the fitted mix, ±
one paired bootstrap standard error ({draws} draws; the mean over splits is taken to be as uncertain as one
split, because splits share rows). *Verdict*: at {critical:.2f} standard errors, the one-sided 95% bound that
holds for all {count} rows at once. *Saving*, *kept*: at the point tuned for 99% of the best fixed candidate's
quality; *mix*: the fitted mix's saving at the same target.

| table | protocol | queries | candidates | gain | over mix | verdict | saving | kept | mix | chosen |
|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Not evaluated:

{unused}
"""


if __name__ == "__main__":
    sys.exit(main())
