"""Tests of the Hybrid LLM recipe."""
