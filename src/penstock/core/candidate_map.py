"""What one candidate's prediction says of another's quality: a k x k regression of outcomes on predictions.

Predictions are right on average and wrong in between: pooled shrinkage leaves the difference between two
good candidates too small where weak ones vary more, or too large. Regressing every candidate's outcome on
all candidates' out-of-fold predictions corrects that ("curds and whey": Breiman & Friedman 1997).

The prior is that nothing has to be corrected. Its strength is fixed and not cross-validated: predictions of
one fold come from fits that have seen the others' outcomes, which makes any map look worse across folds than
it is on new rows.
"""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray

PRIOR = 0.15
"""Standard deviation, before any row is seen, of how far an entry of the map is from the identity's."""


def candidate_map(predicted: FloatArray, residual: FloatArray, weight: FloatArray) -> FloatArray:
    """(k, k) by which centred predictions are to be multiplied from the right.

    ``predicted`` (n, k): out-of-fold, candidates' means subtracted; ``residual`` (n, k): qualities likewise,
    0 where ``weight`` (n, k) is.
    """
    identity = np.eye(predicted.shape[1])
    found = identity.copy()
    for j, cells in enumerate(weight.T):
        total = float(cells.sum())
        if total <= 0:
            continue
        off = residual[:, j] - predicted[:, j]
        noise = float(cells @ off**2) / total
        weighted = cells[:, None] * predicted
        gram = weighted.T @ predicted + max(noise, 1e-9) / PRIOR**2 * identity
        found[:, j] += np.linalg.solve(gram, weighted.T @ off)
    return found
