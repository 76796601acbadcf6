"""Tests of the law of answers."""
