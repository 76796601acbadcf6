"""Self-consistency: several samples of one candidate as one answer that knows how sure it is.

For samples that exist already, as in a table; ``providers.voting`` draws them live. Both count with
``core.votes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from penstock.answers.canonical import Normaliser
from penstock.answers.equivalence import NONE, normal_form, numbered
from penstock.answers.extract import stated_answer
from penstock.core.votes import NOBODY, count_votes
from penstock.types import Answer


def voted(samples: Sequence[Answer], normaliser: Normaliser = stated_answer) -> tuple[Answer | None, float]:
    """The first sample that gave the most frequent answer, with its share as its ``confidence``; the share.

    A sample that refused, failed or states nothing votes for nobody and stays in the denominator; of answers
    equally frequent the first to appear wins. (None, 0.0) where nobody got a vote. Usage and cost are of that
    one sample: add up the others' where all were paid for. InputError without samples.
    """
    code = np.array([numbered([normal_form(a, normaliser) for a in samples])], dtype=np.int64)
    ballots = np.where(code == NONE, NOBODY, code)
    votes = count_votes(ballots, np.ones(len(samples), dtype=np.int64))
    winner, share = int(votes.winner[0]), float(votes.confidence[0])
    if winner == NOBODY:
        return None, 0.0
    return replace(samples[int(np.argmax(ballots[0] == winner))], confidence=share), share
