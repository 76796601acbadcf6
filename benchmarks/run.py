"""``make benchmark``: what fitting chooses against the fitted mix, on every real table with costs.

For each table: 20 seeded 70/30 splits by question, and, where it has at least three tasks, an evaluation with
whole tasks left out. Everything is fitted, tuned and chosen on the fitting side with default settings and
prompts only. Writes ``docs/benchmarks.md`` and prints the same; exits 1 where a claim does not hold.

    python benchmarks/run.py [--tables DIR] [--seeds 20] [--only NAME,NAME] [--out docs/benchmarks.md]
                             [--minutes M] [--json FILE] [--known FILE]

With ``--minutes`` no evaluation is begun after M minutes; the page says how many seeds each table got. With
``--json`` every evaluation is kept in a file; those of a ``--known`` file are not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.over_splits import FITTING, OverSplits, over_splits  # noqa: E402

if TYPE_CHECKING:
    from penstock.fitting.result import Fit

CLEARLY_ABOVE = ("routellm_mmlu", "routerbench_subset", "llmrouter_9models", "planbench")
"""Tables on which the choice has to be clearly above the mix on random splits."""
SIMPLE = ("knn", "kmeans", "ridge", "logistic")
"""What is chosen has to be at least the best of routing by these, picked in hindsight."""
ENOUGH = 500
"""Fitting queries from which on that is asked."""
LOOKS = ("zeroeval_gsm", "zeroeval_numersense_v2", "mot_cascade_date")
"""Where answers can be compared, and looking at them has to be clearly above routing."""
DRAWS = 200
TAIL = 0.05


@dataclass(frozen=True)
class Run:
    """One evaluation; ``reason`` where the gain ratio is undefined or the table cannot be used at all."""

    table: str
    protocol: str
    seed: int
    chosen: str = ""
    queries: int = 0
    fitted: int = 0
    candidates: int = 0
    gain_ratio: float | None = None
    over_mix: float | None = None
    error: float | None = None
    saving: float | None = None
    kept: float | None = None
    mix_saving: float | None = None
    over_simple: dict[str, tuple[float, float]] = field(default_factory=dict)
    over_routing: tuple[float, float] | None = None
    seconds: float = 0.0
    reason: str | None = None


def main() -> int:
    """Run everything; 0 where every claim holds."""
    options = _options()
    tables = sorted(p.name for p in options.tables.iterdir() if (p / "outcomes.parquet").exists())
    if options.only:
        tables = [t for t in tables if t in options.only.split(",")]
    jobs = [(options.tables, t, "random", 0) for t in tables]
    jobs += [(options.tables, t, "task-out", 0) for t in tables]
    jobs += [(options.tables, t, "random", seed) for seed in range(1, options.seeds) for t in tables]
    runs = _known(options.known) if options.known else []
    known = {(r.table, r.protocol, r.seed) for r in runs}
    jobs = [job for job in jobs if job[1:] not in known]
    started = perf_counter()
    with ProcessPoolExecutor(os.cpu_count(), initializer=_one_thread) as pool:
        futures = [pool.submit(one, *job) for job in jobs]
        for done, future in enumerate(as_completed(futures), 1):
            if not future.cancelled():
                runs.append(future.result())
                if options.json:  # at once: an hour's work is not lost with its last minute
                    options.json.write_text(json.dumps([asdict(r) for r in runs], indent=1), encoding="utf-8")
            if options.minutes and perf_counter() - started > 60 * options.minutes:
                for waiting in futures:
                    waiting.cancel()
            sys.stderr.write(f"\r{done} of {len(jobs)} evaluations, {perf_counter() - started:.0f} s ")
    sys.stderr.write("\n")
    text, holds = report(runs, options.seeds, perf_counter() - started, known=len(known))
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0 if holds else 1


def _known(path: Path) -> list[Run]:
    """The evaluations that ``--json`` wrote."""
    return [Run(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


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
    fit_rows, test_rows = split_by_group(grid.queries, FITTING, seed)
    settings = FitSettings(seed=seed)
    try:
        if protocol == "random":
            fitted = fit_grid(grid.rows(fit_rows), settings)
            pairs = _pairs(fitted)
            test = grid.rows(test_rows)
            document = evaluate_fit(fitted, test, dataset=table, draws=DRAWS, seed=seed, pairs=pairs)
        else:
            fitting, test = grid.rows(fit_rows), grid.rows(test_rows)
            simple = [f"routing/{name}" for name in SIMPLE]
            document = evaluate_task_out(fitting, test, settings, dataset=table, draws=DRAWS, against=simple)
    except TableError as error:
        return Run(table, protocol, seed, reason=str(error))
    item = document["policies"][document["chosen"]]
    over = item["auc_over_mix"] or {"difference": None, "standard_error": None}
    saving = item["saving"]["0.99"]
    over_simple, routing = _compared(document)
    return Run(
        table,
        protocol,
        seed,
        chosen=", ".join(sorted(set(document.get("chosen_parts", [document["chosen"]])))),
        queries=document["fit_queries"] + document["test_queries"],
        candidates=len(document["candidates"]),
        fitted=document["fit_queries"],
        over_simple=over_simple,
        over_routing=routing,
        gain_ratio=item["gain_ratio"],
        over_mix=over["difference"],
        error=over["standard_error"],
        saving=saving["saving"],
        kept=saving["quality_ratio"],
        mix_saving=document["policies"]["mix/mean"]["saving"]["0.99"]["saving"],
        seconds=perf_counter() - started,
        reason=item["gain_ratio_reason"],
    )


def _pairs(fitted: Fit) -> list[tuple[str, str]]:
    """What was chosen against routing by each simple estimator; then the best policy that looks at answers
    against the best that routes, both as tuned."""
    pairs = [(fitted.chosen, f"routing/{name}") for name in SIMPLE if f"routing/{name}" in fitted.options]
    routes = {n: o.area for n, o in fitted.options.items() if n.startswith("routing/")}
    looks = {n: o.area for n, o in fitted.options.items() if n.partition("/")[0] not in {"routing", "mix"}}
    if routes and looks:
        pairs.append((max(looks, key=lambda n: looks[n]), max(routes, key=lambda n: routes[n])))
    return pairs


def _compared(document: dict[str, Any]) -> tuple[dict[str, tuple[float, float]], tuple[float, float] | None]:
    simple: dict[str, tuple[float, float]] = {}
    routing = None
    for pair in document.get("pairs", ()):
        found = pair["auc_difference"]
        if found is None:
            continue
        value = (found["difference"], found["standard_error"])
        if pair["first"] == document["chosen"] and pair["second"].removeprefix("routing/") in SIMPLE:
            simple.setdefault(pair["second"].removeprefix("routing/"), value)
    last = document.get("pairs", ())[-1:] if "chosen_parts" not in document else ()
    if last and not last[0]["first"].startswith(("routing/", "mix/")) and last[0]["auc_difference"]:
        found = last[0]["auc_difference"]
        routing = (found["difference"], found["standard_error"])
    return simple, routing


def _against_simple(group: list[Run]) -> tuple[str, OverSplits] | None:
    """The simple estimator of the best mean area in hindsight, and what was chosen less it. Of those every
    run had the time for."""
    known = [r.over_simple for r in group if r.over_simple]
    everywhere = [name for name in (known[0] if known else ()) if all(name in k for k in known)]
    if not everywhere:
        return None
    least = min(everywhere, key=lambda name: fmean(k[name][0] for k in known))
    return least, over_splits([k[least] for k in known])


def _against_routing(group: list[Run]) -> OverSplits | None:
    known = [r.over_routing for r in group if r.over_routing is not None]
    return over_splits(known) if known else None


def _shipped_against_routing(group: list[Run]) -> OverSplits:
    """What is chosen less what would be with routing alone: nothing where a routing option or the mix is."""
    looked = [not r.chosen.startswith(("routing/", "mix/")) and r.over_routing is not None for r in group]
    values = [r.over_routing if looks else None for r, looks in zip(group, looked, strict=True)]
    return over_splits([(0.0, 0.0) if v is None else v for v in values])


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
        lower += [table] if _shipped_against_routing(group).below(tail) else []
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
    looks = str(routing) if routing else "–"
    return (
        f"| {first.table} | {first.protocol} | {first.queries:,} | {first.candidates} | {gain} | "
        f"{over} | {verdict} | {best} | {looks} | {saving:.1%} | {kept} | {mix:.1%} | {len(group)} | "
        f"{chosen} |"
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
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--known", type=Path)
    options = parser.parse_args()
    if options.known and not options.known.is_file():
        parser.error(f"--known: there is no file {options.known}; --json writes one")
    if not options.tables.is_dir():
        parser.error(f"the outcome tables are not at {options.tables}; give --tables or set PENSTOCK_TABLES")
    return options


_COLUMNS = (
    *("table", "protocol", "queries", "candidates", "gain", "over mix", "verdict", "over simple", "looking"),
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
simple estimator of the table, named in brackets and picked in hindsight over all splits. *Looking*: the best
option that looks at answers less the best that routes, each picked by its area on tuning rows.
*Splits*: how many were evaluated.

{heading}
{rows}

Not evaluated:

{unused}
"""


if __name__ == "__main__":
    sys.exit(main())
