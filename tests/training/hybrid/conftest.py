"""Training needs torch, which only the ``train`` extra installs; tests of it run where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import pytest

from penstock.outcomes.table import OutcomeTable
from penstock.testing.tables import as_table, tiny_matrix
from penstock.training.hybrid.settings import SMALL, HybridSettings, Scratch

QUICK = replace(
    SMALL,
    epochs=2,
    learning_rate=3e-3,
    patience=None,
    scratch=Scratch(vocabulary=400, width=32, layers=1, heads=2, hidden=48),
)
"""Seconds instead of minutes; enough to learn the tiny table's topics."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """With one thread sums have one order, and a run is the same every time."""
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quick() -> HybridSettings:
    """Settings of a run that takes a second or two."""
    return QUICK


@pytest.fixture(scope="session")
def tiny_table() -> OutcomeTable:
    """Prompts of topics whose words say which model will do; one sample each."""
    return as_table(tiny_matrix(240, seed=0))
