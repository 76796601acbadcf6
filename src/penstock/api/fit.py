"""``penstock.fit``: a router in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.api.frames import Outcomes, matrix_of
from penstock.api.router import Router
from penstock.errors import InputError, MissingExtra
from penstock.router.targets import Target, TargetKind

if TYPE_CHECKING:
    from penstock.fitting.settings import FitSettings, Progress


def fit(
    outcomes: Outcomes,
    *,
    budget: float | None = None,
    quality: float | None = None,
    savings: float | None = None,
    strong_share: float | None = None,
    candidates: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    prices: Path | str | None = None,
    cost: str = "usd",
    embeddings: str | None = None,
    settings: FitSettings | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Router:
    """Fit a router to outcomes for one target.

    ``outcomes``: a table's folder, a CSV, JSONL or Parquet file, a pandas or polars frame with one row per
    query and model (prompt, model, quality, cost_usd; ``columns`` names others), an ``OutcomeTable`` or an
    ``OutcomeMatrix``. One target: ``budget`` (mean cost per query at most), ``quality`` (share of the best
    candidate's kept), ``savings`` (share of its cost saved) or ``strong_share`` (share of queries that may go
    to it). ``cost``: usd, latency or usd+W*latency. ``embeddings`` names an embedding model as the command
    line does. ``options`` are fields of ``FitSettings`` (estimators, policies, features, seed, ...).

    Raises ``TableError`` for outcomes that nothing can be learned from, ``TargetError`` for a target out of
    reach (it names the nearest that can be met), ``InputError`` for settings that mean nothing.
    """
    try:
        from penstock.fitting.fit import fit_matrix
        from penstock.fitting.result import router_of
        from penstock.fitting.settings import FitSettings
    except ImportError as error:
        raise MissingExtra("fit", "fitting") from error
    target = _one_target(budget, quality, savings, strong_share)
    used = _settings(FitSettings, settings, options)
    matrix = matrix_of(outcomes, columns=columns, prices=prices, cost=cost, seed=used.seed)
    embedder = None
    if embeddings is not None:
        from penstock.collection.open_router import fitting_embedder

        embedder = fitting_embedder(embeddings)
    fitted = fit_matrix(matrix, used, candidates=candidates, progress=progress, embedder=embedder)
    provenance = {
        "fitted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "left_out": fitted.selection.left_out,
        "why": fitted.why,
        "notes": list(fitted.notes),
    }
    return Router(router_of(fitted, target, seed=used.seed, provenance=provenance))


def _one_target(
    budget: float | None, quality: float | None, savings: float | None, strong_share: float | None
) -> Target:
    given = [
        Target(kind, float(value))
        for kind, value in (
            (TargetKind.BUDGET, budget),
            (TargetKind.QUALITY, quality),
            (TargetKind.SAVINGS, savings),
            (TargetKind.STRONG_SHARE, strong_share),
        )
        if value is not None
    ]
    if len(given) != 1:
        raise InputError(
            "give exactly one target", hint="budget=USD, quality=SHARE, savings=SHARE or strong_share=SHARE"
        )
    return given[0]


def _settings(kind: type[FitSettings], given: FitSettings | None, options: Mapping[str, Any]) -> FitSettings:
    from dataclasses import fields, replace

    known = {f.name for f in fields(kind)}
    for name in options:
        if name not in known:
            raise InputError(f"fit has no setting {name!r}", hint=f"There are {', '.join(sorted(known))}")
    names = {n: (v,) if isinstance(v, str) else tuple(v) for n, v in options.items() if n in _NAMES}
    return replace(kind() if given is None else given, **{**options, **names})


_NAMES = frozenset({"estimators", "policies", "post_hoc"})
"""Settings that are tuples of names; a list or one name will do."""
