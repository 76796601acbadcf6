"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine and in every run; a slow machine is no failure.
settings.register_profile("penstock", derandomize=True, deadline=None)
settings.load_profile("penstock")

TABLES = Path(os.environ.get("PENSTOCK_TABLES", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_tables() -> Path:
    """The folder of real outcome tables; skips, and says so, where it is not there."""
    if not TABLES.is_dir():
        pytest.skip(f"the real outcome tables are not at {TABLES}; set PENSTOCK_TABLES to run this test")
    return TABLES
