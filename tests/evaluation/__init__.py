"""Tests of replaying, measuring and reporting."""
