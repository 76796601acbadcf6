"""``make experiment-sater``: Stage I and II of SATER on the embedded models, with the page under
``docs/experiments``.

    python benchmarks/sater.py [--seeds N] [--workers N] [--work DIR] [--out DIR] [--ship DIR] [--quick]
        [--development]

Trains in ``--work`` (a temporary folder by default); given again with the same folder it goes on where it
stopped. The last lines say which claim holds; exit status 1 where one does not. With ``--ship`` the first
seed's model is written as NAME-sater.onnx into a folder of models (as ``penstock lab build`` makes) and its
manifest.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.experiments.sater_runs import Found, Plan

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Train, ask, print, write; 0 where every claim holds."""
    options = _options()
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    from benchmarks.experiments.sater_jobs import Clock
    from benchmarks.experiments.sater_runs import measure
    from penstock.errors import PenstockError

    started = perf_counter()
    resumed = options.work is not None and options.work.is_dir() and any(options.work.iterdir())
    tell = Clock(time())
    try:
        with TemporaryDirectory() as folder:
            work = options.work or Path(folder)
            plan = _plan(options)
            found = measure(plan, work, tell)
            minutes, busy = (perf_counter() - started) / 60, _processor_seconds() / 60
            if options.ship is not None:
                _ship(plan, work, options.ship)
    except PenstockError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    told = f"{minutes:.1f} minutes ({busy:.1f} minutes of processor time)"
    return _write(found, options, "from finished stages, not timed" if resumed else told)


def _processor_seconds() -> float:
    """Of this process and its workers."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _ship(plan: Plan, work: Path, folder: Path) -> None:
    from benchmarks.experiments.sater_runs import run_of, seconds_of
    from penstock.lab.build import EVALUATION_PROBLEMS
    from penstock.training.sater.ship import ship

    run = run_of(plan, work, 1)
    problems = min(EVALUATION_PROBLEMS, plan.items)
    ship(run, f"{plan.model}-sater", folder, seconds=seconds_of(run.out), problems=problems)


def _write(found: Found, options: argparse.Namespace, time: str) -> int:
    from benchmarks.experiments import page
    from benchmarks.experiments.sater import result_of

    result = result_of(found)
    listed = page.claims(result.claims)
    text = _PAGE.format(
        title=result.title,
        command=f"python benchmarks/sater.py --seeds {options.seeds}" + (" --quick" if options.quick else ""),
        date=datetime.now(UTC).date().isoformat(),
        device=_device(),
        time=time,
        claims=listed,
        body=result.body.strip(),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "sater.md").write_text(text, encoding="utf-8")
    for file, svg in result.figures.items():
        (options.out / file).write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{text}\n{listed}\n")
    return 0 if all(claim.holds for claim in result.claims) else 1


def _plan(options: argparse.Namespace) -> Plan:
    from dataclasses import replace

    import torch

    from benchmarks.experiments.sater_runs import Plan

    plan = Plan(
        model=options.model, seeds=options.seeds, development=options.development, workers=options.workers
    )
    if torch.cuda.is_available():
        plan = replace(plan, workers=1)
        sampling = replace(plan.settings.sampling, rows=4096)
        plan = replace(plan, questions=12_000, items=12_000, voted=6000)
        plan = replace(plan, settings=replace(plan.settings, sampling=sampling))
    if options.quick:
        plan = replace(plan, questions=60, items=120, voted=60)
    return plan


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{os.cpu_count()} cores"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="fine-tuning seeds")
    parser.add_argument("--model", default="small", help="the embedded model that is trained")
    parser.add_argument("--threads", type=int, default=0, help="of one process; default: torch's own choice")
    parser.add_argument(
        "--workers",
        type=int,
        default=min(os.cpu_count() or 1, 4),
        help="processes of one thread; 1, and always on a GPU: everything in one process",
    )
    parser.add_argument("--work", type=Path, help="folder of the stages; kept, and gone on with")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "experiments")
    parser.add_argument("--ship", type=Path, help="folder of models to write the first seed's into")
    parser.add_argument("--quick", action="store_true", help="a few questions, to try the machinery")
    parser.add_argument(
        "--development", action="store_true", help="ask the problems the recipe was chosen on"
    )
    options = parser.parse_args()
    if options.seeds < 1 or options.workers < 1:
        parser.error("--seeds and --workers must be at least 1")
    return options


_PAGE = """# {title}

`{command}` on {date}, {device}, {time}.

{claims}

{body}
"""

if __name__ == "__main__":
    sys.exit(main())
