"""From an outcome table to a router: which estimator, which policy, which operating points, and a guard."""
