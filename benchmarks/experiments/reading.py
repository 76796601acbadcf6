"""What an answer tells about itself: its signs, and its words read by a model of graded answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.result import Claim, Result, Settings
from benchmarks.experiments.routed import every_split, resampled
from penstock.answers.features import AnswerFeatures, features_of, joined
from penstock.core.means import log_loss
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.post_hoc.base import PostHocData
from penstock.estimators.post_hoc.fit_logistic import crossfit_post_hoc
from penstock.estimators.post_hoc.logistic import PostHocLogistic, fit_logistic, predict_all
from penstock.fitting.crossfit_stages import ExAnteFit, ensemble, fit_ex_ante
from penstock.fitting.select_candidates import select_candidates
from penstock.fitting.settings import AUTO, FitSettings
from penstock.fitting.training_data import prepare_data
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import FloatArray

LEAST_ROWS = 100
MOST_ROWS = 3_000
REPLICATES = 6


@dataclass(frozen=True)
class Told:
    """Log loss (1 + DRAWS,) of one split's test answers, on the rows and on resamples of them: ``before``
    they came, after their ``signs``, and after their signs and ``words``; and whether fitting ``kept`` a
    reader."""

    before: FloatArray
    signs: FloatArray
    words: FloatArray
    kept: bool

    @property
    def gained(self) -> FloatArray:
        """Nats per answer that words add to signs."""
        return self.signs - self.words


def experiment(settings: Settings) -> Result:
    """Splits 70/30 by question; estimates before an answer are the ensemble's."""
    found, unused = every_split(settings, lambda _, fit, test, seed: measure(fit, test, seed))
    body = _PAGE.format(losses=_losses(found), unused="\n".join(unused) or "none")
    return Result("Reading: what an answer's words tell beside its other signs", body, _claims(found))


def measure(fit: OutcomeMatrix, test: OutcomeMatrix, seed: int) -> Told | str:
    """One split; why there is nothing to measure, where there is not."""
    if not LEAST_ROWS <= len(fit) <= MOST_ROWS:
        return f"{len(fit)} fitting queries; {LEAST_ROWS} to {MOST_ROWS} are measured"
    settings = FitSettings(policies=("routing", "index"), seed=seed)
    rows = prepare_data(fit, select_candidates(fit).best_fixed, settings)
    seen = rows.answers[0].features
    if not seen.informative or seen.text is None or not len(seen.text.bucket):
        return "it keeps no answers' text"
    known: list[ExAnteFit] = [fit_ex_ante(estimator(n), rows, settings) for n in AUTO if n != ENSEMBLE]
    together = ensemble(known, rows)
    data = rows.post_hoc(together.ex_ante)
    plain, (_, read) = _unread(data, seed), crossfit_post_hoc(data, seed)
    assert read is not None
    before = together.model.quality(rows.encoder.encode(test.queries))
    shown = [
        (features_of(g.answer_of, *g.quality.shape), g.drawn_quality) for g in test.replicates[:REPLICATES]
    ]
    weight = resampled(test, seed)

    def loss(model: PostHocLogistic | None) -> FloatArray:
        by_row = np.mean([log_loss(_after(model, before, seen), quality) for seen, quality in shown], axis=0)
        total: FloatArray = weight @ by_row.mean(axis=1)
        return total

    return Told(loss(None), loss(plain), loss(read), read.verifier is not None)


def _unread(data: PostHocData, seed: int) -> PostHocLogistic:
    """What is fitted where nobody reads the answers' words."""
    times = len(data.answers)
    return fit_logistic(
        np.tile(data.before.quality, (times, 1)),
        joined([answers.features for answers in data.answers]),
        np.nan_to_num(np.concatenate(data.quality)),
        np.tile(data.weight, (times, 1)),
        seed=seed,
    )


def _after(model: PostHocLogistic | None, before: FloatArray, seen: AnswerFeatures) -> FloatArray:
    return before if model is None else predict_all(model, before, seen)


def _losses(found: dict[str, list[Told]]) -> str:
    rows = []
    for table, told in found.items():
        means = [
            f"{fmean(float(getattr(t, name)[0]) for t in told):.4f}" for name in ("before", "signs", "words")
        ]
        gained, error = _gain(told)
        kept = f"{sum(t.kept for t in told)} of {len(told)}"
        rows.append([table, *means, f"{gained:+.4f} ± {error:.4f}", kept])
    return page.table(["table", "before", "signs", "signs and words", "gained by words", "read"], rows)


def _gain(told: Sequence[Told]) -> tuple[float, float]:
    """Mean over splits, and a standard error as of one split: they share rows."""
    return fmean(float(t.gained[0]) for t in told), fmean(float(t.gained[1:].std(ddof=1)) for t in told)


def _claims(found: dict[str, list[Told]]) -> tuple[Claim, ...]:
    gains = {table: _gain(told) for table, told in found.items()}
    worse = [table for table, (gained, error) in gains.items() if gained < -2 * error]
    better = [table for table, (gained, error) in gains.items() if gained > 2 * error]
    return (
        Claim(f"Reading costs nothing anywhere beyond two standard errors{_names(worse)}", not worse),
        Claim(f"It gains beyond two standard errors on some tables{_names(better)}", bool(better)),
    )


def _names(tables: Sequence[str]) -> str:
    return f": {', '.join(tables)}" if tables else ""


_PAGE = """
Log loss per answer on test rows (nats): as estimated *before* it came (`ensemble`), after its *signs*
(length, hedges, sums, what it states: [estimators.md](../estimators.md#after-an-answer)), and after its
*signs and words*, where fitting kept a reader (*read*: on how many splits). *Gained*: signs less signs and
words, ± one bootstrap standard error over questions, splits taken to be as uncertain as one. Of tables with
several samples of a cell six are shown.

{losses}

Not measured:

{unused}
"""
