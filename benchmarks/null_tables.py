"""How often a table without any signal gets a router that is not the mix: 5 of 100 are allowed.

Every candidate's outcomes and their costs are shuffled against prompts and answers, so that nothing can be
learned from either, and the table is fitted as ever. Exits 1 where more tables leave the mix than chance
allows (99%).

    python benchmarks/null_tables.py [--tables DIR] [--only NAME,NAME] [--count 40]
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # before NumPy is imported

if TYPE_CHECKING:
    from penstock.outcomes.matrix import OutcomeMatrix

ROOT = Path(__file__).parents[1]
TABLES = "routellm_gsm8k,mot_cascade_date"
"""One of two candidates that shows own signs, one of twelve whose answers can be compared."""
ERROR, BEYOND_CHANCE = 0.05, 0.99


def main() -> int:
    """Print a line for every table; 0 where the promise holds on each."""
    from scipy.stats import binom

    from penstock.fitting.fit import fit_matrix
    from penstock.fitting.result import MIX
    from penstock.fitting.settings import FitSettings
    from penstock.outcomes.io import read_table
    from penstock.outcomes.splits import split_by_group
    from penstock.outcomes.to_matrix import to_matrix

    options = _options()
    allowed = int(binom.ppf(BEYOND_CHANCE, options.count, ERROR))
    held = True
    for table in options.only.split(","):
        grid = to_matrix(read_table(options.tables / table))
        left = 0
        for seed in range(options.count):
            fitting = grid.rows(split_by_group(grid.queries, 0.7, seed)[0])
            fit = fit_matrix(shuffled(fitting, seed), FitSettings(seed=seed, time_limit=None))
            left += fit.chosen != MIX
            sys.stderr.write(f"\r{table}: {left} of {seed + 1} left the mix ")
        sys.stderr.write("\n")
        sys.stdout.write(
            f"{table}: {left} of {options.count} fits left the mix; up to {allowed} may by chance\n"
        )
        held &= left <= allowed
    return 0 if held else 1


def shuffled(grid: OutcomeMatrix, seed: int) -> OutcomeMatrix:
    """The grid with every candidate's qualities and costs, cell by cell together, dealt to other queries."""
    import numpy as np

    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(len(grid)) for _ in grid.candidates], axis=1)
    quality, cost = (np.take_along_axis(values, order, axis=0) for values in (grid.quality, grid.cost))
    return replace(grid, quality=quality, cost=cost, shown=None, others=())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("PENSTOCK_TABLES", ROOT.parent / "shared" / "data"))
    parser.add_argument("--tables", type=Path, default=default)
    parser.add_argument("--only", default=TABLES)
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    for table in options.only.split(","):
        if not (options.tables / table / "outcomes.parquet").is_file():
            parser.error(f"there is no table {options.tables / table}; give --tables or set PENSTOCK_TABLES")
    if options.count < 1:
        parser.error("--count must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
