"""Tests of replaying and measuring."""
