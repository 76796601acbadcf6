"""The protocols of the cascade-routing paper (De Koninck et al. 2025, experiments) on real outcome tables.

One experiment per module; ``benchmarks/experiment.py`` runs them and writes ``docs/experiments``.
"""
