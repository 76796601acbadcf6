"""The protocols of the cascade-routing paper (papers.md C8) on real outcome tables.

One experiment per module; ``benchmarks/experiment.py`` runs them and writes ``docs/experiments``.
"""
