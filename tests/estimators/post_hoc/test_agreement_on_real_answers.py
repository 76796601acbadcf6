"""On real answers: two middling models that agree are right far more often than their prompts tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.research.joint import crossfit_joint
from benchmarks.research.joint_signals import Signals
from penstock.answers.features import features_of
from penstock.answers.published_features import observe_answers
from penstock.core.means import weighted_means
from penstock.estimators.crossfit import cell_weights, crossfit
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.features import fit_encoder
from penstock.estimators.post_hoc.logistic import crossfit_logistic
from penstock.estimators.post_hoc.per_set import PUBLISHED, PerSetSettings, fit_per_set
from penstock.estimators.shrinkage import fit_shrinkage
from penstock.outcomes.io import read_table
from penstock.outcomes.splits import folds
from penstock.outcomes.to_matrix import to_matrix
from penstock.types import FloatArray
from tests.estimators.post_hoc.worlds import slope

MODELS = ("Mixtral-8x7B-Instruct-v0.1", "Yi-1.5-9B-Chat")


def auc_roc(score: FloatArray, right: FloatArray) -> float:
    """Probability that a right answer's score is above a wrong one's, ties half."""
    good, bad = score[right == 1][:, None], score[right == 0][None, :]
    return float((good > bad).mean() + 0.5 * (good == bad).mean())


@pytest.mark.real_tables
def test_agreement_tells_right_answers_from_wrong_ones(real_tables: Path) -> None:
    grid = to_matrix(read_table(real_tables / "zeroeval_gsm"), MODELS)
    fold = folds(grid.queries, 5, 0)
    weight = cell_weights(grid.quality, grid.propensity)
    inputs = fit_encoder(grid.queries).encode(grid.queries)
    raw = crossfit(estimator("logistic"), inputs, grid.quality, weight, fold, seed=0)
    shrinkage = fit_shrinkage(raw, grid.quality, weight, weighted_means(grid.quality, weight))
    ex_ante = np.clip(shrinkage.apply(raw), 0.0, 1.0)
    answers = observe_answers(grid)
    seen = features_of(grid.answer_of, *grid.quality.shape)
    own = crossfit_logistic(ex_ante, seen, grid.quality, weight, fold, seed=0)
    args = (answers, ex_ante, grid.quality, weight, fold)
    refined = fit_per_set(*args, settings=PerSetSettings())
    published = fit_per_set(*args, settings=PUBLISHED)
    joint = crossfit_joint(Signals.of(ex_ante, own, answers), grid.quality, fold)
    for i in range(2):
        before, alone = (auc_roc(e[:, i], grid.quality[:, i]) for e in (ex_ante, own))
        for both in (refined.out_of_fold(3), published.out_of_fold(3), joint.estimate(3)):
            after = auc_roc(both[:, i], grid.quality[:, i])
            # measured: .59 and .67 before, .77 and .83 alone, .84 to .92 together
            assert after > max(before + 0.15, alone)
        assert auc_roc(joint.estimate(3)[:, i], grid.quality[:, i]) > alone + 0.05
        # slopes on these prompts are 1.1 and 1.4 for the truth itself: the refined estimate follows them
        truth = slope(grid.quality[:, i], ex_ante[:, i])
        assert slope(refined.out_of_fold(3)[:, i], ex_ante[:, i]) == pytest.approx(truth, abs=0.3)
    assert np.abs(refined.drift(0)).max() < 0.03
