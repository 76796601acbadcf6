"""Tests of estimates before the call."""
