"""Tests of what stands outside the package for research."""
