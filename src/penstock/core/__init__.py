"""Numeric kernels: arrays in, arrays out. Preconditions are stated, not checked."""
