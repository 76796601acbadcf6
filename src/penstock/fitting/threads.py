"""How many threads a fit works in, and how many each of them has.

A fit is many small sums. A linear algebra library that shares each of them out between cores spends more time
on the sharing than on the sum. So it has one thread inside a fit, and whole folds and replays are shared out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from penstock.errors import MissingExtra

MOST = 8
"""Every thread holds what its fold needs."""


def cores() -> int:
    """Cores this process may use, its container's share of them included; at most ``MOST``."""
    try:
        from joblib import cpu_count
    except ImportError as error:
        raise MissingExtra("fit", "fitting") from error
    return min(int(cpu_count()), MOST)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Within, libraries of linear algebra have one thread, in the whole process; before and after, as many as
    they had. Raises MissingExtra without the ``fit`` extra."""
    try:
        # SciPy and scikit-learn bring libraries of their own, and only what is loaded can be limited
        import scipy.linalg  # noqa: F401
        import sklearn.cluster  # noqa: F401
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise MissingExtra("fit", "fitting") from error
    with threadpool_limits(1):
        yield
