"""``make experiment NAME=...``: one of the paper's protocols, with the report under ``docs/experiments``.

    python benchmarks/experiment.py NAME [--tables DIR] [--seeds N] [--out DIR] [--fine] [--routerbench FILE]
                                    [--embeddings MODEL] [--only TABLE,TABLE]

NAME: routerbench, noise-grid, ablation, runtime, swebench, voting, train-size, step-lambdas, estimators,
embeddings (needs --embeddings), reading, ceilings, hybrid (needs the train extra), or all. Exit status 1
where a required claim does not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import perf_counter

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # one thread per sum; before NumPy is imported

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

NAMES = {
    "routerbench": "what the sequential policies gain, at three noise levels and with fitted estimators",
    "noise-grid": "where they gain: estimator noise before and after a run",
    "ablation": "what pruning, depth and expectations contribute",
    "runtime": "decision time as candidates grow from 3 to 100",
    "swebench": "software agents with cost, and the test result as post-hoc signal",
    "voting": "samples voted as candidates, and agreement of answers as post-hoc signal",
    "train-size": "stability against the number of fitting rows",
    "step-lambdas": "prices per step against one price, and the baseline cascades",
    "hybrid": "a trained encoder sends easy prompts to the weaker model: three pairs, three kinds of label",
    "estimators": "which estimator of quality before the call routes best",
    "embeddings": "what an embedding model adds to a prompt's words",
    "reading": "what an answer's words tell about it beside its other signs",
    "ceilings": "what looking at answers saved at 99% quality, and what there was to save",
}


SEEDS = {"routerbench": 8, "estimators": 2, "embeddings": 2, "reading": 2, "ceilings": 2, "hybrid": 3}
USED = {"hybrid": "at most two used"} | dict.fromkeys(
    ("routerbench", "voting", "train-size", "estimators", "embeddings", "reading", "ceilings"), "fits use all"
)
"""Cores, by experiment; the others use one."""


def main() -> int:
    """Run, print, write; 0 where every required claim holds."""
    options = _options()
    names = list(NAMES) if options.name == "all" else [options.name]
    if options.name == "all" and not options.embeddings:
        names.remove("embeddings")  # there is no model to measure
    held = [run(name, options) for name in names]
    _index(options.out)
    return 0 if all(held) else 1


def run(name: str, options: argparse.Namespace) -> bool:
    """One experiment; whether its required claims hold."""
    from benchmarks.experiments import page
    from benchmarks.experiments.result import Result, Settings
    from penstock.core import _jit

    _jit.WORTH_COMPILED = 1  # thousands of replays: the compiled kernels pay for themselves at once
    seeds = options.seeds or SEEDS.get(name, 5)
    settings = Settings(
        options.tables,
        seeds,
        options.rows,
        options.fine,
        options.routerbench,
        options.embeddings,
        tuple(options.only.split(",")) if options.only else (),
    )
    started = perf_counter()
    module = import_module(f"benchmarks.experiments.{name.replace('-', '_')}")
    result: Result = module.experiment(settings)
    seconds = perf_counter() - started
    arguments = [name, f"--seeds {seeds}"]
    arguments += ["--fine"] if options.fine else []
    arguments += [f"--rows {options.rows}"] if options.rows else []
    arguments += ["--routerbench FILE"] if options.routerbench else []
    arguments += [f"--embeddings {options.embeddings}"] if options.embeddings else []
    arguments += [f"--only {options.only}"] if options.only else []
    text = _PAGE.format(
        title=result.title,
        command=f"python benchmarks/experiment.py {' '.join(arguments)}",
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count(),
        used=USED.get(name, "one used"),
        minutes=seconds / 60,
        seeds=seeds,
        claims=page.claims(result.claims) or "This experiment claims nothing; it measures.",
        body=result.body.strip(),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{name}.md").write_text(text, encoding="utf-8")
    for file, svg in result.figures.items():
        (options.out / file).write_text(svg, encoding="utf-8")
    sys.stdout.write(text)
    return all(c.holds for c in result.claims if c.required)


def _index(out: Path) -> None:
    """The list of the pages that are there."""
    lines = []
    for name, what in NAMES.items():
        page = out / f"{name}.md"
        if page.exists():
            title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
            lines.append(f"| [{name}]({name}.md) | {title} | {what} |")
    text = _README.format(rows="\n".join(lines))
    (out / "README.md").write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("PENSTOCK_TABLES", ROOT.parent / "shared" / "data"))
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument("--tables", type=Path, default=default)
    parser.add_argument("--seeds", type=int, help="default: 5, routerbench 8, hybrid 3")
    parser.add_argument("--rows", type=int, help="read only so many queries of every table")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "experiments")
    parser.add_argument("--fine", action="store_true", help="noise-grid: the whole grid, step 0.2")
    parser.add_argument("--routerbench", type=Path, help="the published RouterBench file")
    parser.add_argument(
        "--embeddings", metavar="MODEL", help="embeddings: as penstock fit --embeddings takes it"
    )
    parser.add_argument(
        "--only", default="", metavar="TABLE,TABLE", help="estimators, embeddings, reading: these alone"
    )
    options = parser.parse_args()
    if options.name == "embeddings" and not options.embeddings:
        parser.error("embeddings measures a model: name it, --embeddings sentence-transformers:MODEL")
    if not options.tables.is_dir():
        parser.error(f"the outcome tables are not at {options.tables}; give --tables or set PENSTOCK_TABLES")
    if options.seeds is not None and options.seeds < 1:
        parser.error("--seeds must be at least 1")
    return options


_PAGE = """# {title}

`{command}` on {date}, {cores} cores ({used}), {minutes:.1f} minutes, {seeds} seeds.

{claims}

{body}
"""

_README = """# Experiments

The protocols of the cascade-routing paper (arXiv 2410.10347) on real outcome tables, and of Hybrid LLM
(arXiv 2404.14618) on the embedded models, each made by `make experiment NAME=...`. Every page names its
command, date, seeds and what was to hold.

| | | |
|---|---|---|
{rows}
"""

if __name__ == "__main__":
    sys.exit(main())
