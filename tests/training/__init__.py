"""Tests of the training recipes."""
