"""One evaluation of the benchmark: a table, a protocol, a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.over_splits import FITTING

if TYPE_CHECKING:
    from penstock.fitting.result import Fit

SIMPLE = ("knn", "kmeans", "ridge", "logistic")
"""What is chosen has to be at least the best of routing by these, picked in hindsight."""
DRAWS = 200


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
    kept_error: float | None = None
    saving_error: float | None = None
    over_simple: dict[str, tuple[float, float]] = field(default_factory=dict)
    over_plain: dict[str, tuple[float, float]] = field(default_factory=dict)
    looking: tuple[float, float] | None = None
    chosen_looking: tuple[float, float] | None = None
    seconds: float = 0.0
    reason: str | None = None


def one(folder: Path, table: str, protocol: str, seed: int) -> Run:
    """One table, one protocol, one seed."""
    from penstock.errors import TableError
    from penstock.evaluation.evaluate import evaluate_fit, evaluate_task_out
    from penstock.evaluation.measure import UNGUARDED
    from penstock.fitting.fit import fit_matrix
    from penstock.fitting.settings import FitSettings
    from penstock.outcomes.io import read_table
    from penstock.outcomes.splits import split_by_group
    from penstock.outcomes.to_matrix import to_matrix

    started = perf_counter()
    grid = to_matrix(read_table(folder / table))
    fit_rows, test_rows = split_by_group(grid.queries, FITTING, seed)
    settings = FitSettings(seed=seed, threads=1)  # a process has a core
    try:
        if protocol == "random":
            fitted = fit_matrix(grid.rows(fit_rows), settings)
            pairs = _pairs(fitted, seed)
            test = grid.rows(test_rows)
            document = evaluate_fit(fitted, test, dataset=table, draws=DRAWS, seed=seed, pairs=pairs)
        else:
            fitting, test = grid.rows(fit_rows), grid.rows(test_rows)
            simple = [f"{guard}routing/{name}" for guard in ("", UNGUARDED) for name in SIMPLE]
            document = evaluate_task_out(fitting, test, settings, dataset=table, draws=DRAWS, against=simple)
    except TableError as error:
        return Run(table, protocol, seed, reason=str(error))
    item = document["policies"][document["chosen"]]
    over = item["auc_over_mix"] or {"difference": None, "standard_error": None}
    saving = item["saving"]["0.99"]
    over_simple, over_plain = _over(document, "routing/"), _over(document, f"{UNGUARDED}routing/")
    looking, chosen_looking = _looking(document)
    return Run(
        table,
        protocol,
        seed,
        chosen=", ".join(sorted(set(document.get("chosen_parts", [document["chosen"]])))),
        queries=document["fit_queries"] + document["test_queries"],
        candidates=len(document["candidates"]),
        fitted=document["fit_queries"],
        over_simple=over_simple,
        over_plain=over_plain,
        looking=looking,
        chosen_looking=chosen_looking,
        gain_ratio=item["gain_ratio"],
        over_mix=over["difference"],
        error=over["standard_error"],
        saving=saving["saving"],
        kept=saving["quality_ratio"],
        kept_error=_error(saving["quality_ratio_ci95"]),
        saving_error=_error(saving["ci95"]),
        mix_saving=document["policies"]["mix/mean"]["saving"]["0.99"]["saving"],
        seconds=perf_counter() - started,
        reason=item["gain_ratio_reason"],
    )


def _pairs(fitted: Fit, seed: int) -> list[tuple[str, str]]:
    """What was chosen against routing by each simple estimator, guarded and not; then the best policy that
    looks at answers, and what was chosen, each against what would be chosen if only routing were allowed."""
    from penstock.evaluation.measure import UNGUARDED
    from penstock.fitting.choose_option import choose

    tried = [f"routing/{name}" for name in SIMPLE if f"routing/{name}" in fitted.options]
    pairs = [(fitted.chosen, f"{guard}{name}") for guard in ("", UNGUARDED) for name in tried]
    areas = {name: option.auc for name, option in fitted.options.items()}
    looks = [name for name in areas if not name.startswith(("routing/", "mix/"))]
    if looks and fitted.tuning is not None:
        routes = {n: option for n, option in fitted.options.items() if n not in looks}
        route, _ = choose(routes, fitted.tuning.cluster, seed=seed)
        pairs += [(max(looks, key=lambda n: areas[n]), route), (fitted.chosen, route)]
    return pairs


def _over(document: dict[str, Any], before: str) -> dict[str, tuple[float, float]]:
    """What was chosen less every simple estimator whose option's name has ``before`` before it."""
    found: dict[str, tuple[float, float]] = {}
    for pair in document.get("pairs", ()):
        name, difference = pair["second"].removeprefix(before), pair["auc_difference"]
        if pair["first"] == document["chosen"] and name in SIMPLE and difference is not None:
            found.setdefault(name, (difference["difference"], difference["standard_error"]))
    return found


def _looking(document: dict[str, Any]) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """The last two pairs: the best that looks at answers, and what was chosen, each against what would be
    chosen without looking; None where nothing looked."""
    last: list[Any] = document.get("pairs", [])[-2:] if "chosen_parts" not in document else []
    if len(last) < 2 or last[0]["first"].startswith(("routing/", "mix/")):
        return None, None
    found = [pair["auc_difference"] for pair in last]
    differences = [None if d is None else (d["difference"], d["standard_error"]) for d in found]
    return differences[0], differences[1]


def _error(interval: list[float] | None) -> float | None:
    """The standard error behind a 95% interval."""
    return None if interval is None else (interval[1] - interval[0]) / (2 * 1.96)
