"""Deterministic scorers: the text of an answer and the right answer in, a quality in [0, 1] out."""
