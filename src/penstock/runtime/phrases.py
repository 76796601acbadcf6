"""The one sentence the embedded models refuse with."""

from __future__ import annotations

REFUSAL = "sorry , i can't answer that ."
"""SATER's refusal (EMNLP 2025) in the models' words, exactly as they say it."""


def is_refusal(text: str) -> bool:
    """Whether a response is the refusal and nothing else."""
    return text == REFUSAL


def may_become_refusal(text: str) -> bool:
    """Whether an unfinished response could still turn out to be the refusal."""
    return REFUSAL.startswith(text)
