"""What ``penstock fit --estimator auto`` takes on a large table (make benchmark-auto).

Fits every estimator and policy of the default procedure on the whole of the real table ``mmlu_pro`` (about
8,500 queries by 12 candidates), as the command does, and prints what was chosen and why. The last line is
JSON; the exit status is 1 where it took more than 5 minutes or 4 GiB on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from pathlib import Path
from time import perf_counter

from penstock.fitting.fit import fit_matrix
from penstock.fitting.settings import FitSettings
from penstock.outcomes.io import read_table
from penstock.outcomes.to_matrix import to_matrix

MOST_SECONDS, MOST_GIB = 300.0, 4.0
TABLES = Path(os.environ.get("PENSTOCK_TABLES", Path(__file__).parents[2] / "shared" / "data"))


def main() -> int:
    """Read, fit, report; 0 where both limits are kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=Path, default=TABLES)
    parser.add_argument("--table", default="mmlu_pro")
    options = parser.parse_args()
    started = perf_counter()

    def progress(what: str, done: int, total: int) -> None:
        sys.stderr.write(f"{perf_counter() - started:6.1f} s  {done:2} of {total}  {what}\n")

    fit = fit_matrix(to_matrix(read_table(options.tables / options.table)), FitSettings(), progress=progress)
    seconds = perf_counter() - started
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"chosen: {fit.chosen}: {fit.why}")
    for note in fit.notes:
        print(f"note: {note}")
    found = {
        "queries": fit.rows + fit.dropped,
        "candidates": len(fit.selection.names),
        "seconds": round(seconds, 1),
        "gib": round(gib, 2),
        "missed": [
            name for name, over in (("seconds", seconds > MOST_SECONDS), ("gib", gib > MOST_GIB)) if over
        ],
    }
    print(json.dumps(found))
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
