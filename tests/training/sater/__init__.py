"""Tests of SATER's training."""
