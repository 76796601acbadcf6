"""``make benchmark``: what fitting chooses against the fitted mix, on every real table with costs.

For each table: 20 seeded 70/30 splits by question, and, where it has at least three tasks, an evaluation with
whole tasks left out. Everything is fitted, tuned and chosen on the fitting side with default settings and
prompts only. Writes ``docs/benchmarks.md`` and prints the same; exits 1 where a claim does not hold.

    python benchmarks/run.py [--tables DIR] [--seeds 20] [--only NAME,NAME] [--out docs/benchmarks.md]
                             [--minutes M] [--json FILE] [--known FILE]

With ``--minutes`` no evaluation is begun after M minutes; the page says how many seeds each table got. With
``--json`` every evaluation is kept in a file; those of a ``--known`` file are not run again.
``docs/benchmarks.json`` has the evaluations behind the page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.runs import Run, one  # noqa: E402
from benchmarks.summary import report  # noqa: E402


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


if __name__ == "__main__":
    sys.exit(main())
