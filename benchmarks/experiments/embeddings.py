"""What an embedding model adds to words, letters and shape: routing with its vectors among the features."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from benchmarks.experiments import page
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.routed import Found, Measured, against, measure, over_tables
from penstock.collection.open_router import fitting_embedder
from penstock.errors import InputError
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.fitting.settings import AUTO
from penstock.outcomes.matrix import OutcomeMatrix

LEAST_ROWS = 500
WITH = " with"


def experiment(settings: Settings) -> Result:
    """Every estimator that ``--estimator auto`` tries, with and without, on the same splits."""
    embedder = fitting_embedder(settings.embeddings)
    if embedder is None:
        raise InputError(
            "this experiment measures an embedding model: name one",
            field="--embeddings",
            hint="--embeddings sentence-transformers:MODEL, fastembed:MODEL or MODEL@https://host/v1",
        )

    def both(fit: OutcomeMatrix, test: OutcomeMatrix, seed: int) -> dict[str, Measured] | None:
        plain = measure(fit, test, seed, AUTO)
        if plain is None:
            return None
        other = measure(fit, test, seed, AUTO, embedder)
        return plain | {f"{name}{WITH}": one for name, one in (other or {}).items()}

    found, unused, sizes = over_tables(settings, LEAST_ROWS, both)
    body = _PAGE.format(
        model=settings.embeddings,
        areas=_areas(found),
        sizes=", ".join(f"{t} {n:,} x {k}" for t, (n, k) in sizes.items()),
        unused="\n".join(unused) or "none",
    )
    return Result("Embeddings: what they add to a prompt's words", body)


def _areas(found: Found) -> str:
    rows = []
    for name in AUTO:
        pairs = [(one[name], one[f"{name}{WITH}"]) for one in found.values()]
        rows.append([name, *(_mean(plain) for plain, _ in pairs), _pooled([p for p, _ in pairs])])
        rows.append([f"{name}{WITH}", *(_mean(other) for _, other in pairs), _pooled([o for _, o in pairs])])
    differences = [against(one[f"{ENSEMBLE}{WITH}"], one[ENSEMBLE]) for one in found.values()]
    gained = [f"{d:+.2f} ± {e:.2f}" for d, e in differences]
    rows.append(
        [f"{ENSEMBLE}, gained", *gained, f"{fmean(d for d, _ in differences):+.2f}" if gained else "–"]
    )
    return page.table(["AUC x 100 over mix", *found, "mean"], rows)


def _mean(measured: Sequence[Measured]) -> str:
    return f"{100 * fmean(float(m.over[0]) for m in measured):.2f}"


def _pooled(tables: Sequence[Sequence[Measured]]) -> str:
    means = [100 * fmean(float(m.over[0]) for m in measured) for measured in tables]
    return f"{fmean(means):.2f}" if means else "–"


_PAGE = """
Embeddings by `{model}`. Fitting rows x candidates (last split): {sizes}.

Area under the unguarded routing frontier on test rows, above the fitted mix's, as in
[estimators.md](estimators.md): from a prompt's words, letters and shape, and with the embedding's main
directions beside them.

{areas}

*Gained*: paired difference ± one bootstrap standard error over questions, splits taken to be as uncertain as
one.

Not used:

{unused}
"""
