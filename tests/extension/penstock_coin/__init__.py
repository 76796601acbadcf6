"""One of everything that extends penstock, each in a file of its own."""

from penstock_coin import comparison, estimator, policy, post_hoc, provider, scorer, store

__all__ = ["comparison", "estimator", "policy", "post_hoc", "provider", "scorer", "store"]
