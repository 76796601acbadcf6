"""Tests of which answers are the same."""
