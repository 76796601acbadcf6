"""Tests of what is read in answers."""
