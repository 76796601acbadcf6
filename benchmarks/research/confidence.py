"""Confidence-based deferral: a cascade on what an answer says of itself, not on what it is estimated to be.

The plain baseline of the field: go on while a raw score (the mean token probability, the share of a vote) is
below a threshold. Scores are on no common scale with quality, so every member's threshold ranges over all of
its scores (docs/references.md, correction 3), not over what a price lambda can reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from penstock.answers.equivalence import NONE
from penstock.answers.features import ANSWER_FEATURES, AnswerFeatures
from penstock.belief import OwnAnswerBelief
from penstock.core.cascade_chains import chains, levels
from penstock.errors import InputError
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.types import FloatArray, IntArray

POINTS = 24
MOST_PER_CHAIN = 250


def token_confidence(seen: AnswerFeatures) -> FloatArray:
    """(n, k) exp(mean token log-probability), the geometric mean probability of an answer's tokens.

    0 for a refused or failed answer. Raises InputError where an answer that came back has no
    log-probabilities.
    """
    known = seen.found[:, :, ANSWER_FEATURES.index("has_logprobs")] > 0
    silent = np.argwhere(seen.answered & ~known)
    if len(silent):
        raise InputError(
            f"the answer of query {silent[0][0]} by candidate {silent[0][1]} (row and column, from 0) has no "
            "token log-probabilities",
            field="logprobs",
            hint="Use another confidence, or collect with log-probabilities",
        )
    mean = seen.found[:, :, ANSWER_FEATURES.index("mean_logprob")]
    return np.where(seen.answered, np.exp(np.minimum(mean, 0.0)), 0.0)


def vote_share(code: IntArray, chain: Sequence[int]) -> FloatArray:
    """(n, k) for every member of a chain: the share of it and the members before it that gave its answer.

    ``code`` (n, k) as ``RecordedAnswers.codes``. 0 where there is no comparable answer, and for
    candidates outside the chain; 1 for a first member with one, who has nobody to disagree with.
    """
    share = np.zeros(code.shape)
    for position, column in enumerate(chain):
        votes = code[:, list(chain[: position + 1])]
        same = (votes == code[:, [column]]) & (votes != NONE)
        share[:, column] = same.mean(axis=1)
    return share


def confidence_cascades(
    confidence: FloatArray, quality: FloatArray, cost: FloatArray, *, points: int = POINTS
) -> list[Policy]:
    """Threshold cascades on ``confidence`` (n, k) over chains of the fixed hull (mean ``quality`` and
    ``cost``, (k,)); replay them with ``on_confidence``.

    ``points`` thresholds for a pair; for a longer chain a grid of all its members' thresholds and, along its
    diagonal, ``points`` common quantiles. From keeping every answer to keeping none.
    """
    if confidence.shape[1:] != quality.shape or np.isnan(confidence).any():
        raise InputError("needs one number per query and candidate, none missing", field="confidence")
    found: list[ThresholdCascade] = []
    for chain in chains(quality, cost):
        scores = confidence[:, chain[:-1]]
        count = points if len(chain) == 2 else max(2, int(MOST_PER_CHAIN ** (1 / (len(chain) - 1))))
        grid = product(*(levels(column, count).tolist() for column in scores.T))
        common = np.quantile(scores, np.linspace(0.0, 1.0, points), axis=0).tolist()
        found += [ThresholdCascade(chain, tuple(thresholds)) for thresholds in (*grid, *common)]
    return list(dict.fromkeys(found))


def on_confidence(beliefs: OwnAnswerBelief, confidence: FloatArray) -> OwnAnswerBelief:
    """Beliefs whose post-hoc estimates are raw scores: for the policies of ``confidence_cascades`` alone, who
    compare a score with its own candidate's threshold and with nothing else."""
    return replace(beliefs, post_hoc=confidence, shift_sd=None)
